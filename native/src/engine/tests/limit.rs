//! Logs that may have only so many rows in a second.

use super::*;

#[test]
fn rows_over_the_limit_are_counted_and_documents_stay_exact() {
    let mut core = Core::new(
        Config {
            l4_rows_per_s: 30,
            ..Config::default()
        },
        false,
    );
    feed(&mut core, &datagrams(100, 0));
    feed(&mut core, &datagrams(20, 200_000_000));
    let batches = finished(&mut core);
    assert_eq!(values(&batches, "log.l4_flow_log", "packet_tx").len(), 30 + 20);
    assert_eq!(core.output.over_limit(), [70, 0]);
    assert_eq!(sum(&batches, "metrics.network_map.1s", "packet_tx"), 120);
    assert_eq!(sum(&batches, "metrics.network_map.1m", "closed_flow"), 120);
}

#[test]
fn documents_of_a_limited_log_are_those_of_an_unlimited_one() {
    let run = |per_s: u32, batch_rows: usize| {
        let config = Config {
            l4_rows_per_s: per_s,
            l7_rows_per_s: per_s,
            batch_rows,
            ..Config::default()
        };
        let mut core = Core::new(config, false);
        for second in 0..5 {
            feed(&mut core, &datagrams(100, second * 1_000_000));
            (0..80).for_each(|id| query(&mut core, id, second * 1_000_000 + 500_000));
        }
        let batches = finished(&mut core);
        (batches, core.output.over_limit())
    };
    let ((all, none_over), (some, over)) = (run(0, 8192), run(7, 16));
    assert_eq!(none_over, [0, 0]);
    for (log, over) in ["log.l4_flow_log", "log.l7_flow_log"].into_iter().zip(over) {
        let (all, some) = (values(&all, log, "flow_id"), values(&some, log, "flow_id"));
        assert_eq!(some.len() as u64 + over, all.len() as u64, "{log}");
        assert!(over > 0, "{log}");
    }
    for table in [
        "network_map.1s",
        "network_map.1m",
        "network.1s",
        "application_map.1s",
        "application.1m",
    ] {
        let measure = if table.starts_with("network") { "packet_tx" } else { "request" };
        let sorted = |batches: &[Batch]| {
            let table = format!("metrics.{table}");
            let mut rows: Vec<_> = values(batches, &table, "time")
                .into_iter()
                .zip(values(batches, &table, measure))
                .collect();
            rows.sort_unstable();
            rows
        };
        assert!(!sorted(&all).is_empty(), "{table}");
        assert_eq!(sorted(&all), sorted(&some), "{table}");
    }
}

#[test]
fn a_sample_is_of_the_whole_second_and_its_rows_are_whole() {
    let mut core = Core::new(
        Config {
            l4_rows_per_s: 50,
            batch_rows: 8,
            ..Config::default()
        },
        false,
    );
    feed(&mut core, &datagrams(2_000, 0));
    let batches = finished(&mut core);
    let (ports, packets) = (
        values(&batches, "log.l4_flow_log", "client_port"),
        values(&batches, "log.l4_flow_log", "packet_tx"),
    );
    assert_eq!((ports.len(), packets), (50, vec![1; 50]));
    let late = ports.iter().filter(|port| **port >= 41_000).count();
    assert!((8..=42).contains(&late), "{late} of 50 are of the second half");
    let mut distinct = ports.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), 50);
}
