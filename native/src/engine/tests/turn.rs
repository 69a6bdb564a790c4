//! Seconds and minutes that pass in slices.

use super::*;

/// Feeds packets, and takes the rows of each slice before the next; gives them with the most bytes that ever waited.
fn in_slices(core: &mut Core, all: &[Sent]) -> (Vec<Batch>, usize) {
    let (mut batches, mut most) = (Vec::new(), 0);
    let mut drain = |core: &mut Core| {
        most = most.max(core.output.ready_bytes());
        batches.extend(std::iter::from_fn(|| core.output.take()));
    };
    for some in all.chunks(BATCH) {
        let bytes: Vec<Vec<u8>> = some.iter().map(bytes_of).collect();
        let mut frames: Vec<Frame<'_>> = some.iter().zip(&bytes).map(|(sent, bytes)| framed(sent, bytes)).collect();
        let mut passage = Passage::default();
        core.begin(&mut frames, &mut passage);
        while !core.pass(&frames, &mut passage) {
            core.go_on();
            drain(core);
        }
        drain(core);
    }
    core.begin_finish(false);
    while core.go_on() {
        drain(core);
    }
    drain(core);
    (batches, most)
}

fn framed<'a>(sent: &Sent, bytes: &'a [u8]) -> Frame<'a> {
    Frame {
        packet: parse(Link::Ethernet, bytes, bytes.len() as u32, BEGIN_US + sent.time_us).unwrap(),
        bytes,
        link: Link::Ethernet,
        passing: sent.passing,
    }
}

const TABLES: [(&str, &[&str]); 5] = [
    (
        "log.l4_flow_log",
        &[
            "time",
            "packet_tx",
            "byte_rx",
            "client_port",
            "close_type",
            "ip4_0",
            "is_new_flow",
            "syn_count",
            "srt_sum",
        ],
    ),
    (
        "metrics.network_map.1s",
        &[
            "time",
            "packet_tx",
            "packet_rx",
            "ip4_0",
            "server_port",
            "flow_load",
            "new_flow",
            "closed_flow",
        ],
    ),
    (
        "metrics.network_map.1m",
        &["time", "packet_tx", "l4_byte_rx", "ip4_1", "flow_load", "tcp_timeout", "rtt_count"],
    ),
    ("metrics.network.1s", &["time", "packet_tx", "ip4", "flow_load", "role", "art_max"]),
    (
        "metrics.network.1m",
        &["time", "byte_tx", "ip4", "flow_load", "retrans_tx", "closed_flow", "role"],
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn slices_make_the_same_rows_in_the_same_order(all in proptest::collection::vec(any_sent(), 1..150), pause in 0i64..200, back in any::<bool>()) {
        let mut all = in_time(all);
        let (half, end) = (all.len() / 2, all.last().unwrap().time_us);
        // Some time goes by without a packet, or the file begins anew.
        all[half..].iter_mut().for_each(|sent| sent.time_us += if back { -(end + 100_000_000) } else { pause * 1_000_000 });
        let config = Config { batch_rows: 2, max_ready_bytes: usize::MAX, ..Config::default() };
        let (mut whole, mut sliced) = (Core::new(config.clone(), false), Core::new(config, false));
        // Which of them share a place, and are forgotten, depends on a seed.
        sliced.servers = whole.servers.clone();
        feed(&mut whole, &all);
        let expected = finished(&mut whole);
        let (found, _) = in_slices(&mut sliced, &all);
        for (table, columns) in TABLES {
            for column in columns {
                prop_assert_eq!(values(&found, table, column), values(&expected, table, column), "{} of {}", column, table);
            }
        }
        prop_assert_eq!((sliced.stats, sliced.alive()), (whole.stats, 0));
    }
}

#[test]
fn what_waits_when_a_minute_ends_does_not_grow_with_the_flows() {
    let opened = |flow: u32| Sent {
        time_us: i64::from(flow) * 1000,
        from: 1 + (flow % 200) as u8,
        to: 201 + (flow / 200 % 50) as u8,
        ports: (10_000 + (flow / 10_000) as u16, 80),
        flags: flag::SYN,
        ..SENT
    };
    let run = |flows: u32| {
        let config = Config {
            batch_rows: 500,
            max_ready_bytes: usize::MAX,
            timeouts: crate::flow::Timeouts {
                opening_s: 1000,
                one_way_s: 1000,
                ..Default::default()
            },
            ..Config::default()
        };
        let mut all: Vec<Sent> = (0..flows).map(opened).collect();
        // All of them are there when two more minutes end.
        all.push(Sent {
            time_us: 170_000_000,
            ..opened(0)
        });
        let (batches, most) = in_slices(&mut Core::new(config, false), &all);
        assert_eq!(sum(&batches, "log.l4_flow_log", "packet_tx"), u64::from(flows) + 1);
        most
    };
    let (few, many) = (run(2_000), run(20_000));
    assert!(many < few * 3 / 2, "{few} and {many} bytes");
}
