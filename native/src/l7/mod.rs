//! Application protocols: payload in, one row per request with its response out.
//!
//! [`FlowL7`] is what a flow owns. It finds out which protocol is spoken, cuts each direction into messages with that protocol's
//! [`Parser`], and has [`crate::session`] pair them. A protocol is one file (or folder) and one row in [`table::PROTOCOLS`].

mod amqp;
mod brpc;
mod cassandra;
mod context;
mod dhcp;
mod dns;
mod dubbo;
pub(crate) mod facts;
mod fastcgi;
mod flow;
mod frame;
mod ftp;
mod http1;
mod http2;
mod kafka;
mod layer;
mod ldap;
mod memcached;
mod mongodb;
mod mqtt;
mod mysql;
mod nats;
mod ntp;
mod openwire;
mod oracle;
mod parser;
pub(crate) mod ping;
mod postgresql;
mod protobuf;
mod pulsar;
mod quic;
mod redis;
mod reply;
mod rest;
mod rocketmq;
mod rpc;
mod settings;
mod sip;
mod smtp;
mod sofarpc;
mod someip;
mod sql;
mod ssh;
mod statements;
pub mod table;
mod tars;
mod thrift;
mod tls;
mod zmtp;

pub use crate::session::{Finished, Sides, Tells};
pub use dns::type_number as dns_type;
pub use facts::{Facts, Slot, Told};
pub use flow::FlowL7;
pub use parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
pub use settings::L7Settings;

/// Payload of one packet. TCP payload comes in order; what is missing between two packets is told by [`FlowL7::gap`].
#[derive(Clone, Copy, Debug)]
pub struct L7Packet<'a> {
    pub time_us: i64,
    /// Sent by the end that the flow takes for the client.
    pub from_client: bool,
    pub payload: &'a [u8],
    /// Payload bytes on the wire; more than `payload.len()` where the capture cut the packet.
    pub wire_len: u32,
    /// Sequence number of the first payload byte, 0 for UDP.
    pub tcp_seq: u32,
    /// What the packet acknowledges of the other direction, 0 where nothing: it tells which response can answer which request once packets were lost.
    pub tcp_ack: u32,
    /// IP protocol: 6, 17, 1 or 58.
    pub protocol: u8,
    pub client_port: u16,
    pub server_port: u16,
}

/// `response_status` of a row; the numbers are those of `libs.catalog`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Ok = 0,
    Timeout = 2,
    ServerError = 3,
    ClientError = 4,
    #[default]
    Unknown = 5,
    ParseFailed = 6,
}

/// `type` of a row; the numbers are those of `libs.catalog`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RowType {
    /// A request whose response was not seen, or that has none.
    #[default]
    Request = 0,
    /// A response whose request was not seen.
    Response = 1,
    /// A request with its response.
    Session = 2,
}

/// Everything that the application layer knows about one row of `l7_flow_log`. Times are µs since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct L7Row<'a> {
    /// `l7_protocol`
    pub protocol: u8,
    /// `l7_protocol_str`
    pub protocol_name: &'static str,
    pub version: &'a str,
    pub row_type: RowType,
    pub is_tls: bool,
    /// Responses do not follow the order of requests.
    pub is_async: bool,
    pub request_type: &'a str,
    pub request_domain: &'a str,
    pub request_resource: &'a str,
    pub endpoint: &'a str,
    pub request_id: u64,
    pub response_status: Status,
    pub response_code: i32,
    pub response_exception: &'a str,
    pub response_result: &'a str,
    /// First request byte to first response byte, 0 without both.
    pub response_duration_us: u64,
    /// -1 where unknown.
    pub request_length: i64,
    /// -1 where unknown.
    pub response_length: i64,
    pub captured_request_byte: u32,
    pub captured_response_byte: u32,
    pub sql_affected_rows: u64,
    pub trace_id: &'a str,
    pub span_id: &'a str,
    pub parent_span_id: &'a str,
    pub x_request_id_0: &'a str,
    pub x_request_id_1: &'a str,
    pub http_proxy_client: &'a str,
    pub user_agent: &'a str,
    pub referer: &'a str,
    pub req_tcp_seq: u32,
    pub resp_tcp_seq: u32,
    /// First byte of the request, or of the response where that is all there is.
    pub start_us: i64,
    /// Last byte seen of what the row is made of, or the time at which the request was given up.
    pub end_us: i64,
    /// `attributes`: further facts of the protocol, of the request and then of the response.
    pub attributes: Attributes<'a>,
}

/// The pairs of a row's `attributes`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes<'a> {
    request: Option<&'a Facts>,
    response: Option<&'a Facts>,
}

impl<'a> Attributes<'a> {
    pub(crate) fn of(request: Option<&'a Facts>, response: Option<&'a Facts>) -> Attributes<'a> {
        Attributes { request, response }
    }

    /// The pairs, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let request = self.request.into_iter().flat_map(Facts::attributes);
        request.chain(self.response.into_iter().flat_map(Facts::attributes))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        let has = |facts: Option<&Facts>| facts.is_some_and(Facts::has_attributes);
        !has(self.request) && !has(self.response)
    }
}

impl L7Row<'_> {
    /// Whether the row counts as an answered request with a measured response time.
    pub fn has_duration(&self) -> bool {
        self.row_type == RowType::Session
    }
}

/// Takes finished rows.
pub trait L7Sink {
    fn row(&mut self, row: &L7Row<'_>);

    /// Takes what becomes a row. Whoever keeps it makes the row later.
    fn finished(&mut self, finished: Finished) {
        self.row(&finished.sides().row());
        Finished::give_back([finished]);
    }
}

/// What was recognised during one call; the flow adds it to its L4 row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L7Seen {
    pub requests: u32,
    pub responses: u32,
    pub client_errors: u32,
    pub server_errors: u32,
    pub timeouts: u32,
    /// Places where bytes of a known protocol could not be read and had to be skipped.
    pub parse_failed: u32,
    /// Requests given up because too many were waiting for their response.
    pub evicted: u32,
}

impl L7Seen {
    /// Whether nothing was recognised. No branch for each of them.
    #[inline]
    pub fn is_nothing(&self) -> bool {
        let messages = self.requests | self.responses | self.parse_failed | self.evicted;
        messages | self.client_errors | self.server_errors | self.timeouts == 0
    }
}

impl std::ops::AddAssign for L7Seen {
    fn add_assign(&mut self, other: L7Seen) {
        self.requests += other.requests;
        self.responses += other.responses;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.timeouts += other.timeouts;
        self.parse_failed += other.parse_failed;
        self.evicted += other.evicted;
    }
}
