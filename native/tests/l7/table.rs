//! The walk over the table: each protocol has recorded inputs, and each gives what is written beside it.

use crate::capture::{Payload, drip, read, run};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use weir_native::l7::table::{DIALECTS, PROTOCOLS, TLS};
use weir_native::l7::{Guess, Opening};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/l7").join(name)
}

/// Captures of a protocol.
pub fn captures(name: &str) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(folder(name)).unwrap_or_else(|error| panic!("tests/data/l7/{name}: {error}"));
    let mut paths: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    paths.sort();
    assert!(!paths.is_empty(), "tests/data/l7/{name} has no capture");
    paths
}

fn each_capture(check: impl Fn(&Path, Vec<Payload>)) {
    for protocol in PROTOCOLS {
        for path in captures(protocol.folder) {
            check(&path, read(&path));
        }
    }
}

#[test]
fn each_capture_gives_its_rows_also_byte_by_byte() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    each_capture(|path, payloads| {
        let golden = path.with_extension("jsonl");
        let (rows, seen) = run(&payloads);
        let text = rows.lines.join("\n") + "\n";
        if update {
            std::fs::write(&golden, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_else(|error| panic!("{}: {error}", golden.display()));
        assert_eq!(text, expected, "{}", path.display());
        assert!(!rows.lines.is_empty(), "{}", path.display());
        assert_eq!(run(&drip(&payloads)), (rows, seen), "{} byte by byte", path.display());
    });
}

#[test]
fn truncated_captures_never_panic() {
    each_capture(|_, payloads| {
        for kept in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89] {
            let cut = |payload: &Payload| Payload {
                bytes: payload.bytes[..payload.bytes.len().min(kept)].to_vec(),
                ..payload.clone()
            };
            let short: Vec<Payload> = payloads.iter().map(cut).filter(|payload| !payload.bytes.is_empty()).collect();
            run(&short);
        }
        for end in 0..payloads.len().min(200) {
            run(&payloads[..end]);
            run(&payloads[end..]);
        }
    });
}

#[test]
fn changed_captures_never_panic() {
    let mut random = Random(0x5eed);
    each_capture(|_, payloads| {
        let mut random = Random(random_seed(&payloads));
        for _ in 0..200 {
            let mut changed = payloads[..payloads.len().min(60)].to_vec();
            for _ in 0..1 + random.below(8) {
                let at = random.below(changed.len());
                let payload = &mut changed[at].bytes;
                let byte = random.below(payload.len());
                match random.below(4) {
                    0 => payload[byte] = random.below(256) as u8,
                    1 => drop(payload.drain(byte..)),
                    2 => payload.insert(byte, b"\r\n :/\x00\xff\xc0"[random.below(8)]),
                    _ => payload.extend_from_within(byte..),
                }
                if payload.is_empty() {
                    payload.push(0);
                }
            }
            run(&changed);
        }
    });
    for protocol in PROTOCOLS {
        for _ in 0..300 {
            let bytes: Vec<u8> = (0..random.below(400) + 1).map(|_| random.below(256) as u8).collect();
            let flow = (1, 40000, 2, 53, protocol.transports[0]);
            run(&[Payload {
                time_us: 1,
                flow,
                from_client: true,
                tcp_seq: 1,
                tcp_ack: 0,
                bytes,
            }]);
        }
    }
}

fn random_seed(payloads: &[Payload]) -> u64 {
    payloads.iter().map(|payload| payload.bytes.len() as u64).sum::<u64>() | 1
}

/// xorshift: the same numbers each time.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

#[test]
fn the_table_agrees_with_the_catalogue() {
    let catalog = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../libs/catalog/enums.py")).unwrap();
    for protocol in PROTOCOLS {
        let row = format!("({}, \"{}\")", protocol.id, protocol.name);
        assert!(catalog.contains(&row), "libs/catalog/enums.py has no {row}");
    }
    for dialect in DIALECTS {
        let row = format!("({}, \"{}\")", dialect.id, dialect.name);
        assert!(catalog.contains(&row), "libs/catalog/enums.py has no {row}");
    }
    let mut ids: Vec<u8> = PROTOCOLS.iter().map(|protocol| protocol.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), PROTOCOLS.len());
}

#[test]
fn no_protocol_claims_what_another_one_says() {
    for protocol in PROTOCOLS {
        for path in captures(protocol.folder) {
            let mut flows = HashSet::new();
            for payload in read(&path) {
                // Both ends may agree to go on with TLS.
                let is_first = flows.insert(payload.flow);
                let opening = |bytes| Opening {
                    bytes,
                    from_client: payload.from_client,
                    // Not the ports of the program: hints must not be needed to tell protocols apart.
                    client_port: 40_000,
                    server_port: 40_001,
                    transport: payload.flow.4,
                };
                for other in PROTOCOLS
                    .iter()
                    .filter(|other| other.id != protocol.id && (is_first || other.id != TLS) && other.transports.contains(&payload.flow.4))
                {
                    let guess = (other.guess)(&opening(&payload.bytes));
                    assert!(
                        matches!(guess, Guess::No | Guess::Maybe),
                        "{}: {} says {guess:?} to {:?}",
                        path.display(),
                        other.name,
                        String::from_utf8_lossy(&payload.bytes[..payload.bytes.len().min(60)])
                    );
                }
            }
        }
    }
}
