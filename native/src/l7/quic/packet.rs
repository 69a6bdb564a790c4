//! Packets with a long header (RFC 9000, 17.2), as far as they can be read without keys.

use crate::l7::tls::extension::Reader;
use std::borrow::Cow;

const LONG: u8 = 0x80;
const FIXED: u8 = 0x40;
const MAX_ID: usize = 20;
/// A client's Initial packets fill their datagrams at least this far (RFC 9000, 14.1).
const FULL: usize = 1200;

/// Drafts of version 1 that were spoken widely and lay out their packets as it does, the first and the last.
const DRAFTS: [u8; 2] = [23, 34];

/// A version that is spoken, and what differs between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
    /// A draft of version 1, by its number.
    Draft(u8),
    /// What mvfst called its draft 27.
    Mvfst,
}

impl Version {
    pub fn of(number: u32) -> Option<Version> {
        match number {
            0x0000_0001 => Some(Version::V1),
            0x6b33_43cf => Some(Version::V2),
            0xface_b002 | 0xface_b00e => Some(Version::Mvfst),
            _ => {
                let draft = number.checked_sub(0xff00_0000).and_then(|draft| u8::try_from(draft).ok());
                draft.filter(|draft| (DRAFTS[0]..=DRAFTS[1]).contains(draft)).map(Version::Draft)
            }
        }
    }

    pub fn text(self) -> Cow<'static, str> {
        match self {
            Version::V1 => "1".into(),
            Version::V2 => "2".into(),
            Version::Draft(draft) => format!("draft-{draft}").into(),
            Version::Mvfst => "mvfst".into(),
        }
    }
}

/// Kinds of packets that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Initial,
    Retry,
    Other,
}

/// A packet with a long header.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    pub version: Version,
    pub kind: Kind,
    pub target: &'a [u8],
    /// Everything of it, its protected header in front.
    pub bytes: &'a [u8],
    /// Where the packet number begins.
    pub number_at: usize,
}

/// A number with its length in its first two bits (RFC 9000, 16).
pub fn number(reader: &mut Reader<'_>) -> Option<u64> {
    let first = reader.u8()?;
    let rest = reader.take((1 << (first >> 6)) - 1)?;
    Some(
        rest.iter()
            .fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte)),
    )
}

/// What a server says that speaks none of the client's version (RFC 9000, 17.2.1): the id that the client chose, and the versions it does speak.
pub fn negotiation(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader(bytes);
    if reader.u8()? & LONG == 0 || reader.take(4)? != [0; 4] {
        return None;
    }
    reader.short()?;
    let source = reader.short()?;
    let is_list = !reader.0.is_empty() && reader.0.len().is_multiple_of(4);
    is_list.then_some((source, reader.0))
}

/// Whether a client's first packet may be in this datagram: others are not filled up to this length.
pub fn may_begin(bytes: &[u8]) -> bool {
    bytes.len() >= FULL && bytes[0] & (LONG | FIXED | 0x20) == LONG | FIXED
}

/// Whether the bit is set by which others that share the port tell QUIC.
pub fn is_marked(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & FIXED != 0)
}

/// Whether a packet with a short header begins here: the handshake is over.
pub fn is_short(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & LONG == 0)
}

/// Reads the packet at the front of a datagram, and what follows it. `None` where none of a known version begins.
pub fn read(bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let mut reader = Reader(bytes);
    let first = reader.u8()?;
    // The other bit that is always there may be missing where both ends agreed on it (RFC 9287).
    if first & LONG == 0 {
        return None;
    }
    let version = reader.take(4)?;
    let version = Version::of(u32::from_be_bytes([version[0], version[1], version[2], version[3]]))?;
    let target = reader.short().filter(|id| id.len() <= MAX_ID)?;
    reader.short().filter(|id| id.len() <= MAX_ID)?;
    // The second version numbers its kinds another way (RFC 9369, 3.2).
    let kind = match (first >> 4 & 3, version) {
        (1, Version::V2) => Kind::Initial,
        (0, Version::V2) => Kind::Retry,
        (_, Version::V2) => Kind::Other,
        (0, _) => Kind::Initial,
        (3, _) => Kind::Retry,
        _ => Kind::Other,
    };
    let packet = |number_at, bytes| Packet {
        version,
        kind,
        target,
        bytes,
        number_at,
    };
    if kind == Kind::Retry {
        return Some((packet(bytes.len(), bytes), &[]));
    }
    if kind == Kind::Initial {
        let token = number(&mut reader)?;
        reader.take(usize::try_from(token).ok()?)?;
    }
    let length = usize::try_from(number(&mut reader)?).ok()?;
    let number_at = bytes.len() - reader.0.len();
    // Of a packet that was cut nothing can be told, because its tag is gone.
    let (whole, rest) = bytes.split_at_checked(number_at.checked_add(length)?)?;
    Some((packet(number_at, whole), rest))
}
