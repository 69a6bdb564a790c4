//! The contract of a protocol: bytes in, values out. No clock, no sockets, no globals.

use super::{Facts, L7Settings};

/// What the first bytes of a flow say about a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    Yes,
    /// Certain, and the end that the flow takes for the client is the one that answers.
    Reversed,
    /// Too few bytes to tell.
    Maybe,
    No,
}

/// Payload of a flow whose protocol is not known yet.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    pub bytes: &'a [u8],
    pub from_client: bool,
    /// A hint, never a proof.
    pub client_port: u16,
    pub server_port: u16,
    /// IP protocol: 6, 17, 1 or 58.
    pub transport: u8,
}

/// What a message is for the pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Request,
    Response,
    /// A request that is never answered.
    Notice,
}

/// What of a message follows after the bytes that told its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// This many bytes (0: the message is complete). They are not looked at.
    Bytes(u64),
    /// Everything until this direction closes.
    UntilClose,
    /// As many [`Step::Part`]s as the parser finds, the last one marked `end`; between them other messages may begin, with keys of their own.
    Parts,
}

/// What a parser makes of the bytes at the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet: come back with these bytes and more.
    More,
    /// `size` bytes are taken, and belong to the message whose facts are being gathered.
    Took { size: usize },
    /// With `size` bytes a message's facts are known (its `Facts::key` too, where messages are paired by key).
    Message { size: usize, kind: Kind, body: Body },
    /// `size` bytes, `content` of them body, belong to the message with this key that was reported before; with `end` it is complete.
    Part { size: usize, content: usize, key: u64, end: bool },
    /// `size` bytes end the message with this key that was reported before; the facts gathered (status, code, texts) go over what was told of it.
    Tail { size: usize, key: u64 },
    /// `size` bytes say that neither side's message with this key goes on; the facts gathered tell why.
    Closed { size: usize, key: u64 },
    /// `size` bytes belong to no message; facts gathered so far are forgotten.
    Skip { size: usize },
    /// The bytes make no sense: skip `size` of them and look for a message with [`Parser::resync`].
    Lost { size: usize },
    /// This direction speaks another protocol from here on.
    Stop,
    /// With `size` bytes both directions begin to speak the protocol with this id. What waits for its response waits on, with `key`.
    Switch { size: usize, protocol: u8, key: u64 },
}

/// Where reading can go on after a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resync {
    /// A message starts at this offset.
    At(usize),
    /// None starts before this offset; bytes from there on are kept for another look.
    Drop(usize),
}

/// What a parser is given.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Unread bytes of one direction, or one datagram.
    pub bytes: &'a [u8],
    pub from_client: bool,
    /// The bytes are one whole datagram.
    pub datagram: bool,
    /// No more bytes will be kept: `Step::More` gives up this message.
    pub full: bool,
    /// The oldest request that waits for its response; what a response means may depend on it.
    pub waiting: Option<&'a Facts>,
    pub settings: &'a L7Settings,
}

/// One flow's parser of one protocol: both directions, so that one can know what the other said.
pub trait Parser: Send {
    /// Reads from the front of `input.bytes`; called again until it wants more. Must take at least a byte unless it answers `More`, `Stop` or `Switch`.
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step;

    /// Looks for the start of a message after a loss, and forgets what was half read in this direction. That messages mostly begin where segments do
    /// is the best hint there is: what is found may depend on how the bytes were cut.
    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync;

    /// `missing` bytes of this direction will never come. Whether reading can go on behind them without resynchronising.
    fn gap(&mut self, _from_client: bool, _missing: u64) -> bool {
        false
    }

    /// The rest of a half-read message will never come. What it is, where `facts` already tell enough for a row.
    fn cut(&mut self, _from_client: bool, _facts: &mut Facts) -> Option<Kind> {
        None
    }

    /// Whether a body may end before the length that was announced: its request, which nobody saw, forbids one, or was answered before all of it came.
    /// Such a body is over where a segment begins with a message.
    fn breaks_off(&self) -> bool {
        false
    }

    /// A response that nothing asked for came in the middle of a request of the client. Whether the rest of the request still comes where it was to
    /// come: else the end of it is a guess, and what is found then may depend on how the bytes were cut into segments.
    fn goes_on(&self) -> bool {
        false
    }

    /// Bytes on the heap.
    fn heap_bytes(&self) -> usize {
        0
    }
}
