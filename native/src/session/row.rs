//! A row from a request, a response, or both.

use super::Out;
use crate::l7::facts::{self, Facts, Slot};
use crate::l7::{Attributes, L7Row, RowType, Status};

/// Hands the row of this exchange to the sink.
#[inline]
pub(super) fn emit(request: Option<Box<Facts>>, response: Option<Box<Facts>>, out: &mut Out<'_>) {
    let row = build(request.as_deref(), response.as_deref(), out);
    if let Some(row) = row {
        out.sink.row(&row);
    }
    request.into_iter().chain(response).for_each(facts::give);
}

fn build<'a>(request: Option<&'a Facts>, response: Option<&'a Facts>, out: &Out<'_>) -> Option<L7Row<'a>> {
    // What both may tell: the request's word goes first.
    let first = request.or(response)?;
    let either = |slot: Slot| {
        let text = first.get(slot);
        if text.is_empty() {
            response.map_or("", |facts| facts.get(slot))
        } else {
            text
        }
    };
    let dialect = first.dialect.or(response.and_then(|facts| facts.dialect));
    let (protocol, protocol_name) = dialect.map_or((out.protocol.id, out.protocol.name), |dialect| (dialect.id, dialect.name));
    let mut row = L7Row {
        protocol,
        protocol_name,
        version: either(Slot::Version),
        is_async: first.is_async,
        is_tls: first.is_tls || response.is_some_and(|facts| facts.is_tls),
        request_type: either(Slot::RequestType),
        request_domain: either(Slot::Domain),
        request_resource: either(Slot::Resource),
        endpoint: either(Slot::Endpoint),
        request_id: first.request_id,
        trace_id: either(Slot::TraceId),
        span_id: either(Slot::SpanId),
        parent_span_id: either(Slot::ParentSpanId),
        request_length: -1,
        response_length: -1,
        start_us: first.start_us,
        // A late segment can fill a hole in front of earlier ones.
        end_us: first.end_us.max(first.start_us),
        response_status: Status::Unknown,
        attributes: Attributes::of(request, response),
        ..L7Row::default()
    };
    if let Some(request) = request {
        row.response_status = request.status;
        // Told by a request only where it was given up.
        row.response_code = request.code;
        row.response_exception = request.get(Slot::Exception);
        row.request_length = request.length;
        row.captured_request_byte = u32::try_from(request.captured).unwrap_or(u32::MAX);
        row.req_tcp_seq = request.tcp_seq;
        row.x_request_id_0 = request.get(Slot::XRequestId);
        row.http_proxy_client = request.get(Slot::ProxyClient);
        row.user_agent = request.get(Slot::UserAgent);
        row.referer = request.get(Slot::Referer);
    }
    if let Some(response) = response {
        row.row_type = RowType::Response;
        row.response_status = response.status;
        row.response_code = response.code;
        row.response_length = response.length;
        row.response_exception = response.get(Slot::Exception);
        row.response_result = response.get(Slot::Result);
        row.captured_response_byte = u32::try_from(response.captured).unwrap_or(u32::MAX);
        row.resp_tcp_seq = response.tcp_seq;
        row.x_request_id_1 = response.get(Slot::XRequestId);
        row.end_us = row.end_us.max(response.end_us);
        if let Some(request) = request {
            row.row_type = RowType::Session;
            // Without the question several answers may look like one, and a number like this one.
            row.sql_affected_rows = response.affected_rows;
            // Captures put together from several queues can run backwards.
            let answered_us = if response.until_end { response.end_us } else { response.start_us };
            row.response_duration_us = u64::try_from(answered_us - request.start_us).unwrap_or(0);
        }
    }
    Some(row)
}
