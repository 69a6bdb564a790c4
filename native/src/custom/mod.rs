//! Protocols that an operator brings, each read in a process of its own, so that a slow or broken one costs nobody else.
//!
//! The engine ([`Links`]) hands the payload of a flow, in order, over a socket to that process ([`serve`]), which has the same
//! [`crate::l7::FlowL7`] as the engine: it finds messages with the operator's parser, pairs them, and sends finished rows back. Live, nobody
//! waits for it: what it cannot take in time is counted and becomes a gap in its stream. A replay waits for every answer.

mod cursor;
mod host;
mod link;
mod links;
mod wire;

pub use host::serve;
pub use link::{Dead, Socket, own};
pub use links::{Asked, Endpoint, Health, Links, Remote, intern};
pub use wire::{Answer, Question};

/// `l7_protocol` of all of them; `libs.catalog` has the same number.
pub const ID: u8 = 127;
