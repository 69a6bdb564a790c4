//! Servers that speak what no protocol of the table knows. Looking for it in each of their flows again would cost more than counting them.

use crate::flow::key::Seed;
use crate::packet::Ip;

/// Direct-mapped: a newer server takes an older one's place.
const SERVERS: usize = 4096;
/// Flows in a row that were given up, after which a server is a stranger.
const STRANGE: u8 = 8;
/// Payload packets of a stranger's flow that are looked at: usually the first one of each end.
const LOOKS: u8 = 2;
/// One of so many client ports is looked at as if the server were new, so that a change is noticed.
const SAMPLED: u16 = 16;

#[derive(Clone, Copy, Default)]
struct Place {
    tag: u32,
    flows: u8,
}

pub struct Strangers {
    places: Vec<Place>,
    seed: Seed,
}

impl Default for Strangers {
    fn default() -> Self {
        Strangers {
            places: vec![Place::default(); SERVERS],
            seed: Seed::default(),
        }
    }
}

/// A server by address, port and IP protocol.
pub type Server = (Ip, u16, u8);

impl Strangers {
    fn place(&self, (ip, port, protocol): Server) -> (usize, u32) {
        let hash = self.seed.hash_words([ip[0], ip[1], u64::from(port) << 8 | u64::from(protocol)]);
        (hash as usize % SERVERS, (hash >> 32) as u32 | 1)
    }

    /// How many payload packets of a flow are looked at, of `max` that are where nothing is known.
    #[inline]
    pub fn looks(&self, server: Server, client_port: u16, max: u8) -> u8 {
        let (at, tag) = self.place(server);
        let place = &self.places[at];
        if place.tag == tag && place.flows >= STRANGE && !client_port.is_multiple_of(SAMPLED) {
            max.min(LOOKS)
        } else {
            max
        }
    }

    /// A flow was given up.
    pub fn in_vain(&mut self, server: Server) {
        let (at, tag) = self.place(server);
        let place = &mut self.places[at];
        if place.tag != tag {
            *place = Place { tag, flows: 0 };
        }
        place.flows = place.flows.saturating_add(1);
    }

    /// A flow was recognised: its server is none.
    pub fn known(&mut self, server: Server) {
        let (at, tag) = self.place(server);
        if self.places[at].tag == tag {
            self.places[at].flows = 0;
        }
    }

    /// Other protocols are looked for from now on.
    pub fn forget(&mut self) {
        self.places.fill(Place::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Server = ([0, 7], 9000, 6);

    #[test]
    fn a_server_is_a_stranger_after_some_flows_in_vain_and_none_after_one_that_is_known() {
        let mut strangers = Strangers::default();
        for _ in 0..STRANGE {
            assert_eq!(strangers.looks(SERVER, 40_001, 10), 10);
            strangers.in_vain(SERVER);
        }
        assert_eq!(strangers.looks(SERVER, 40_001, 10), LOOKS);
        assert_eq!(strangers.looks(SERVER, 40_000, 10), 10, "some are looked at as before");
        assert_eq!(strangers.looks(([0, 8], 9000, 6), 40_001, 10), 10);
        strangers.known(SERVER);
        assert_eq!(strangers.looks(SERVER, 40_001, 10), 10);
    }

    #[test]
    fn other_settings_begin_anew() {
        let mut strangers = Strangers::default();
        (0..STRANGE).for_each(|_| strangers.in_vain(SERVER));
        strangers.forget();
        assert_eq!(strangers.looks(SERVER, 40_001, 10), 10);
    }
}
