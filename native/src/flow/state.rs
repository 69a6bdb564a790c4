//! The life of a TCP connection as seen from its packets, and how it ended.

use crate::packet::flag;

/// Where a connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Nothing seen that says more.
    #[default]
    Raw,
    /// The client sent a SYN.
    Opening,
    /// The server answered it with a SYN-ACK, or both ends sent a SYN.
    Answered,
    /// The server answered a SYN with something else: it still has an older connection with these ports.
    Stranger,
    Established,
    /// Established for the client, but all the server does is repeat its SYN-ACK: its accept queue is full.
    Queueing,
    ClientFin,
    ServerFin,
    BothFin,
    /// Both FINs, the last one acknowledged.
    Closed,
    Reset,
}

/// `close_type`; the numbers are those of `libs.catalog`.
pub mod close {
    pub const UNKNOWN: u8 = 0;
    pub const FINISH: u8 = 1;
    pub const SERVER_RST: u8 = 2;
    pub const TIMEOUT: u8 = 3;
    pub const FORCED_REPORT: u8 = 5;
    pub const CLIENT_SYN_REPEAT: u8 = 7;
    pub const SERVER_HALF_CLOSE: u8 = 8;
    pub const CLIENT_RST: u8 = 9;
    pub const SERVER_SYNACK_REPEAT: u8 = 10;
    pub const CLIENT_HALF_CLOSE: u8 = 11;
    pub const CLIENT_PORT_REUSE: u8 = 13;
    pub const SERVER_DIRECT_RST: u8 = 15;
    pub const SERVER_QUEUE_OVERFLOW: u8 = 17;
    pub const CLIENT_ESTABLISH_RST: u8 = 18;
    pub const SERVER_ESTABLISH_RST: u8 = 19;
    pub const FIN_CLIENT_RST: u8 = 20;
}

/// What the flow knows besides its state.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub from_client: bool,
    /// SYN-ACKs before this packet.
    pub synacks: u8,
    /// The server has sent something other than a SYN-ACK.
    pub server_spoke: bool,
}

impl State {
    /// The state after a packet with these TCP flags.
    pub fn next(self, flags: u8, facts: Facts) -> State {
        use State::{Answered, BothFin, ClientFin, Closed, Established, Opening, Queueing, Raw, Reset, ServerFin, Stranger};
        if matches!(self, Reset | Closed) {
            return self;
        }
        if flags & flag::RST != 0 {
            return Reset;
        }
        let client = facts.from_client;
        match (flags & (flag::SYN | flag::ACK | flag::FIN), self) {
            (flag::SYN, Raw | Stranger) => Opening,
            // Both ends opened at once.
            (flag::SYN, Opening) if !client => Answered,
            (SYN_ACK, Raw | Opening | Stranger) if !client => Answered,
            (SYN_ACK, Answered) if client => Established,
            (SYN_ACK, Established) if !client && facts.synacks > 0 && !facts.server_spoke => Queueing,
            (bits, _) if bits & flag::SYN != 0 => self,
            (bits, state) if bits & flag::FIN != 0 => match (state, client) {
                (ServerFin, true) | (ClientFin, false) | (BothFin, _) => BothFin,
                (_, true) => ClientFin,
                (_, false) => ServerFin,
            },
            (flag::ACK, BothFin) => Closed,
            (flag::ACK, Opening | Stranger) if !client => Stranger,
            (flag::ACK, Queueing) if client => Queueing,
            (flag::ACK, Raw | Opening | Answered | Stranger | Queueing) => Established,
            _ => self,
        }
    }

    /// How a connection ends that is reset in this state.
    pub fn reset_by(self, client: bool) -> u8 {
        use State::{Answered, BothFin, ClientFin, Closed, Opening, Queueing, ServerFin, Stranger};
        match (self, client) {
            (Opening | Answered, true) => close::CLIENT_ESTABLISH_RST,
            (Opening, false) => close::SERVER_DIRECT_RST,
            (Answered | Stranger, false) => close::SERVER_ESTABLISH_RST,
            (Stranger, true) => close::CLIENT_PORT_REUSE,
            (Queueing, false) => close::SERVER_QUEUE_OVERFLOW,
            (ClientFin | ServerFin | BothFin | Closed, true) => close::FIN_CLIENT_RST,
            (_, true) => close::CLIENT_RST,
            (_, false) => close::SERVER_RST,
        }
    }

    /// How a connection ended that stayed silent in this state; `reset` is what [`State::reset_by`] gave.
    pub fn silent(self, reset: u8) -> u8 {
        match self {
            State::Raw => close::UNKNOWN,
            State::Opening => close::CLIENT_SYN_REPEAT,
            State::Answered => close::SERVER_SYNACK_REPEAT,
            State::Stranger => close::CLIENT_PORT_REUSE,
            State::Established => close::TIMEOUT,
            State::Queueing => close::SERVER_QUEUE_OVERFLOW,
            State::ClientFin => close::SERVER_HALF_CLOSE,
            State::ServerFin => close::CLIENT_HALF_CLOSE,
            State::BothFin | State::Closed => close::FINISH,
            State::Reset => reset,
        }
    }
}

const SYN_ACK: u8 = flag::SYN | flag::ACK;

/// `status` of a flow that closed like this.
pub fn status(close_type: u8, is_tcp: bool) -> u8 {
    match close_type {
        close::FINISH | close::FORCED_REPORT | close::FIN_CLIENT_RST => 0,
        close::TIMEOUT if !is_tcp => 0,
        close::TIMEOUT => 2,
        close::SERVER_RST | close::SERVER_HALF_CLOSE | close::CLIENT_SYN_REPEAT | close::SERVER_DIRECT_RST => 3,
        close::SERVER_QUEUE_OVERFLOW | close::SERVER_ESTABLISH_RST => 3,
        close::CLIENT_RST | close::CLIENT_HALF_CLOSE | close::SERVER_SYNACK_REPEAT | close::CLIENT_PORT_REUSE => 4,
        close::CLIENT_ESTABLISH_RST => 4,
        _ => 5,
    }
}

/// Failures by the column they are counted in: client and server establishment, transfer, reset, silence.
pub fn failures(close_type: u8) -> [u32; 5] {
    match close_type {
        close::SERVER_SYNACK_REPEAT | close::CLIENT_PORT_REUSE => [1, 0, 0, 0, 0],
        close::CLIENT_ESTABLISH_RST => [1, 0, 0, 1, 0],
        close::CLIENT_SYN_REPEAT | close::SERVER_QUEUE_OVERFLOW => [0, 1, 0, 0, 0],
        close::SERVER_DIRECT_RST | close::SERVER_ESTABLISH_RST => [0, 1, 0, 1, 0],
        close::SERVER_RST | close::CLIENT_RST => [0, 0, 1, 1, 0],
        close::SERVER_HALF_CLOSE | close::CLIENT_HALF_CLOSE => [0, 0, 1, 0, 0],
        close::TIMEOUT => [0, 0, 0, 0, 1],
        _ => [0; 5],
    }
}
