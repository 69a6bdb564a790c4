//! Makes inputs for the other targets out of captures: `seeds engine|otlp|packet|pcap|PROTOCOL OUTPUT VARIANTS CAPTURE...`. Each input comes with so
//! many changed ones, the same each time.

mod files;
mod tunnels;

use std::path::{Path, PathBuf};
use weir_fuzz::steps::{FROM_SERVER, Head, write};
use weir_native::engine::{Config, Core, Frame, Passing};
use weir_native::l7::table::PROTOCOLS;
use weir_native::otlp::encode::{ResourceValue, encode};
use weir_native::packet::{Link, TCP, flag, parse};
use weir_native::pcap::{Capture, Record};

/// Longer inputs make a fuzzer slow.
const MAX_INPUT: usize = 24 << 10;
/// Inputs of one capture.
const MAX_INPUTS: usize = 6;
const LINKS: [Link; 5] = [Link::Ethernet, Link::Raw, Link::Null, Link::Sll, Link::Sll2];
/// A span in JSON: the captures give protobuf only.
const SPAN: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{
"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET /a","kind":3,"startTimeUnixNano":"1699999999000000000",
"endTimeUnixNano":"1699999999200000000","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},
{"key":"http.response.status_code","value":{"intValue":"404"}},{"key":"a","value":{"arrayValue":{"values":[{"doubleValue":1.5},{"boolValue":true}]}}}],
"events":[{"timeUnixNano":"1699999999100000000","name":"e"}],"links":[],"status":{"code":2,"message":"no"}}]}]}]}"#;

fn main() {
    let mut words = std::env::args().skip(1);
    let (kind, output) = (
        words.next().expect("a target or a protocol"),
        PathBuf::from(words.next().expect("a folder")),
    );
    let variants: usize = words.next().and_then(|word| word.parse().ok()).expect("a number of variants");
    std::fs::create_dir_all(&output).expect("the folder can be made");
    for path in words.map(PathBuf::from) {
        let frames = frames(&path);
        let inputs = match kind.as_str() {
            "engine" => vec![steps(
                frames.iter().map(|(link, frame)| (64 | link_number(*link), frame.as_slice())),
            )],
            "otlp" => requests(&frames),
            "packet" => vec![
                tunnels::wrapped(&frames),
                steps(frames.iter().map(|(link, frame)| (link_number(*link), frame.as_slice()))),
            ],
            "pcap" => files::written(&path, &frames),
            protocol => flows(protocol, &frames),
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (number, input) in inputs.iter().filter(|input| !input.is_empty()).take(MAX_INPUTS).enumerate() {
            std::fs::write(output.join(format!("{name}-{number}")), input).expect("the folder can be written");
            for variant in 0..variants {
                let changed = changed(input, (number * variants + variant) as u64);
                std::fs::write(output.join(format!("{name}-{number}-{variant}")), changed).expect("the folder can be written");
            }
        }
    }
    if kind == "otlp" {
        std::fs::write(output.join("json"), [b"\x02", SPAN.as_bytes()].concat()).expect("the folder can be written");
    }
}

/// The input with some bytes changed, left out or repeated.
fn changed(input: &[u8], seed: u64) -> Vec<u8> {
    let (mut state, mut changed) = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, input.to_vec());
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit.max(1) as u64) as usize
    };
    for _ in 0..1 + below(16) {
        let (at, length) = (below(changed.len()), 1 + below(8));
        let end = changed.len().min(at + length);
        match below(4) {
            0 if changed.len() > 64 => drop(changed.drain(at..end)),
            1 => changed[at..end].fill([0, 1, 0x7f, 0x80, 0xff][below(5)]),
            2 => {
                let again = changed[at..end].to_vec();
                changed.splice(at..at, again);
            }
            _ => changed[at] ^= 1 << below(8),
        }
    }
    changed
}

/// The frames of a capture.
fn frames(path: &Path) -> Vec<(Link, Vec<u8>)> {
    let Ok(mut capture) = Capture::open(path) else { return Vec::new() };
    let (mut records, mut frames) = (Vec::new(), Vec::new());
    while capture.read(&mut records, 4096).is_ok() && !records.is_empty() {
        let bytes = |record: &Record| capture.bytes()[record.at..record.at + record.len as usize].to_vec();
        frames.extend(records.iter().map(|record| (record.link, bytes(record))));
    }
    frames
}

/// Bits of a step that say which link type it has.
fn link_number(link: Link) -> u8 {
    (LINKS.iter().position(|known| *known == link).unwrap_or(0) as u8) << 2
}

fn steps<'a>(frames: impl Iterator<Item = (u8, &'a [u8])>) -> Vec<u8> {
    let mut input = Vec::new();
    for (what, frame) in frames {
        if input.len() + frame.len() < MAX_INPUT {
            write(&mut input, what, frame);
        }
    }
    input
}

/// What an agent would post, as [`otlp`](../otlp.rs) reads it.
fn requests(frames: &[(Link, Vec<u8>)]) -> Vec<Vec<u8>> {
    let mut core = Core::new(Config::default(), false);
    for (number, (link, frame)) in frames.iter().enumerate() {
        let time_us = 1_699_999_990_000_000 + 1000 * number as i64;
        if let Ok(packet) = parse(*link, frame, frame.len() as u32, time_us) {
            let mut frame = [Frame {
                packet,
                bytes: frame,
                link: *link,
                passing: Passing::Unknown,
            }];
            core.frames(&mut frame);
        }
    }
    core.finish(false);
    let resource = [
        ("service.name".to_owned(), ResourceValue::Text("weir-agent".to_owned())),
        ("weir.agent.id".to_owned(), ResourceValue::Int(7)),
    ];
    let mut inputs = Vec::new();
    while let Some(batch) = core.output.take() {
        let what = match batch.table.name {
            "flow_log.l7_flow_log" => 0,
            "flow_log.l4_flow_log" => 1,
            _ => 9,
        };
        let body = encode(&batch, &resource);
        if body.len() < MAX_INPUT {
            inputs.push([&[what], body.as_slice()].concat());
        }
    }
    inputs
}

/// The payload of each flow, with its ports.
fn flows(protocol: &str, frames: &[(Link, Vec<u8>)]) -> Vec<Vec<u8>> {
    let protocol = PROTOCOLS
        .iter()
        .find(|row| row.name == protocol)
        .expect("the protocol is in the table");
    let mut flows = Vec::<(_, Vec<u8>)>::new();
    for (link, frame) in frames {
        let Ok(packet) = parse(*link, frame, frame.len() as u32, 0) else {
            continue;
        };
        let Some(transport) = protocol.transports.iter().position(|number| *number == packet.protocol) else {
            continue;
        };
        let begin = packet.payload_at as usize;
        let payload = frame.get(begin..begin + packet.payload_len as usize).unwrap_or(&[]);
        let ends = ((packet.src, packet.src_port), (packet.dst, packet.dst_port));
        let begins = packet.protocol == TCP && packet.tcp_flags & (flag::SYN | flag::ACK) == flag::SYN;
        if payload.is_empty() && !begins {
            continue;
        }
        let known = flows.iter().position(|(key, _)| *key == ends || *key == (ends.1, ends.0));
        let at = known.unwrap_or_else(|| {
            let head = Head {
                transport: transport as u8,
                client_port: packet.src_port,
                server_port: packet.dst_port,
            };
            let mut input = Vec::new();
            head.write(&mut input);
            flows.push((ends, input));
            flows.len() - 1
        });
        let (key, input) = &mut flows[at];
        if !payload.is_empty() && input.len() + payload.len() < MAX_INPUT {
            write(input, if *key == ends { 0 } else { FROM_SERVER }, payload);
        }
    }
    // What is behind the head.
    let has_steps = |input: &Vec<u8>| Head::read(input).is_some_and(|(_, steps)| !steps.is_empty());
    flows.into_iter().map(|(_, input)| input).filter(has_steps).collect()
}
