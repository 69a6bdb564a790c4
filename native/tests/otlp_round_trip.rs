//! What an agent encodes a receiver decodes to the same rows, for every declared table and any values.

use proptest::prelude::*;
use weir_native::column::{Column, ColumnMut};
use weir_native::otlp::encode::{ResourceValue, encode};
use weir_native::otlp::gather::{Content, Decoder, Gather, Request, Signal};
use weir_native::otlp::inflate::Encoding;
use weir_native::table::generated::{
    Application, ApplicationMap, FLOW_LOG_L4_FLOW_LOG, FLOW_LOG_L7_FLOW_LOG, FLOW_METRICS_APPLICATION_1M, FLOW_METRICS_APPLICATION_MAP_1S,
    FLOW_METRICS_NETWORK_1S, FLOW_METRICS_NETWORK_MAP_1M, L4FlowLog, L7FlowLog, Network, NetworkMap,
};
use weir_native::table::{Batch, Layout, TableDef};

const NOW_S: u32 = 1_800_000_000;
const BATCH_ID: u64 = 0xfeed_0000_0000_0001;

/// Any value for a column, from which each kind takes what it can hold.
#[derive(Debug, Clone)]
struct Any {
    place: usize,
    number: u64,
    text: String,
    pairs: Vec<(String, String)>,
    ip6: [u8; 16],
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "\\PC{0,12}",
        1 => "[0-9a-f]{32}",
        1 => "[0-9a-f]{16}",
        1 => "/[a-z]{0,4}\\??[a-z=?&]{0,6}",
        1 => Just(String::new()),
    ]
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z.]{0,8}",
        1 => Just("http.request.method".to_owned()),
        1 => Just("weir.time".to_owned()),
        1 => Just("source.address".to_owned()),
    ]
}

fn any_value() -> impl Strategy<Value = Any> {
    let number = prop_oneof![any::<u64>(), 0u64..200, (0u64..64).prop_map(|bit| 1 << bit)];
    let pairs = proptest::collection::vec((any_key(), any_text()), 0..5);
    let ip6 = prop_oneof![
        any::<[u8; 16]>(),
        Just(std::net::Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().octets())
    ];
    (0usize..200, number, any_text(), pairs, ip6).prop_map(|(place, number, text, pairs, ip6)| Any {
        place,
        number,
        text,
        pairs,
        ip6,
    })
}

fn fill<L: Layout>(rows: &mut L, value: &Any) {
    let row = rows.rows();
    match rows.column_mut(value.place % (L::COLUMNS.len() - 1)) {
        ColumnMut::U8(column) => column.set(row, value.number as u8),
        ColumnMut::U16(column) => column.set(row, value.number as u16),
        ColumnMut::U32(column) | ColumnMut::Ip4(column) => column.set(row, value.number as u32),
        ColumnMut::U64(column) => column.set(row, value.number),
        ColumnMut::I32(column) => column.set(row, value.number as i32),
        ColumnMut::I64(column) | ColumnMut::TimeUs(column) => column.set(row, value.number as i64),
        ColumnMut::F64(column) => column.set(row, f64::from_bits(value.number)),
        ColumnMut::Ip6(column) => column.set(row, value.ip6),
        ColumnMut::Label(column) => column.set(row, &value.text),
        ColumnMut::Text(column) => column.set(row, &value.text),
        ColumnMut::TextMap(column) if column.ends.len() <= row => {
            value.pairs.iter().for_each(|(key, text)| column.add(key, text));
            column.end_row(row);
        }
        ColumnMut::LabelMap(column) if column.ends.len() <= row => {
            for (key, text) in &value.pairs {
                let (key, text) = (column.keys.intern(key), column.values.intern(text));
                column.add_keys(key, text);
            }
            column.end_row(row);
        }
        _ => {}
    }
}

fn batch<L: Layout>(table: &'static TableDef, values: &[Vec<Any>], seconds: &[i32]) -> Batch {
    let mut rows = L::default();
    for (values, second) in values.iter().zip(seconds) {
        values.iter().for_each(|value| fill(&mut rows, value));
        let row = rows.rows();
        if let ColumnMut::TimeS(time) = rows.column_mut(0) {
            time.set(row, NOW_S.saturating_add_signed(*second));
        }
        rows.commit();
    }
    Batch::take(table, &mut rows)
}

/// Each row's columns, printed.
fn rows(batch: &Batch) -> Vec<Vec<String>> {
    let print = |column: &Column, row: usize| match column {
        Column::U8(column) => column.get(row).to_string(),
        Column::U16(column) => column.get(row).to_string(),
        Column::U32(column) | Column::Ip4(column) | Column::TimeS(column) => column.get(row).to_string(),
        Column::U64(column) => column.get(row).to_string(),
        Column::I32(column) => column.get(row).to_string(),
        Column::I64(column) | Column::TimeUs(column) => column.get(row).to_string(),
        Column::F64(column) => column.get(row).to_bits().to_string(),
        Column::Ip6(column) => format!("{:?}", column.get(row)),
        Column::Label(column) => column.get(row).to_owned(),
        Column::Text(column) => column.get(row).to_owned(),
        Column::TextMap(column) => format!("{:?}", column.row(row).collect::<Vec<_>>()),
        Column::LabelMap(column) => format!("{:?}", column.row(row).collect::<Vec<_>>()),
    };
    let named = batch
        .table
        .columns
        .iter()
        .zip(&batch.columns)
        .filter(|(declared, _)| declared.name != "batch_id");
    let named: Vec<_> = named.collect();
    (0..batch.rows)
        .map(|row| {
            named
                .iter()
                .map(|(declared, column)| format!("{}={}", declared.name, print(column, row)))
                .collect()
        })
        .collect()
}

fn request(signal: Signal) -> Request {
    Request {
        signal,
        content: Content::Protobuf,
        encoding: Encoding::Identity,
        batch_id: BATCH_ID,
        now_us: i64::from(NOW_S) * 1_000_000,
        max_bytes: 1 << 26,
    }
}

fn comes_back<L: Layout>(table: &'static TableDef, values: &[Vec<Any>], seconds: &[i32]) -> Result<(), TestCaseError> {
    let before = batch::<L>(table, values, seconds);
    let resource = [
        ("service.name".to_owned(), ResourceValue::Text("weir-agent".to_owned())),
        ("weir.agent.id".to_owned(), ResourceValue::Int(7)),
    ];
    let body = encode(&before, &resource);
    let is_l7 = table.name.ends_with("l7_flow_log");
    let decoder = if table.name.starts_with("flow_log") {
        Decoder::FlowLog
    } else {
        Decoder::FlowMetrics
    };
    let mut gather = Gather::new(decoder, None);
    let appended = gather
        .append(&body, &request(if is_l7 { Signal::Traces } else { Signal::Logs }))
        .unwrap();
    prop_assert_eq!(appended.rejected.iter().collect::<Vec<_>>(), vec![]);
    let batches = gather.take();
    if before.rows == 0 {
        prop_assert!(batches.is_empty());
        return Ok(());
    }
    prop_assert_eq!(batches.len(), 1);
    prop_assert_eq!(batches[0].table.name, table.name);
    prop_assert_eq!(rows(&batches[0]), rows(&before));
    Ok(())
}

fn any_rows() -> impl Strategy<Value = (Vec<Vec<Any>>, Vec<i32>)> {
    (
        proptest::collection::vec(proptest::collection::vec(any_value(), 0..30), 0..4),
        proptest::collection::vec(-600_000..80_000, 4),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn requests_come_back((values, seconds) in any_rows()) {
        comes_back::<L7FlowLog>(&FLOW_LOG_L7_FLOW_LOG, &values, &seconds)?;
    }

    #[test]
    fn flows_come_back((values, seconds) in any_rows()) {
        comes_back::<L4FlowLog>(&FLOW_LOG_L4_FLOW_LOG, &values, &seconds)?;
    }

    #[test]
    fn network_documents_come_back((values, seconds) in any_rows()) {
        comes_back::<Network>(&FLOW_METRICS_NETWORK_1S, &values, &seconds)?;
        comes_back::<NetworkMap>(&FLOW_METRICS_NETWORK_MAP_1M, &values, &seconds)?;
    }

    #[test]
    fn application_documents_come_back((values, seconds) in any_rows()) {
        comes_back::<Application>(&FLOW_METRICS_APPLICATION_1M, &values, &seconds)?;
        comes_back::<ApplicationMap>(&FLOW_METRICS_APPLICATION_MAP_1S, &values, &seconds)?;
    }
}
