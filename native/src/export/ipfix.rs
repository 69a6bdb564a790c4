//! Flows as IPFIX messages: RFC 7011, with the elements of <https://www.iana.org/assignments/ipfix/ipfix.xhtml>.
//!
//! A row of `l4_flow_log` is a flow in both directions; collectors expect one record for each, so it becomes two where both sent something.

use crate::column::Column;
use crate::table::Batch;

/// (element, bytes) of a record, in order; addresses stand where the family says.
const FIELDS: [(u16, u16); 13] = [
    (152, 8), // flowStartMilliseconds
    (153, 8), // flowEndMilliseconds
    (0, 0),   // source address
    (0, 0),   // destination address
    (7, 2),   // sourceTransportPort
    (11, 2),  // destinationTransportPort
    (4, 1),   // protocolIdentifier
    (6, 1),   // tcpControlBits
    (58, 2),  // vlanId
    (136, 1), // flowEndReason
    (148, 8), // flowId
    (1, 8),   // octetDeltaCount
    (2, 8),   // packetDeltaCount
];
const SOURCE: usize = 2;
const DESTINATION: usize = 3;

const IDLE: u8 = 1;
const ACTIVE: u8 = 2;
const END: u8 = 3;

const MESSAGE_HEADER: usize = 16;
const SET_HEADER: usize = 4;
const TEMPLATES: u16 = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn template(self) -> u16 {
        match self {
            Family::V4 => 256,
            Family::V6 => 257,
        }
    }

    fn field(self, at: usize) -> (u16, u16) {
        match (self, at) {
            (Family::V4, SOURCE) => (8, 4),
            (Family::V4, DESTINATION) => (12, 4),
            (Family::V6, SOURCE) => (27, 16),
            (Family::V6, DESTINATION) => (28, 16),
            _ => FIELDS[at],
        }
    }

    fn record_bytes(self) -> usize {
        (0..FIELDS.len()).map(|at| usize::from(self.field(at).1)).sum()
    }
}

/// Makes messages of one observation domain; counts their records, as collectors want to notice what was lost.
pub struct Exporter {
    domain: u32,
    sequence: u32,
}

impl Exporter {
    pub fn new(domain: u32) -> Exporter {
        Exporter { domain, sequence: 0 }
    }

    /// Records made so far.
    pub fn records(&self) -> u32 {
        self.sequence
    }

    /// The flows of `batch` as messages of at most `max_bytes`; nothing for other tables. The first message says what records look like:
    /// over UDP a collector may have missed it before.
    pub fn messages(&mut self, batch: &Batch, now_s: u32, max_bytes: usize) -> Vec<Vec<u8>> {
        let Some(rows) = Flows::of(batch) else { return Vec::new() };
        // A message without room for the templates and a record would never end; one larger than its length field cannot be.
        let max_bytes = max_bytes.clamp(512, usize::from(u16::MAX));
        let mut out = Vec::new();
        let mut message = self.message(now_s);
        templates(&mut message);
        let mut open: Option<(Family, usize)> = None;
        for row in 0..batch.rows {
            let family = if rows.int("is_ipv4", row) != 0 { Family::V4 } else { Family::V6 };
            for way in 0..2 {
                if rows.int(["packet_tx", "packet_rx"][way], row) == 0 {
                    continue;
                }
                let begins_set = open.is_none_or(|(before, _)| before != family);
                let needed = family.record_bytes() + if begins_set { SET_HEADER } else { 0 };
                if message.len() + needed > max_bytes {
                    close_set(&mut message, open.take());
                    out.push(finish(std::mem::replace(&mut message, self.message(now_s))));
                }
                if open.is_none_or(|(before, _)| before != family) {
                    close_set(&mut message, open.take());
                    open = Some((family, message.len()));
                    put(&mut message, family.template(), 0);
                }
                rows.record(row, way, family, &mut message);
                self.sequence = self.sequence.wrapping_add(1);
            }
        }
        close_set(&mut message, open);
        out.push(finish(message));
        out
    }

    fn message(&self, now_s: u32) -> Vec<u8> {
        let mut message = Vec::with_capacity(1500);
        put(&mut message, 10, 0);
        message.extend(now_s.to_be_bytes());
        message.extend(self.sequence.to_be_bytes());
        message.extend(self.domain.to_be_bytes());
        debug_assert_eq!(message.len(), MESSAGE_HEADER);
        message
    }
}

/// Two 16-bit numbers.
fn put(message: &mut Vec<u8>, first: u16, second: u16) {
    message.extend(first.to_be_bytes());
    message.extend(second.to_be_bytes());
}

fn finish(mut message: Vec<u8>) -> Vec<u8> {
    let length = message.len() as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    message
}

fn close_set(message: &mut [u8], open: Option<(Family, usize)>) {
    if let Some((_, at)) = open {
        let length = (message.len() - at) as u16;
        message[at + 2..at + 4].copy_from_slice(&length.to_be_bytes());
    }
}

fn templates(message: &mut Vec<u8>) {
    let at = message.len();
    put(message, TEMPLATES, 0);
    for family in [Family::V4, Family::V6] {
        put(message, family.template(), FIELDS.len() as u16);
        for field in 0..FIELDS.len() {
            let (element, bytes) = family.field(field);
            put(message, element, bytes);
        }
    }
    let length = (message.len() - at) as u16;
    message[at + 2..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// The columns that records are made of.
struct Flows<'a> {
    columns: Vec<(&'static str, &'a Column)>,
}

const NEEDED: [&str; 19] = [
    "start_time",
    "end_time",
    "is_ipv4",
    "ip4_0",
    "ip4_1",
    "ip6_0",
    "ip6_1",
    "client_port",
    "server_port",
    "protocol",
    "tcp_flags_bit_0",
    "tcp_flags_bit_1",
    "vlan",
    "close_type",
    "flow_id",
    "l3_byte_tx",
    "l3_byte_rx",
    "packet_tx",
    "packet_rx",
];

impl<'a> Flows<'a> {
    fn of(batch: &'a Batch) -> Option<Flows<'a>> {
        if batch.table.name != "flow_log.l4_flow_log" {
            return None;
        }
        let declared = batch.table.columns.iter().zip(&batch.columns);
        let columns = declared.filter(|(declared, _)| NEEDED.contains(&declared.name));
        Some(Flows {
            columns: columns.map(|(declared, column)| (declared.name, column)).collect(),
        })
    }

    fn column(&self, name: &str) -> Option<&'a Column> {
        self.columns.iter().find(|(found, _)| *found == name).map(|(_, column)| *column)
    }

    fn int(&self, name: &str, row: usize) -> u64 {
        match self.column(name) {
            Some(Column::U8(column)) => column.get(row).into(),
            Some(Column::U16(column)) => column.get(row).into(),
            Some(Column::U32(column)) => column.get(row).into(),
            Some(Column::U64(column)) => column.get(row),
            Some(Column::Ip4(column)) => column.get(row).into(),
            Some(Column::TimeUs(column)) => column.get(row).max(0) as u64,
            _ => 0,
        }
    }

    fn address(&self, family: Family, end: usize, row: usize, message: &mut Vec<u8>) {
        match (family, self.column(["ip6_0", "ip6_1"][end])) {
            (Family::V4, _) => message.extend((self.int(["ip4_0", "ip4_1"][end], row) as u32).to_be_bytes()),
            (Family::V6, Some(Column::Ip6(column))) => message.extend(column.get(row)),
            (Family::V6, _) => message.extend([0; 16]),
        }
    }

    fn record(&self, row: usize, way: usize, family: Family, message: &mut Vec<u8>) {
        let before = message.len();
        message.extend((self.int("start_time", row) / 1000).to_be_bytes());
        message.extend((self.int("end_time", row) / 1000).to_be_bytes());
        self.address(family, way, row, message);
        self.address(family, 1 - way, row, message);
        let ports = [self.int("client_port", row) as u16, self.int("server_port", row) as u16];
        put(message, ports[way], ports[1 - way]);
        message.push(self.int("protocol", row) as u8);
        message.push(self.int(["tcp_flags_bit_0", "tcp_flags_bit_1"][way], row) as u8);
        message.extend((self.int("vlan", row) as u16).to_be_bytes());
        message.push(match self.int("close_type", row) {
            3 => IDLE,
            5 => ACTIVE,
            _ => END,
        });
        message.extend(self.int("flow_id", row).to_be_bytes());
        let packets = self.int(["packet_tx", "packet_rx"][way], row);
        // An octet count has the IP header in it, which the column leaves out. Options and extension headers are payload there already
        // for IPv6, and rare for IPv4.
        let header = if family == Family::V4 { 20 } else { 40 };
        let octets = self.int(["l3_byte_tx", "l3_byte_rx"][way], row) + packets * header;
        message.extend(octets.to_be_bytes());
        message.extend(packets.to_be_bytes());
        debug_assert_eq!(message.len() - before, family.record_bytes());
    }
}
