//! Packets that were not captured: what is told without them is some of what is told with them, and never a wrong pair.

use crate::capture::{Payload, read};
use crate::rows::Rows;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use weir_native::l7::{FlowL7, L7Packet, L7Settings};

/// Folders of captures over TCP of protocols that pair by key, or have one exchange a connection. Where replies come in order, and a command and the
/// reply to another one are lost together, nobody can tell.
const FOLDERS: [&str; 4] = ["tls", "ssh", "ldap", "sip"];

/// Runs all payloads but those at these places, each hole told as a reassembly would.
fn run(payloads: &[Payload], dropped: &HashSet<usize>) -> Rows {
    let settings = Arc::new(L7Settings::default());
    let mut rows = Rows::default();
    let mut flows: HashMap<_, (FlowL7, [Option<u32>; 2])> = HashMap::new();
    for (nth, payload) in payloads.iter().enumerate() {
        let (flow, expected) = flows.entry(payload.flow).or_insert_with(|| (FlowL7::new(&settings), [None; 2]));
        let expected = &mut expected[usize::from(!payload.from_client)];
        let missing = payload.tcp_seq.wrapping_sub(expected.unwrap_or(payload.tcp_seq)) as i32;
        if missing < 0 || dropped.contains(&nth) {
            // Its place is remembered by what comes behind it.
            expected.get_or_insert(payload.tcp_seq);
            continue;
        }
        if missing > 0 {
            flow.gap(payload.from_client, missing as u32, payload.time_us, &mut rows);
        }
        *expected = Some(payload.tcp_seq.wrapping_add(payload.bytes.len() as u32));
        let packet = L7Packet {
            time_us: payload.time_us,
            from_client: payload.from_client,
            payload: &payload.bytes,
            wire_len: payload.bytes.len() as u32,
            tcp_seq: payload.tcp_seq,
            protocol: payload.flow.4,
            client_port: payload.flow.1,
            server_port: payload.flow.3,
        };
        flow.packet(&packet, &mut rows);
    }
    let end = payloads.iter().map(|payload| payload.time_us).max().unwrap_or(0);
    for (flow, _) in flows.values_mut() {
        flow.close(end, &mut rows);
    }
    rows
}

/// Where request and answer begin, of each row that has both.
fn pairs(rows: &Rows) -> HashSet<[String; 2]> {
    let both = (0..rows.lines.len()).filter(|row| rows.get(*row, "type") == "2");
    both.map(|row| ["req_tcp_seq", "resp_tcp_seq"].map(|field| rows.get(row, field)))
        .collect()
}

#[test]
fn any_loss_leaves_some_of_the_rows_and_no_wrong_pair() {
    let mut random: u64 = 0x5eed;
    let mut below = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % limit as u64) as usize
    };
    for folder in FOLDERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/l7").join(folder);
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_capture = path.extension().is_some_and(|extension| extension == "pcap");
            let payloads = if is_capture { read(&path) } else { Vec::new() };
            if payloads.first().is_none_or(|payload| payload.flow.4 != 6) {
                continue;
            }
            let whole = run(&payloads, &HashSet::new());
            let known = pairs(&whole);
            for _ in 0..400 {
                let dropped: HashSet<usize> = (0..1 + below(4)).map(|_| below(payloads.len())).collect();
                let rows = run(&payloads, &dropped);
                for [request, response] in pairs(&rows) {
                    // A message of which the front was lost begins elsewhere, and is still the message.
                    let is_whole = known.iter().any(|pair| pair[0] == request) && known.iter().any(|pair| pair[1] == response);
                    let fits = !is_whole || known.contains(&[request.clone(), response.clone()]);
                    assert!(fits, "{}: {request} {response} without {dropped:?}", path.display());
                }
            }
        }
    }
}
