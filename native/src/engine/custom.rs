//! Flows whose application protocol is read by a process of the operator's, and the rows that come back from it.

use super::Core;
use super::rows::RowSink;
use crate::custom::{Answer, Asked, Endpoint, Health, Links, Question, Remote};
use crate::flow::{App, Cold, Flow};
use crate::l7::table::{self, Found};
use crate::l7::{L7Packet, L7Settings, L7Sink, Opening};
use std::collections::HashMap;
use std::time::Duration;

/// How long rows may come of a flow that is over.
const REST_S: u32 = 15;
/// Flows that are over and of which rows may still come; beyond that one is forgotten.
const MAX_OVER: usize = 65_536;
/// How long the end of a live capture waits for the last rows.
const LAST: Duration = Duration::from_secs(2);

/// What the engine knows about processes that read protocols.
#[derive(Default)]
pub struct Custom {
    links: Links,
    whose: HashMap<u64, Whose>,
    over: usize,
    next: u64,
}

/// Whose rows come back under a number.
enum Whose {
    Alive { slot: u32, place: u16, is_refused: bool },
    Over(Box<Over>),
}

/// What is needed of a flow that is over to write its last rows.
struct Over {
    flow: Flow,
    cold: Cold,
    place: u16,
    until_s: u32,
}

impl Custom {
    /// `waits`: every answer is waited for.
    pub fn new(waits: bool) -> Custom {
        Custom {
            links: Links::waiting(waits),
            ..Custom::default()
        }
    }

    /// Whether there is nobody to ask.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// How each process is, by its place.
    pub fn health(&self) -> Vec<(u16, Health)> {
        self.links.health()
    }
}

impl Core {
    /// Uses the process at the other end of a socket.
    pub fn connect_protocol(&mut self, endpoint: Endpoint) {
        self.lose_flows(endpoint.place);
        let settings = std::sync::Arc::clone(&self.config.l7_settings);
        self.custom.links.connect(endpoint, &settings);
    }

    /// Uses it no more.
    pub fn disconnect_protocol(&mut self, place: u16) {
        self.custom.links.disconnect(place);
        self.lose_flows(place);
    }

    pub fn protocol_health(&self) -> Vec<(u16, Health)> {
        self.custom.health()
    }

    pub(super) fn configure_custom(&mut self, settings: &L7Settings) {
        self.custom.links.tell_all(&Question::Settings(settings.clone()));
    }

    /// Whether payload of this flow, which has no application side yet, goes to a process because of its port.
    #[inline]
    pub(super) fn is_custom(&self, slot: u32) -> bool {
        !self.custom.is_empty() && self.has_custom_port(slot)
    }

    #[cold]
    fn has_custom_port(&self, slot: u32) -> bool {
        let (transport, ports) = self.transport_and_ports(slot);
        self.custom.links.wanting(transport, ports, true, None).is_some()
    }

    /// Whether a process is asked about what no protocol of the table knows.
    pub(super) fn takes_unknown(&self, slot: u32) -> bool {
        let (transport, ports) = self.transport_and_ports(slot);
        !self.custom.is_empty() && self.custom.links.wanting(transport, ports, false, None).is_some()
    }

    fn transport_and_ports(&self, slot: u32) -> (u8, [u16; 2]) {
        let flow = self.flows.get(slot);
        (flow.key.protocol(), [flow.client().1, flow.server().1])
    }

    /// Gives the flow to the next process that wants it.
    #[cold]
    pub(super) fn offer(&mut self, slot: u32, app: &mut App, opening: &Opening<'_>) {
        if app.remote.is_some() || app.l7.protocol() != 0 {
            return;
        }
        let (transport, ports) = self.transport_and_ports(slot);
        let links = &self.custom.links;
        let mut place = links.wanting(transport, ports, true, app.offered);
        let knows = |opening| !matches!(table::find(opening, &self.config.l7_settings), Found::Unknown);
        if place.is_none() && links.wanting(transport, ports, false, app.offered).is_some() && !knows(opening) {
            place = links.wanting(transport, ports, false, app.offered);
        }
        let Some(place) = place else { return };
        app.offered = Some(place);
        self.custom.next += 1;
        let id = self.custom.next;
        app.remote = Some(Box::new(Remote {
            id,
            place,
            missing: [0; 2],
        }));
        let whose = Whose::Alive {
            slot,
            place,
            is_refused: false,
        };
        self.custom.whose.insert(id, whose);
    }

    /// Hands payload to the process that reads this flow; `false` where none does, or none does any more.
    pub(super) fn hand_over(&mut self, app: &mut App, packet: L7Packet<'_>) -> bool {
        let Some(remote) = &mut app.remote else { return false };
        if let Some(Whose::Alive { is_refused: true, .. }) | None = self.custom.whose.get(&remote.id) {
            self.custom.whose.remove(&remote.id);
            app.remote = None;
            return false;
        }
        self.stats.custom_packets += 1;
        match self.custom.links.packet(remote, packet) {
            Asked::Yes => {}
            Asked::NoRoom => self.stats.custom_dropped_packets += 1,
            Asked::Dead => {
                self.stats.custom_dropped_packets += 1;
                let place = remote.place;
                self.lose_flows(place);
            }
        }
        if self.custom.links.waits() {
            self.hear();
        }
        true
    }

    /// Says that payload is missing. `false` where no process reads this flow.
    pub(super) fn hand_gap(&mut self, app: &mut App, from_client: bool, missing: u32, now_us: i64) -> bool {
        let Some(remote) = &app.remote else { return false };
        let question = Question::Gap {
            flow: remote.id,
            from_client,
            missing,
            now_us,
        };
        self.custom.links.tell(remote.place, &question);
        true
    }

    /// The flow is over: what the process still says about it is written as its own.
    pub(super) fn end_custom(&mut self, slot: u32, app: &mut App, now_us: i64) {
        let Some(remote) = app.remote.take() else { return };
        let flow = remote.id;
        self.custom.links.tell(remote.place, &Question::Close { flow, now_us });
        if self.custom.links.waits() {
            self.hear();
            self.custom.whose.remove(&flow);
            return;
        }
        let is_known = matches!(self.custom.whose.remove(&flow), Some(Whose::Alive { is_refused: false, .. }));
        if !is_known || self.custom.over >= MAX_OVER || self.custom.links.is_dead(remote.place) {
            return;
        }
        let pair = self.flows.get(slot).pair;
        let over = Over {
            flow: self.flows.get(slot).told(),
            cold: self.cold.get(slot).told(),
            place: remote.place,
            until_s: self.now_s + REST_S,
        };
        self.documents.hold(pair);
        self.custom.over += 1;
        self.custom.whose.insert(flow, Whose::Over(Box::new(over)));
    }

    /// Lets time pass for the processes, and forgets flows of which nothing more will come.
    pub(super) fn tick_custom(&mut self, now_us: i64) {
        if self.custom.is_empty() {
            return;
        }
        self.custom.links.tell_all(&Question::Tick { now_us });
        self.hear();
        let now_s = self.now_s;
        self.forget_over(|over| over.until_s <= now_s);
    }

    /// Reads what the processes answered. Live, call it after each round of packets.
    pub fn hear(&mut self) {
        if self.custom.is_empty() {
            return;
        }
        let mut custom = std::mem::take(&mut self.custom);
        custom.links.answers(|name, answer| match answer {
            Answer::Row { flow, row } => {
                let row = row.named(table::name_of(row.row.protocol).unwrap_or(name));
                self.stats.custom_rows += 1;
                match custom.whose.get(&flow) {
                    Some(Whose::Alive { slot, .. }) => self.with_sink(*slot, |sink| sink.row(&row)),
                    Some(Whose::Over(over)) => {
                        let mut sink = RowSink {
                            output: &mut self.output,
                            documents: &mut self.documents,
                            flow: &over.flow,
                            cold: &over.cold,
                            writes_log: self.config.l7_log,
                        };
                        sink.row(&row);
                    }
                    None => self.stats.custom_late_rows += 1,
                }
            }
            Answer::Seen { flow, protocol, seen } => {
                if let Some(Whose::Alive { slot, .. }) = custom.whose.get(&flow) {
                    self.count_l7(*slot, seen, protocol);
                }
            }
            Answer::Refused { flow } => {
                if let Some(Whose::Alive { is_refused, .. }) = custom.whose.get_mut(&flow) {
                    *is_refused = true;
                    self.stats.custom_refused_flows += 1;
                }
            }
            Answer::Hello { .. } | Answer::Done { .. } => {}
        });
        self.custom = custom;
        for (place, health) in self.custom.health() {
            if matches!(health, Health::Dead(_)) {
                self.lose_flows(place);
            }
        }
    }

    /// A process is gone: its flows are read by nobody, and what it had not told is lost.
    #[cold]
    fn lose_flows(&mut self, gone: u16) {
        for whose in self.custom.whose.values_mut() {
            if let Whose::Alive { place, is_refused, .. } = whose
                && *place == gone
                && !*is_refused
            {
                *is_refused = true;
                self.stats.custom_lost_flows += 1;
            }
        }
        self.forget_over(|over| over.place == gone);
    }

    fn forget_over(&mut self, is_over: impl Fn(&Over) -> bool) {
        if self.custom.over == 0 {
            return;
        }
        let documents = &mut self.documents;
        let before = self.custom.whose.len();
        self.custom.whose.retain(|_, whose| match whose {
            Whose::Over(over) if is_over(over) => {
                documents.release(over.flow.pair);
                false
            }
            _ => true,
        });
        self.custom.over -= before - self.custom.whose.len();
    }

    /// The last rows of every flow, before the documents end.
    pub(super) fn settle_custom(&mut self) {
        if self.custom.is_empty() {
            return;
        }
        if !self.custom.links.waits() {
            self.custom.links.wait_from_now_on(LAST);
        }
        self.hear();
        self.forget_over(|_| true);
        self.custom.whose.clear();
    }
}
