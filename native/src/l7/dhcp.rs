//! DHCP for IPv4 (RFC 2131) and IPv6 (RFC 8415).
//!
//! What a client shouts is answered from and to other addresses, in another flow: such requests wait for nothing, and their answers are rows of their
//! own with the same id. Renewals, and what relays pass on, go to and fro in one flow, and are paired.

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::tls::extension::Reader;
use super::tls::fingerprint::hex;
use std::net::Ipv4Addr;

const PORTS: [u16; 2] = [67, 68];
const PORTS_6: [u16; 2] = [546, 547];
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const FIXED: usize = 236;
/// Options of IPv4 (IANA registry "BOOTP Vendor Extensions and DHCP Options").
const HOST_NAME: u8 = 12;
const REQUESTED: u8 = 50;
const LEASE: u8 = 51;
const MESSAGE_TYPE: u8 = 53;
const SERVER_ID: u8 = 54;
const MESSAGE: u8 = 56;
const VENDOR: u8 = 60;
const NAME: u8 = 81;
const NAK: u8 = 6;
const RELAY_FORWARD: u8 = 12;
const RELAY_REPLY: u8 = 13;
const STATUS_CODE: u16 = 13;

/// Reads one DHCP flow.
#[derive(Debug)]
pub struct Dhcp {
    is_6: bool,
    /// Both ends are servers or relays.
    is_relayed: bool,
}

/// The parser for the table.
pub fn parser(opening: &Opening<'_>) -> Box<dyn Parser> {
    let ports = [opening.client_port, opening.server_port];
    Box::new(Dhcp {
        is_6: PORTS_6.contains(&opening.server_port),
        is_relayed: ports == [67, 67] || ports == [547, 547],
    })
}

/// The ports, and a header that fits.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let ports = [opening.client_port, opening.server_port];
    let is_answer = if ports.iter().any(|port| PORTS.contains(port)) && Options::of(opening.bytes).is_some() {
        opening.bytes[0] == 2
    } else if ports.iter().any(|port| PORTS_6.contains(port)) && opening.bytes.len() >= 4 && name_6(opening.bytes[0]).is_some() {
        is_answer_6(opening.bytes[0])
    } else {
        return Guess::No;
    };
    // A client's port is no service's.
    let is_turned = matches!(opening.server_port, 68 | 546);
    if is_turned || (is_answer == opening.from_client && ports[0] == ports[1]) {
        return Guess::Reversed;
    }
    Guess::Yes
}

/// Options of a message for IPv4.
struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// `None` where it is no message.
    fn of(bytes: &'a [u8]) -> Option<Options<'a>> {
        let (fixed, rest) = bytes.split_at_checked(FIXED)?;
        let options = rest.strip_prefix(&COOKIE)?;
        (matches!(fixed[0], 1 | 2) && fixed[2] <= 16).then_some(Options(options))
    }

    fn get(&self, wanted: u8) -> Option<&'a [u8]> {
        let mut reader = Reader(self.0);
        loop {
            match reader.u8()? {
                0 => {}
                255 => return None,
                kind => {
                    let data = reader.short()?;
                    if kind == wanted {
                        return Some(data);
                    }
                }
            }
        }
    }

    fn address(&self, wanted: u8) -> Option<Ipv4Addr> {
        self.get(wanted).and_then(address)
    }
}

fn address(bytes: &[u8]) -> Option<Ipv4Addr> {
    let bytes: &[u8; 4] = bytes.first_chunk()?;
    (*bytes != [0; 4]).then(|| Ipv4Addr::from(*bytes))
}

fn name(kind: u8) -> Option<&'static str> {
    const NAMES: [&str; 8] = ["Discover", "Offer", "Request", "Decline", "Ack", "Nak", "Release", "Inform"];
    NAMES.get(usize::from(kind).checked_sub(1)?).copied()
}

fn name_6(kind: u8) -> Option<&'static str> {
    const NAMES: [&str; 13] = [
        "Solicit",
        "Advertise",
        "Request",
        "Confirm",
        "Renew",
        "Rebind",
        "Reply",
        "Release",
        "Decline",
        "Reconfigure",
        "InformationRequest",
        "RelayForward",
        "RelayReply",
    ];
    NAMES.get(usize::from(kind).checked_sub(1)?).copied()
}

fn is_answer_6(kind: u8) -> bool {
    matches!(kind, 2 | 7 | 10 | RELAY_REPLY)
}

impl Parser for Dhcp {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let size = input.bytes.len();
        let kind = if self.is_6 {
            self.six(input.bytes, facts)
        } else {
            self.four(input.bytes, facts)
        };
        match kind {
            Some(kind) => Step::Message {
                size,
                kind,
                body: Body::Bytes(0),
            },
            None => Step::Lost { size },
        }
    }

    fn resync(&mut self, _from_client: bool, bytes: &[u8]) -> Resync {
        Resync::Drop(bytes.len())
    }
}

impl Dhcp {
    fn four(&self, bytes: &[u8], facts: &mut Facts) -> Option<Kind> {
        let options = Options::of(bytes)?;
        let kind = options.get(MESSAGE_TYPE).and_then(|kind| kind.first().copied());
        let is_answer = bytes[0] == 2;
        let name = kind.and_then(name).unwrap_or("BOOTP");
        facts.request_id = u64::from(u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]));
        // An offer and an acknowledgement have the same id.
        facts.key = facts.request_id << 1 | u64::from(matches!(kind, Some(1 | 2)));
        facts.put(Slot::Version, b"4");
        facts.put(Slot::RequestType, name.as_bytes());
        facts.put_same(Slot::Endpoint, Slot::RequestType);
        if let Some(name) = options.get(HOST_NAME).or_else(|| options.get(NAME)?.get(3..)) {
            facts.put(Slot::Domain, name);
        }
        let (current, given) = (address(&bytes[12..]), address(&bytes[16..]));
        if is_answer {
            facts.status = Status::Ok;
            if let Some(given) = given.or(current) {
                facts.put(Slot::Result, given.to_string().as_bytes());
                facts.put_same(Slot::Resource, Slot::Result);
            }
            if kind == Some(NAK) {
                facts.status = Status::ClientError;
                facts.code = i32::from(NAK);
                facts.put(Slot::Exception, options.get(MESSAGE).unwrap_or(b"Nak"));
            }
            if let Some(seconds) = options.get(LEASE).and_then(|seconds| seconds.first_chunk()) {
                facts.attribute("dhcp.lease_s", u32::from_be_bytes(*seconds).to_string().as_bytes());
            }
        } else if let Some(wanted) = options.address(REQUESTED).or(current) {
            facts.put(Slot::Resource, wanted.to_string().as_bytes());
        }
        if let Some(server) = options.address(SERVER_ID) {
            facts.attribute("dhcp.server", server.to_string().as_bytes());
        }
        if let Some(relay) = address(&bytes[24..]) {
            facts.attribute("dhcp.relay", relay.to_string().as_bytes());
        }
        if let Some(vendor) = options.get(VENDOR) {
            facts.attribute("dhcp.vendor", vendor);
        }
        put_hardware(&bytes[28..28 + usize::from(bytes[2].min(16))], facts);
        let is_renewal = kind == Some(3) && current.is_some();
        Some(match (is_answer, self.is_relayed || is_renewal) {
            (true, _) => Kind::Response,
            (false, true) if !matches!(kind, Some(4 | 7)) => Kind::Request,
            (false, _) => Kind::Notice,
        })
    }

    fn six(&self, bytes: &[u8], facts: &mut Facts) -> Option<Kind> {
        let kind = *bytes.first()?;
        let name = name_6(kind)?;
        let is_relay = matches!(kind, RELAY_FORWARD | RELAY_REPLY);
        facts.put(Slot::Version, b"6");
        facts.put(Slot::RequestType, name.as_bytes());
        facts.put_same(Slot::Endpoint, Slot::RequestType);
        let mut options = Reader(bytes.get(if is_relay { 34 } else { 4 }..)?);
        if !is_relay {
            facts.request_id = u64::from(u32::from_be_bytes([0, bytes[1], bytes[2], bytes[3]]));
        }
        facts.key = facts.request_id;
        if is_answer_6(kind) {
            facts.status = Status::Ok;
        }
        while let (Some(option), Some(data)) = (options.u16(), options.long()) {
            if option == STATUS_CODE && data.len() >= 2 {
                facts.code = i32::from(u16::from_be_bytes([data[0], data[1]]));
                facts.status = match facts.code {
                    0 => Status::Ok,
                    // No addresses, no prefixes, and what nobody wants to explain.
                    1 | 2 | 6 => Status::ServerError,
                    _ => Status::ClientError,
                };
                if facts.status != Status::Ok {
                    facts.put(Slot::Exception, &data[2..]);
                }
            }
        }
        Some(match is_answer_6(kind) {
            true if kind == 10 => Kind::Notice,
            true => Kind::Response,
            false if self.is_relayed && !is_relay => Kind::Request,
            false => Kind::Notice,
        })
    }
}

fn put_hardware(address: &[u8], facts: &mut Facts) {
    let mut text = Vec::with_capacity(18);
    for (nth, byte) in address.iter().enumerate() {
        if nth > 0 {
            text.push(b':');
        }
        hex(&[*byte], &mut text);
    }
    facts.attribute("dhcp.client_mac", &text);
}
