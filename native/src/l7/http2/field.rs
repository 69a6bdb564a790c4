//! Header fields that somebody reads, and what a head made of them says.

use super::grpc;
use crate::l7::facts::{Facts, Slot};
use crate::l7::http1::trace::{self, Trace};
use crate::l7::table::{Dialect, GRPC, TRIPLE};

/// A field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Nobody reads it.
    Other,
    /// It was said before the capture began, or in bytes that were lost.
    Unknown,
    Authority,
    Method,
    Path,
    Scheme,
    Status,
    Host,
    ContentType,
    ContentLength,
    UserAgent,
    Referer,
    XRequestId,
    XRealIp,
    XForwardedFor,
    GrpcStatus,
    GrpcMessage,
    /// Any of Dubbo's `tri-…`.
    Tri,
    TraceParent,
    Sw8,
    B3,
    B3TraceId,
    B3SpanId,
    B3ParentSpanId,
    Uber,
}

impl Name {
    #[inline]
    pub fn of(name: &[u8]) -> Name {
        match name {
            b":authority" => Name::Authority,
            b":method" => Name::Method,
            b":path" => Name::Path,
            b":scheme" => Name::Scheme,
            b":status" => Name::Status,
            b"host" => Name::Host,
            b"content-type" => Name::ContentType,
            b"content-length" => Name::ContentLength,
            b"user-agent" => Name::UserAgent,
            b"referer" => Name::Referer,
            b"x-request-id" => Name::XRequestId,
            b"x-real-ip" => Name::XRealIp,
            b"x-forwarded-for" => Name::XForwardedFor,
            b"grpc-status" => Name::GrpcStatus,
            b"grpc-message" => Name::GrpcMessage,
            b"traceparent" => Name::TraceParent,
            b"sw8" => Name::Sw8,
            b"b3" => Name::B3,
            b"x-b3-traceid" => Name::B3TraceId,
            b"x-b3-spanid" => Name::B3SpanId,
            b"x-b3-parentspanid" => Name::B3ParentSpanId,
            b"uber-trace-id" => Name::Uber,
            _ if name.starts_with(b"tri-") => Name::Tri,
            _ => Name::Other,
        }
    }

    /// The kind of trace context, with the name that its reader expects.
    fn trace(self) -> Option<(Trace, &'static [u8])> {
        Some(match self {
            Name::TraceParent => (Trace::W3c, b"traceparent"),
            Name::Sw8 => (Trace::Sw8, b"sw8"),
            Name::B3 => (Trace::B3, b"b3"),
            Name::B3TraceId => (Trace::B3, b"x-b3-traceid"),
            Name::B3SpanId => (Trace::B3, b"x-b3-spanid"),
            Name::B3ParentSpanId => (Trace::B3, b"x-b3-parentspanid"),
            Name::Uber => (Trace::Uber, b"uber-trace-id"),
            _ => return None,
        })
    }
}

/// What the fields of one block said that is no text of [`Facts`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Head {
    pub status: Option<i32>,
    pub grpc_status: Option<i32>,
    pub dialect: Option<&'static Dialect>,
    /// `:method`, `:path`, `:scheme` or `:authority` is there.
    pub is_request: bool,
    /// Some field cannot be known.
    pub is_partial: bool,
    trace: Option<Trace>,
}

impl Head {
    #[inline]
    pub fn field(&mut self, name: Name, value: &[u8], facts: &mut Facts) {
        match name {
            Name::Other => {}
            Name::Unknown => self.is_partial = true,
            Name::Method => self.request(Slot::RequestType, value, facts),
            Name::Path => self.request(Slot::Resource, value, facts),
            Name::Authority => self.request(Slot::Domain, value, facts),
            Name::Scheme => self.is_request = true,
            Name::Status => self.status = number(value),
            Name::Host => facts.put_first(Slot::Domain, value),
            Name::ContentType => self.content_type(value),
            Name::ContentLength => facts.length = number(value).unwrap_or(-1),
            Name::UserAgent => facts.put(Slot::UserAgent, value),
            Name::Referer => facts.put(Slot::Referer, value),
            Name::XRequestId => facts.put_first(Slot::XRequestId, value),
            Name::XRealIp => facts.put_first(Slot::ProxyClient, value),
            Name::XForwardedFor => facts.put(Slot::ProxyClient, value),
            Name::GrpcStatus => self.grpc_status = number(value),
            Name::GrpcMessage => grpc::put_message(value, facts),
            Name::Tri => self.dialect = Some(&TRIPLE),
            _ => self.trace(name, value, facts),
        }
    }

    #[inline]
    fn request(&mut self, slot: Slot, value: &[u8], facts: &mut Facts) {
        self.is_request = true;
        facts.put(slot, value);
    }

    /// Triple says so itself or by its `tri-` fields; otherwise it calls itself gRPC.
    fn content_type(&mut self, value: &[u8]) {
        let is = |kind: &[u8]| {
            let rest = value.strip_prefix(kind);
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
        };
        if is(b"application/triple") {
            self.dialect = Some(&TRIPLE);
        } else if is(b"application/grpc") {
            self.dialect = self.dialect.or(Some(&GRPC));
        }
    }

    #[cold]
    fn trace(&mut self, name: Name, value: &[u8], facts: &mut Facts) {
        if let Some((kind, name)) = name.trace().filter(|(kind, _)| self.trace.is_none_or(|had| *kind >= had)) {
            trace::put(kind, name, value, facts);
            self.trace = Some(kind);
        }
    }
}

fn number<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The static table (RFC 7541, appendix A).
#[rustfmt::skip]
pub static STATIC: [(Name, &str, &str); 61] = [
    (Name::Authority, ":authority", ""), (Name::Method, ":method", "GET"), (Name::Method, ":method", "POST"), (Name::Path, ":path", "/"),
    (Name::Path, ":path", "/index.html"), (Name::Scheme, ":scheme", "http"), (Name::Scheme, ":scheme", "https"),
    (Name::Status, ":status", "200"), (Name::Status, ":status", "204"), (Name::Status, ":status", "206"), (Name::Status, ":status", "304"),
    (Name::Status, ":status", "400"), (Name::Status, ":status", "404"), (Name::Status, ":status", "500"),
    (Name::Other, "accept-charset", ""), (Name::Other, "accept-encoding", "gzip, deflate"), (Name::Other, "accept-language", ""),
    (Name::Other, "accept-ranges", ""), (Name::Other, "accept", ""), (Name::Other, "access-control-allow-origin", ""),
    (Name::Other, "age", ""), (Name::Other, "allow", ""), (Name::Other, "authorization", ""), (Name::Other, "cache-control", ""),
    (Name::Other, "content-disposition", ""), (Name::Other, "content-encoding", ""), (Name::Other, "content-language", ""),
    (Name::ContentLength, "content-length", ""), (Name::Other, "content-location", ""), (Name::Other, "content-range", ""),
    (Name::ContentType, "content-type", ""), (Name::Other, "cookie", ""), (Name::Other, "date", ""), (Name::Other, "etag", ""),
    (Name::Other, "expect", ""), (Name::Other, "expires", ""), (Name::Other, "from", ""), (Name::Host, "host", ""),
    (Name::Other, "if-match", ""), (Name::Other, "if-modified-since", ""), (Name::Other, "if-none-match", ""), (Name::Other, "if-range", ""),
    (Name::Other, "if-unmodified-since", ""), (Name::Other, "last-modified", ""), (Name::Other, "link", ""), (Name::Other, "location", ""),
    (Name::Other, "max-forwards", ""), (Name::Other, "proxy-authenticate", ""), (Name::Other, "proxy-authorization", ""),
    (Name::Other, "range", ""), (Name::Referer, "referer", ""), (Name::Other, "refresh", ""), (Name::Other, "retry-after", ""),
    (Name::Other, "server", ""), (Name::Other, "set-cookie", ""), (Name::Other, "strict-transport-security", ""),
    (Name::Other, "transfer-encoding", ""), (Name::UserAgent, "user-agent", ""), (Name::Other, "vary", ""), (Name::Other, "via", ""),
    (Name::Other, "www-authenticate", ""),
];
