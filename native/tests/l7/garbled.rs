//! Recorded bytes with some of them changed: where what is left still makes sense, the same rows come of it however it is cut into segments; in datagrams
//! they do no harm.

use crate::capture::{Payload, read};
use crate::flow::Flow;
use crate::rows::Rows;
use crate::table::{Random, captures};
use std::path::Path;
use weir_native::l7::L7Seen;
use weir_native::l7::table::PROTOCOLS;

/// How often the flows of each capture are changed, and how often they are cut for it.
const TIMES: usize = 6;
const CUTS: usize = 2;
const TCP: u8 = 6;
/// Flows of one capture, and bytes of each, that are read.
const MAX_FLOWS: usize = 8;
const MAX_BYTES: usize = 24 << 10;

/// Pieces, and whether the client said them.
type Said = Vec<(bool, Vec<u8>)>;

struct Reading {
    rows: Rows,
    seen: L7Seen,
    known_at_once: bool,
}

impl Reading {
    /// Where bytes make no sense, what is found behind them may depend on what was seen at once; and a message of HTTP/1 that is answered before its
    /// end came is over where a segment begins with another.
    fn is_sound(&self) -> bool {
        let number = |row: usize, field: &str| self.rows.get(row, field).parse::<i64>().unwrap_or(0);
        let is_whole = |row: usize| {
            number(row, "request_length") <= number(row, "captured_request_byte")
                && number(row, "response_length") <= number(row, "captured_response_byte")
        };
        let breaks_off = |row: usize| self.rows.get(row, "l7_protocol_str") == "HTTP" && !is_whole(row);
        self.known_at_once && self.seen.parse_failed == 0 && !(0..self.rows.lines.len()).any(breaks_off)
    }
}

/// Reads what was said, each piece in segments of at most so many bytes.
fn told(said: &Said, server_port: u16, cut: usize) -> Reading {
    let mut flow = Flow::new(TCP, server_port);
    let mut known_at_once = false;
    for (nth, (from_client, bytes)) in said.iter().enumerate() {
        flow.now_us += 1000;
        for segment in bytes.chunks(cut) {
            flow.snapped(*from_client, segment, 0);
        }
        known_at_once |= nth == 0 && flow.l7.protocol() != 0;
    }
    let rows = flow.close();
    Reading {
        rows,
        seen: flow.seen,
        known_at_once,
    }
}

/// Some bytes changed, left out or repeated.
fn garble(said: &mut Said, random: &mut Random) {
    for _ in 0..1 + random.below(6) {
        let nth = random.below(said.len());
        let bytes = &mut said[nth].1;
        if bytes.is_empty() {
            continue;
        }
        let at = random.below(bytes.len());
        let end = bytes.len().min(at + 1 + random.below(8));
        match random.below(4) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes[at..end].fill([0, 1, 0x7f, 0x80, 0xff][random.below(5)]),
            2 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ => bytes[at] ^= 1 << random.below(8),
        }
    }
}

/// What each flow of a capture said, as far as it is read here, with the port of its server and the kind of its transport.
fn conversations(path: &Path, transport: impl Fn(u8) -> bool) -> Vec<(Said, u16, u8)> {
    let payloads = read(path);
    let mut flows = Vec::new();
    for payload in payloads.iter().filter(|payload| transport(payload.flow.4)) {
        if !flows.contains(&payload.flow) && flows.len() < MAX_FLOWS {
            flows.push(payload.flow);
        }
    }
    let said = |flow| {
        let mut left = MAX_BYTES;
        let fits = |payload: &&Payload| {
            left = left.saturating_sub(payload.bytes.len());
            left > 0
        };
        let of_flow = payloads.iter().filter(|payload| payload.flow == flow).take_while(fits);
        of_flow.map(|payload| (payload.from_client, payload.bytes.clone())).collect()
    };
    flows
        .iter()
        .map(|flow| (said(*flow), flow.3, flow.4))
        .filter(|(said, ..): &(Vec<_>, _, _)| !said.is_empty())
        .collect()
}

#[test]
fn changed_datagrams_do_no_harm() {
    let mut random = Random(78);
    for path in PROTOCOLS.iter().flat_map(|protocol| captures(protocol.folder)) {
        for (said, server_port, transport) in conversations(&path, |transport| transport != TCP) {
            for _ in 0..10 * TIMES {
                let mut changed = said.clone();
                garble(&mut changed, &mut random);
                let mut flow = Flow::new(transport, server_port);
                for (from_client, bytes) in changed.iter().filter(|(_, bytes)| !bytes.is_empty()) {
                    flow.send(*from_client, bytes);
                    assert!(flow.l7.heap_bytes() < 1 << 20, "{}", path.display());
                }
                flow.close();
            }
        }
    }
}

#[test]
fn any_split_of_changed_bytes_gives_the_same_rows() {
    // More of it by hand: WEIR_TIMES=1000 cargo test --test l7 changed_bytes.
    let times = std::env::var("WEIR_TIMES")
        .ok()
        .and_then(|times| times.parse().ok())
        .unwrap_or(TIMES);
    let only = std::env::var("WEIR_FOLDER").unwrap_or_default();
    let mut random = Random(77);
    let (mut sound, mut wrong) = (0, Vec::new());
    let tcp = PROTOCOLS
        .iter()
        .filter(|protocol| protocol.transports.contains(&TCP) && protocol.folder.contains(&only));
    for path in tcp.flat_map(|protocol| captures(protocol.folder)) {
        for (said, server_port, _) in conversations(&path, |transport| transport == TCP) {
            for _ in 0..times {
                let mut changed = said.clone();
                garble(&mut changed, &mut random);
                let whole = told(&changed, server_port, usize::MAX);
                if !whole.is_sound() {
                    continue;
                }
                for cut in (0..CUTS).map(|_| 1 + random.below(64)) {
                    let pieces = told(&changed, server_port, cut);
                    sound += usize::from(pieces.is_sound());
                    if pieces.is_sound() && (&pieces.rows.lines, pieces.seen) != (&whole.rows.lines, whole.seen) {
                        let rows = pieces.rows.lines.len().max(whole.rows.lines.len());
                        let at = (0..rows)
                            .find(|at| pieces.rows.lines.get(*at) != whole.rows.lines.get(*at))
                            .unwrap_or(rows);
                        let [cut_row, whole_row] = [&pieces, &whole].map(|reading| reading.rows.lines.get(at).cloned().unwrap_or_default());
                        wrong.push(format!(
                            "{} by {cut}, row {at}:\n  {cut_row}\n  {whole_row}\n{changed:?}",
                            path.display()
                        ));
                    }
                }
            }
        }
    }
    assert!(sound > 100 || !only.is_empty(), "of what was changed little can be read: {sound}");
    for one in wrong.iter().take(3) {
        println!("{}", &one[..one.len().min(12_000)]);
    }
    assert!(wrong.is_empty(), "{} of {sound}", wrong.len());
}
