//! Packets that were not captured: what is told without them is some of what is told with them, and never a wrong pair.

use crate::capture::{Payload, read};
use crate::rows::Rows;
use crate::table::{Random, captures};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use weir_native::l7::table::PROTOCOLS;
use weir_native::l7::{FlowL7, L7Packet, L7Seen, L7Settings};

type Flow = (u32, u16, u32, u16, u8);

/// Texts of a row that the request tells, where there is one: an answer alone tells its own.
const ASKED: [&str; 9] = [
    "version",
    "request_type",
    "request_domain",
    "request_resource",
    "endpoint",
    "trace_id",
    "span_id",
    "user_agent",
    "referer",
];
/// Texts of the answer. A message of which a piece was lost may lack a text, or have a piece of it.
const ANSWERED: [&str; 3] = ["response_exception", "response_result", "x_request_id_1"];
/// Numbers of a row that are right or 0.
const NUMBERS: [&str; 4] = ["l7_protocol", "request_id", "response_code", "sql_affected_rows"];
/// AMQP 1.0: what answers an ending in anger is no row, but where that was lost nobody can tell it from one in peace.
const ENDINGS: [&str; 3] = ["Detach", "End", "Close"];
type Instead = (&'static str, &'static str, fn(&str) -> bool);
/// Texts that depend on what was said before: folder, field, and what is told instead.
const INSTEAD: [Instead; 4] = [
    // Topics whose name was lost go by their identifier.
    ("kafka", "request_domain", is_topic_id),
    ("kafka", "request_resource", is_topic_id),
    ("kafka", "endpoint", is_topic_id),
    // The PING behind a CONNECT that was lost is a request of its own.
    ("nats", "request_type", |told| told == "PING"),
];

/// Runs all payloads but those at these places, each hole told as a reassembly would; the rows of each flow.
fn run(payloads: &[Payload], dropped: &HashSet<usize>) -> (BTreeMap<Flow, Rows>, L7Seen) {
    let settings = Arc::new(L7Settings::default());
    let mut seen = L7Seen::default();
    let mut flows: BTreeMap<Flow, (FlowL7, Rows, [Option<u32>; 2])> = BTreeMap::new();
    for (nth, payload) in payloads.iter().enumerate() {
        let (flow, rows, expected) = flows
            .entry(payload.flow)
            .or_insert_with(|| (FlowL7::new(&settings), Rows::default(), [None; 2]));
        let expected = &mut expected[usize::from(!payload.from_client)];
        let missing = payload.tcp_seq.wrapping_sub(expected.unwrap_or(payload.tcp_seq)) as i32;
        if missing < 0 || dropped.contains(&nth) {
            // Its place is remembered by what comes behind it.
            expected.get_or_insert(payload.tcp_seq);
            continue;
        }
        if payload.flow.4 == 6 {
            if missing > 0 {
                seen += flow.gap(payload.from_client, missing as u32, payload.time_us, rows);
            }
            *expected = Some(payload.tcp_seq.wrapping_add(payload.bytes.len() as u32));
        }
        let packet = L7Packet {
            time_us: payload.time_us,
            from_client: payload.from_client,
            payload: &payload.bytes,
            wire_len: payload.bytes.len() as u32,
            tcp_seq: payload.tcp_seq,
            tcp_ack: payload.tcp_ack,
            protocol: payload.flow.4,
            client_port: payload.flow.1,
            server_port: payload.flow.3,
        };
        seen += flow.packet(&packet, rows);
    }
    let end = payloads.iter().map(|payload| payload.time_us).max().unwrap_or(0);
    for (flow, rows, _) in flows.values_mut() {
        seen += flow.close(end, rows);
    }
    (flows.into_iter().map(|(key, (_, rows, _))| (key, rows)).collect(), seen)
}

/// What a flow says when nothing is lost: where its messages begin, and which row each belongs to.
struct Truth {
    folder: &'static str,
    rows: Rows,
    requests: BTreeMap<u64, Vec<usize>>,
    responses: BTreeMap<u64, Vec<usize>>,
}

impl Truth {
    fn of(folder: &'static str, rows: Rows, is_tcp: bool) -> Truth {
        let mut truth = Truth {
            folder,
            rows: rows.clone(),
            requests: BTreeMap::new(),
            responses: BTreeMap::new(),
        };
        for row in 0..rows.lines.len() {
            let [request, response] = places(&rows, row, is_tcp);
            if let Some(place) = request {
                truth.requests.entry(place).or_default().push(row);
            }
            if let Some(place) = response {
                truth.responses.entry(place).or_default().push(row);
            }
        }
        truth
    }

    /// The rows that the message at this place, or the one around it, belongs to.
    fn rows_at(messages: &BTreeMap<u64, Vec<usize>>, place: u64) -> &[usize] {
        messages.range(..=place).next_back().map_or(&[], |(_, rows)| rows)
    }

    fn rows_just_at(messages: &BTreeMap<u64, Vec<usize>>, place: u64) -> &[usize] {
        messages.get(&place).map_or(&[], |rows| rows)
    }

    /// What is wrong with a row that was told with packets missing.
    fn contradicts(&self, rows: &Rows, row: usize, is_tcp: bool) -> Option<String> {
        let [request, response] = places(rows, row, is_tcp);
        let find = if is_tcp { Self::rows_at } else { Self::rows_just_at };
        // Who asks and who answers may depend on what was said before; alone it is told by its own words.
        let is_alone_there = |place: Option<u64>, there: &BTreeMap<u64, Vec<usize>>| place.is_some_and(|place| there.contains_key(&place));
        let is_ending = self.folder == "amqp" && response.is_none() && ENDINGS.contains(&rows.get(row, "request_type").as_str());
        if is_alone_there(response, &self.requests) || is_alone_there(request, &self.responses) || is_ending {
            return None;
        }
        let asked = request.map(|place| find(&self.requests, place));
        let answered = response.map(|place| find(&self.responses, place));
        if let (Some(asked), Some(answered)) = (asked, answered)
            && !asked.iter().any(|row| answered.contains(row))
            && (is_tcp || !(asked.is_empty() || answered.is_empty()))
        {
            return Some(format!("request {request:?} and response {response:?} do not belong together"));
        }
        let candidates: Vec<usize> = asked.into_iter().chain(answered).flatten().copied().collect();
        let wrong: Vec<String> = candidates.iter().map(|known| self.wrong_fields(rows, row, *known)).collect();
        match wrong.iter().min_by_key(|fields| fields.len()) {
            // Said again by someone who was told nothing: the first time was lost. Or an answer to what made the rest unreadable.
            None if !is_tcp || request.is_none() => None,
            None => Some("nothing is known here".to_owned()),
            Some(fields) if fields.is_empty() => None,
            Some(fields) => Some(fields.clone()),
        }
    }

    fn wrong_fields(&self, rows: &Rows, row: usize, known: usize) -> String {
        let mut wrong = String::new();
        let is_part = rows.get(row, "type") == "1"
            && !self
                .responses
                .keys()
                .any(|place| place.to_string() == rows.get(row, "resp_tcp_seq"));
        if is_part {
            // A piece of an answer, read as one.
            return wrong;
        }
        let asked: &[&str] = if rows.get(row, "type") == "1" { &[] } else { &ASKED };
        for field in asked.iter().chain(&ANSWERED) {
            let (told, true_text) = (rows.get(row, field), self.rows.get(known, field));
            let is_other = INSTEAD
                .iter()
                .any(|(folder, about, fits)| self.folder == *folder && about == field && fits(&told));
            if !true_text.contains(&told) && !is_other {
                wrong += &format!("{field}: {told:?} is {true_text:?}; ");
            }
        }
        let is_less = rows.get(row, "l7_protocol_str") == "HTTP2" && self.rows.get(known, "l7_protocol_str") == "gRPC";
        if is_less {
            // What would tell gRPC from HTTP/2 was lost: code and status are those of HTTP.
            return wrong;
        }
        // A request may tell a code of its own, which gives way to that of the answer.
        let numbers = if rows.get(row, "type") == "0" { &NUMBERS[..2] } else { &NUMBERS };
        for &field in numbers {
            let (told, true_number) = (rows.get(row, field), self.rows.get(known, field));
            if !told.is_empty() && told != true_number {
                wrong += &format!("{field}: {told} is {true_number:?}; ");
            }
        }
        let [told, true_status] = [rows.get(row, "response_status"), self.rows.get(known, "response_status")];
        // A request without its answer has no status, or that of one who gave up.
        if told != true_status && !matches!(told.as_str(), "5" | "2") {
            wrong += &format!("response_status: {told} is {true_status}; ");
        }
        wrong
    }
}

/// Sixteen bytes in base64, with what may stand behind a topic.
fn is_topic_id(text: &str) -> bool {
    text.len() >= 22
        && text.as_bytes()[..22]
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

/// Where a row's request and its response begin: in the stream, or in time.
fn places(rows: &Rows, row: usize, is_tcp: bool) -> [Option<u64>; 2] {
    let kind = rows.get(row, "type");
    let number = |field| rows.get(row, field).parse::<u64>().unwrap_or(0);
    let [request, response] = if is_tcp {
        [number("req_tcp_seq"), number("resp_tcp_seq")]
    } else if kind == "2" {
        [number("start_time"), number("start_time") + number("response_duration")]
    } else {
        [number("start_time"); 2]
    };
    [(kind != "1").then_some(request), (kind != "0").then_some(response)]
}

/// How often packets are taken out of each capture: more often where property tests are to take longer.
fn times() -> usize {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse::<usize>().ok());
    cases.map_or(150, |cases| cases / 10)
}

/// Some packets here and there, or several in a row.
fn choose(random: &mut Random, count: usize) -> HashSet<usize> {
    if random.below(3) == 0 {
        let (start, length) = (random.below(count), 1 + random.below(6));
        return (start..count.min(start + length)).collect();
    }
    (0..1 + random.below(4)).map(|_| random.below(count)).collect()
}

#[test]
fn any_loss_leaves_some_of_the_rows_and_nothing_wrong() {
    let (mut wrong, mut told, mut paired, mut all_pairs) = (BTreeMap::<String, (usize, String)>::new(), 0, 0, 0);
    for protocol in PROTOCOLS {
        for path in captures(protocol.folder) {
            let payloads = read(&path);
            let is_tcp = payloads.iter().all(|payload| payload.flow.4 == 6);
            let (whole, _) = run(&payloads, &HashSet::new());
            let truths: HashMap<Flow, Truth> = whole
                .into_iter()
                .map(|(flow, rows)| (flow, Truth::of(protocol.folder, rows, is_tcp)))
                .collect();
            let mut random = Random(0x5eed);
            for _ in 0..times() {
                let dropped = choose(&mut random, payloads.len());
                for (flow, rows) in run(&payloads, &dropped).0 {
                    paired += rows.types[2];
                    all_pairs += truths[&flow].rows.types[2];
                    for row in 0..rows.lines.len() {
                        told += 1;
                        if let Some(why) = truths[&flow].contradicts(&rows, row, is_tcp) {
                            let mut places: Vec<usize> = dropped.iter().copied().collect();
                            places.sort_unstable();
                            let example = format!("without {places:?}: {why}\n      {}", rows.lines[row]);
                            let (count, _) = wrong.entry(path.display().to_string()).or_insert((0, example));
                            *count += 1;
                        }
                    }
                }
            }
        }
    }
    let report: Vec<String> = wrong
        .iter()
        .map(|(path, (count, example))| format!("{path}: {count} rows, first {example}"))
        .collect();
    assert!(wrong.is_empty(), "of {told} rows:\n{}", report.join("\n"));
    assert!(paired * 100 > all_pairs * 85, "of {all_pairs} pairs only {paired} are left");
}
