//! Sessions and links: which channels of the two ends belong together, and what a handle stands for.

/// Sessions and links that are remembered; the oldest are forgotten first.
const MAX_SESSIONS: usize = 64;
const MAX_LINKS: usize = 128;
const MAX_ADDRESS: usize = 256;

/// One end's link.
#[derive(Clone, Debug)]
pub struct Link {
    by_client: bool,
    channel: u16,
    handle: u32,
    /// The same for both ends.
    pub name: u32,
    pub address: Box<[u8]>,
}

/// What was begun and attached.
#[derive(Debug, Default)]
pub struct Links {
    /// The client's channel and the server's.
    sessions: Vec<(u16, u16)>,
    links: Vec<Link>,
}

impl Links {
    pub fn begin(&mut self, client: u16, server: u16) {
        self.sessions.retain(|pair| pair.0 != client && pair.1 != server);
        // Most ends choose the same number.
        if client == server {
            return;
        }
        if self.sessions.len() >= MAX_SESSIONS {
            self.sessions.remove(0);
        }
        self.sessions.push((client, server));
    }

    /// The client's channel of a session, whichever end's is given.
    pub fn session(&self, channel: u16, by_client: bool) -> u16 {
        if by_client {
            return channel;
        }
        self.sessions.iter().find(|pair| pair.1 == channel).map_or(channel, |pair| pair.0)
    }

    pub fn attach(&mut self, by_client: bool, channel: u16, handle: u32, name: &[u8], address: &[u8]) -> u32 {
        let name = name
            .iter()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
        self.detach(by_client, channel, handle);
        if self.links.len() >= MAX_LINKS {
            self.links.remove(0);
        }
        self.links.push(Link {
            by_client,
            channel,
            handle,
            name,
            address: address[..address.len().min(MAX_ADDRESS)].into(),
        });
        name
    }

    pub fn find(&self, by_client: bool, channel: u16, handle: u32) -> Option<&Link> {
        self.links
            .iter()
            .find(|link| (link.by_client, link.channel, link.handle) == (by_client, channel, handle))
    }

    pub fn detach(&mut self, by_client: bool, channel: u16, handle: u32) {
        self.links
            .retain(|link| (link.by_client, link.channel, link.handle) != (by_client, channel, handle));
    }

    pub fn heap_bytes(&self) -> usize {
        let addresses: usize = self.links.iter().map(|link| link.address.len()).sum();
        addresses + self.links.capacity() * size_of::<Link>() + self.sessions.capacity() * 4
    }
}
