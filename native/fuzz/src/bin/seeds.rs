//! Makes inputs for the other targets out of captures: `seeds engine|protocol OUTPUT CAPTURE...`.

use std::path::{Path, PathBuf};
use weir_fuzz::{FROM_SERVER, write};
use weir_native::packet::{Link, parse};
use weir_native::pcap::Capture;

/// Longer inputs make a fuzzer slow.
const MAX_INPUT: usize = 24 << 10;

fn main() {
    let mut words = std::env::args().skip(1);
    let (kind, output) = (
        words.next().expect("engine or protocol"),
        PathBuf::from(words.next().expect("a folder")),
    );
    std::fs::create_dir_all(&output).expect("the folder can be made");
    for path in words.map(PathBuf::from) {
        let inputs = read(&path, kind == "engine");
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (number, input) in inputs.iter().enumerate() {
            std::fs::write(output.join(format!("{name}-{number}")), input).expect("the folder can be written");
        }
    }
}

/// One input of all frames, or one a flow of its payload.
fn read(path: &Path, whole: bool) -> Vec<Vec<u8>> {
    let Ok(mut capture) = Capture::open(path) else { return Vec::new() };
    let (mut records, mut frames, mut flows) = (Vec::new(), Vec::new(), Vec::<(_, Vec<u8>)>::new());
    while capture.read(&mut records, 4096).is_ok() && !records.is_empty() {
        for record in &records {
            let frame = &capture.bytes()[record.at..record.at + record.len as usize];
            if whole {
                let link = [Link::Ethernet, Link::Raw, Link::Null, Link::Sll, Link::Sll2]
                    .iter()
                    .position(|link| *link == record.link);
                if frames.len() + frame.len() < MAX_INPUT {
                    write(&mut frames, 64 | (link.unwrap_or(0) as u8) << 2, frame);
                }
                continue;
            }
            let Ok(packet) = parse(record.link, frame, record.wire, record.time_us) else {
                continue;
            };
            let begin = packet.payload_at as usize;
            let payload = frame.get(begin..begin + packet.payload_len as usize).unwrap_or(&[]);
            let ends = ((packet.src, packet.src_port), (packet.dst, packet.dst_port));
            let at = flows
                .iter()
                .position(|(key, _)| *key == ends || *key == (ends.1, ends.0))
                .unwrap_or_else(|| {
                    flows.push((ends, Vec::new()));
                    flows.len() - 1
                });
            let (key, input) = &mut flows[at];
            if !payload.is_empty() && input.len() + payload.len() < MAX_INPUT {
                write(input, if *key == ends { 0 } else { FROM_SERVER }, payload);
            }
        }
    }
    let inputs = if whole {
        vec![frames]
    } else {
        flows.into_iter().map(|(_, input)| input).collect()
    };
    inputs.into_iter().filter(|input: &Vec<u8>| !input.is_empty()).take(6).collect()
}
