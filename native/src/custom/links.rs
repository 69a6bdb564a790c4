//! The processes an engine can ask, and which flows they are asked about.

use super::link::{Dead, Link, Socket};
use super::wire::{Answer, Question};
use crate::l7::table::{TCP, UDP};
use crate::l7::{L7Packet, L7Settings};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Names that rows can carry; each stays for the life of the process.
const MAX_NAMES: usize = 1024;

/// A flow that a process reads.
#[derive(Clone, Copy, Debug)]
pub struct Remote {
    pub id: u64,
    /// Which process.
    pub place: u16,
    /// Payload that it could not take, by sender (client first), and has not been told of yet.
    pub missing: [u32; 2],
}

/// A process to ask, and about what.
pub struct Endpoint {
    /// Number of the protocol in the operator's list.
    pub place: u16,
    /// First and last port of each range, either end's; none: whatever no other protocol knows.
    pub ports: Vec<(u16, u16)>,
    pub socket: Socket,
}

/// How a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It has not said its name yet.
    Starting,
    Running,
    Dead(Dead),
}

struct Place {
    number: u16,
    ports: Vec<(u16, u16)>,
    name: &'static str,
    transports: u8,
    link: Option<Link>,
    health: Health,
}

/// Every process of one engine.
#[derive(Default)]
pub struct Links {
    places: Vec<Place>,
    waits: bool,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Yes,
    /// The process has too much to do.
    NoRoom,
    Dead,
}

impl Links {
    /// Whether asking blocks until the answer is there.
    pub fn waiting(waits: bool) -> Links {
        Links { places: Vec::new(), waits }
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Uses this process from now on, instead of the one that had its place.
    pub fn connect(&mut self, endpoint: Endpoint, settings: &L7Settings) {
        self.disconnect(endpoint.place);
        let link = Link::new(endpoint.socket, self.waits);
        let mut place = Place {
            number: endpoint.place,
            ports: endpoint.ports,
            name: "",
            transports: 0,
            health: if link.is_ok() { Health::Starting } else { Health::Dead(Dead::Gone) },
            link: link.ok(),
        };
        if self.waits {
            place.greet();
        }
        place.ask(&Question::Settings(settings.clone()));
        let at = self.places.partition_point(|other| other.number < endpoint.place);
        self.places.insert(at, place);
    }

    /// Forgets a process.
    pub fn disconnect(&mut self, number: u16) {
        self.places.retain(|place| place.number != number);
    }

    /// The first process after `after` that is to be asked about flows with these ports. `named`: because of a port; else because nobody knew better.
    pub fn wanting(&self, transport: u8, ports: [u16; 2], named: bool, after: Option<u16>) -> Option<u16> {
        let bit = match transport {
            TCP => 1,
            UDP => 2,
            _ => return None,
        };
        let fits = |place: &&Place| {
            place.health == Health::Running
                && place.transports & bit != 0
                && after.is_none_or(|after| place.number > after)
                && if named {
                    place
                        .ports
                        .iter()
                        .any(|(first, last)| ports.iter().any(|port| first <= port && port <= last))
                } else {
                    place.ports.is_empty()
                }
        };
        self.places.iter().find(fits).map(|place| place.number)
    }

    /// The name that rows of this process carry.
    pub fn name(&self, number: u16) -> &'static str {
        self.places
            .iter()
            .find(|place| place.number == number)
            .map_or("", |place| place.name)
    }

    pub fn is_dead(&self, number: u16) -> bool {
        let found = self.places.iter().find(|place| place.number == number);
        found.is_none_or(|place| matches!(place.health, Health::Dead(_)))
    }

    /// How each process is.
    pub fn health(&self) -> Vec<(u16, Health)> {
        self.places.iter().map(|place| (place.number, place.health)).collect()
    }

    /// Hands on a packet of a flow.
    pub fn packet(&mut self, remote: &mut Remote, packet: L7Packet<'_>) -> Asked {
        let Some(place) = self.places.iter_mut().find(|place| place.number == remote.place) else {
            return Asked::Dead;
        };
        let side = usize::from(!packet.from_client);
        if !place.link.as_ref().is_some_and(|link| link.has_room(packet.payload.len())) {
            remote.missing[side] = remote.missing[side].saturating_add(packet.wire_len);
            return if place.link.is_some() { Asked::NoRoom } else { Asked::Dead };
        }
        let missing = std::mem::take(&mut remote.missing[side]);
        if missing > 0 && packet.protocol == TCP {
            place.ask(&Question::Gap {
                flow: remote.id,
                from_client: packet.from_client,
                missing,
                now_us: packet.time_us,
            });
        }
        place.ask(&Question::Packet { flow: remote.id, packet })
    }

    /// Says that bytes of a flow will never come, or that it is over.
    pub fn tell(&mut self, number: u16, question: &Question<'_>) -> Asked {
        match self.places.iter_mut().find(|place| place.number == number) {
            Some(place) => place.ask(question),
            None => Asked::Dead,
        }
    }

    /// Tells every process.
    pub fn tell_all(&mut self, question: &Question<'_>) {
        for place in &mut self.places {
            place.ask(question);
        }
    }

    /// Sends what is to be sent and gives the answers that are there, each with the name of who gave it.
    pub fn answers(&mut self, mut each: impl FnMut(&'static str, Answer<'_>)) {
        for place in &mut self.places {
            place.answers(&mut each);
        }
    }

    /// From now on every answer is waited for, so long at most.
    pub fn wait_from_now_on(&mut self, at_most: Duration) {
        self.waits = true;
        for place in &mut self.places {
            let set = place.link.as_mut().map_or(Ok(()), |link| link.wait_from_now_on(at_most));
            place.judge(set);
        }
    }
}

impl Place {
    fn judge(&mut self, result: Result<(), Dead>) -> Asked {
        if let Err(why) = result {
            self.health = Health::Dead(why);
            self.link = None;
        }
        if self.link.is_some() { Asked::Yes } else { Asked::Dead }
    }

    fn ask(&mut self, question: &Question<'_>) -> Asked {
        let result = self.link.as_mut().map_or(Ok(()), |link| link.ask(question));
        self.judge(result)
    }

    fn greet(&mut self) {
        let Some(link) = &mut self.link else { return };
        let (mut name, mut transports) = ("", 0);
        let result = link.greet(|answer| hear(&answer, &mut name, &mut transports));
        (self.name, self.transports, self.health) = (name, transports, Health::Running);
        self.judge(result);
    }

    fn answers(&mut self, each: &mut impl FnMut(&'static str, Answer<'_>)) {
        let Some(link) = &mut self.link else { return };
        let (mut name, mut transports) = (self.name, self.transports);
        let mut result = link.send();
        if result.is_ok() {
            result = link.answers(|answer| {
                hear(&answer, &mut name, &mut transports);
                each(name, answer);
            });
        }
        (self.name, self.transports) = (name, transports);
        if self.health == Health::Starting && transports != 0 {
            self.health = Health::Running;
        }
        self.judge(result);
    }
}

fn hear(answer: &Answer<'_>, name: &mut &'static str, transports: &mut u8) {
    if let Answer::Hello {
        name: said,
        transports: carried,
    } = answer
    {
        (*name, *transports) = (intern(said), *carried);
    }
}

/// The same text for ever.
pub fn intern(text: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    match names.get(text) {
        Some(name) => name,
        None if names.len() >= MAX_NAMES => "Custom",
        None => {
            let name: &'static str = Box::leak(text.to_owned().into_boxed_str());
            names.insert(name);
            name
        }
    }
}
