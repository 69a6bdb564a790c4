//! Rows as one number each, so that two runs can be compared.

use std::hash::{DefaultHasher, Hash, Hasher};
use weir_native::l7::{L7Row, L7Sink};

/// What came out of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub digests: Vec<u64>,
    /// More was announced of a message than came.
    pub has_unfinished: bool,
    /// The rows themselves, where somebody wants to read them.
    pub printed: Option<Vec<String>>,
}

impl L7Sink for Rows {
    fn row(&mut self, row: &L7Row<'_>) {
        assert!(row.endpoint.len() + row.request_resource.len() < 1 << 20, "a text is not bounded");
        self.digests.push(of(row));
        self.has_unfinished |=
            row.request_length > i64::from(row.captured_request_byte) || row.response_length > i64::from(row.captured_response_byte);
        if let Some(printed) = &mut self.printed {
            printed.push(format!("{row:?}"));
        }
    }
}

fn of(row: &L7Row<'_>) -> u64 {
    let mut digest = DefaultHasher::new();
    let texts = [
        row.version,
        row.request_type,
        row.request_domain,
        row.request_resource,
        row.endpoint,
        row.response_exception,
        row.response_result,
        row.trace_id,
        row.span_id,
        row.parent_span_id,
        row.x_request_id_0,
        row.x_request_id_1,
        row.http_proxy_client,
        row.user_agent,
        row.referer,
    ];
    texts.hash(&mut digest);
    let kinds = (
        row.protocol,
        row.row_type as u8,
        row.is_tls,
        row.is_async,
        row.response_status as u8,
    );
    kinds.hash(&mut digest);
    let numbers = (
        row.request_id,
        row.response_code,
        row.sql_affected_rows,
        row.request_length,
        row.response_length,
    );
    numbers.hash(&mut digest);
    let places = (
        row.req_tcp_seq,
        row.resp_tcp_seq,
        row.captured_request_byte,
        row.captured_response_byte,
    );
    places.hash(&mut digest);
    (row.start_us, row.end_us, row.response_duration_us).hash(&mut digest);
    for pair in row.attributes.iter() {
        pair.hash(&mut digest);
    }
    digest.finish()
}
