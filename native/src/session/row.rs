//! A row from a request, a response, or both.

use super::Out;
use crate::l7::facts::{self, Facts, Slot, Told};
use crate::l7::table::{Dialect, Protocol};
use crate::l7::{Attributes, L7Row, RowType, Status};

/// A request, a response, or both, of which nothing more will come.
pub struct Finished {
    request: Option<Box<Facts>>,
    response: Option<Box<Facts>>,
    protocol: &'static Protocol,
}

/// The same by reference. Whoever asks much of it does so here: that both are there is looked at once, not for each question.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    request: Option<&'a Facts>,
    response: Option<&'a Facts>,
    protocol: &'static Protocol,
}

/// Hands this exchange to the sink.
#[inline]
pub(super) fn emit(request: Option<Box<Facts>>, response: Option<Box<Facts>>, out: &mut Out<'_>) {
    out.sink.finished(Finished {
        request,
        response,
        protocol: out.protocol,
    });
}

/// What a row says, whichever way it is held.
macro_rules! tells {
    ($($name:ident: $type:ty = |$finished:ident| $value:expr),+ $(,)?) => {
        /// What a row says, in the words of [`L7Row`].
        pub trait Tells {
            $(fn $name(&self) -> $type;)+
            fn attributes(&self) -> Attributes<'_>;
            /// Notes which texts it has.
            fn told(&self, told: &mut Told);
        }

        impl Tells for L7Row<'_> {
            $(
                #[inline]
                fn $name(&self) -> $type {
                    self.$name
                }
            )+
            fn attributes(&self) -> Attributes<'_> {
                self.attributes
            }
            fn told(&self, told: &mut Told) {
                *told = Told::ALL;
            }
        }

        impl Tells for Sides<'_> {
            $(
                #[inline(always)]
                fn $name(&self) -> $type {
                    let $finished = self;
                    $value
                }
            )+
            #[inline]
            fn attributes(&self) -> Attributes<'_> {
                Attributes::of(self.request, self.response)
            }
            #[inline]
            fn told(&self, told: &mut Told) {
                [self.request, self.response].into_iter().flatten().for_each(|facts| facts.told(told));
            }
        }

        impl Sides<'_> {
            /// All of it.
            pub fn row(&self) -> L7Row<'_> {
                L7Row {
                    $($name: self.$name(),)+
                    attributes: self.attributes(),
                }
            }
        }
    };
}

tells! {
    protocol: u8 = |it| it.dialect().map_or(it.protocol.id, |dialect| dialect.id),
    protocol_name: &'static str = |it| it.dialect().map_or(it.protocol.name, |dialect| dialect.name),
    version: &str = |it| it.either(Slot::Version),
    row_type: RowType = |it| match (it.request, it.response) {
        (Some(_), Some(_)) => RowType::Session,
        (None, Some(_)) => RowType::Response,
        _ => RowType::Request,
    },
    is_tls: bool = |it| it.request.is_some_and(|facts| facts.is_tls) || it.response.is_some_and(|facts| facts.is_tls),
    is_async: bool = |it| it.first().is_some_and(|facts| facts.is_async),
    request_type: &str = |it| it.either(Slot::RequestType),
    request_domain: &str = |it| it.either(Slot::Domain),
    request_resource: &str = |it| it.either(Slot::Resource),
    endpoint: &str = |it| it.either(Slot::Endpoint),
    request_id: u64 = |it| it.first().map_or(0, |facts| facts.request_id),
    response_status: Status = |it| it.last().map_or(Status::Unknown, |facts| facts.status),
    // Told by a request only where it was given up.
    response_code: i32 = |it| it.last().map_or(0, |facts| facts.code),
    response_exception: &str = |it| it.last().map_or("", |facts| facts.get(Slot::Exception)),
    response_result: &str = |it| it.response.map_or("", |facts| facts.get(Slot::Result)),
    response_duration_us: u64 = |it| match (it.request, it.response) {
        (Some(request), Some(response)) => {
            let answered_us = if response.until_end { response.end_us } else { response.start_us };
            // Captures put together from several queues can run backwards.
            u64::try_from(answered_us - request.start_us).unwrap_or(0)
        }
        _ => 0,
    },
    request_length: i64 = |it| it.request.map_or(-1, |facts| facts.length),
    response_length: i64 = |it| it.response.map_or(-1, |facts| facts.length),
    captured_request_byte: u32 = |it| captured(it.request),
    captured_response_byte: u32 = |it| captured(it.response),
    // Without the question several answers may look like one, and a number like this one.
    sql_affected_rows: u64 = |it| match (it.request, it.response) {
        (Some(_), Some(response)) => response.affected_rows,
        _ => 0,
    },
    trace_id: &str = |it| it.either(Slot::TraceId),
    span_id: &str = |it| it.either(Slot::SpanId),
    parent_span_id: &str = |it| it.either(Slot::ParentSpanId),
    x_request_id_0: &str = |it| it.asked(Slot::XRequestId),
    x_request_id_1: &str = |it| it.response.map_or("", |facts| facts.get(Slot::XRequestId)),
    http_proxy_client: &str = |it| it.asked(Slot::ProxyClient),
    user_agent: &str = |it| it.asked(Slot::UserAgent),
    referer: &str = |it| it.asked(Slot::Referer),
    req_tcp_seq: u32 = |it| it.request.map_or(0, |facts| facts.tcp_seq),
    resp_tcp_seq: u32 = |it| it.response.map_or(0, |facts| facts.tcp_seq),
    start_us: i64 = |it| it.first().map_or(0, |facts| facts.start_us),
    // A late segment can fill a hole in front of earlier ones.
    end_us: i64 = |it| it.first().map_or(0, |first| {
        let end_us = first.end_us.max(first.start_us);
        it.response.map_or(end_us, |response| end_us.max(response.end_us))
    }),
}

#[inline(always)]
fn captured(facts: Option<&Facts>) -> u32 {
    facts.map_or(0, |facts| u32::try_from(facts.captured).unwrap_or(u32::MAX))
}

impl Sides<'_> {
    #[inline(always)]
    fn first(&self) -> Option<&Facts> {
        self.request.or(self.response)
    }

    #[inline(always)]
    fn last(&self) -> Option<&Facts> {
        self.response.or(self.request)
    }

    #[inline(always)]
    fn dialect(&self) -> Option<&'static Dialect> {
        let asked = self.request.and_then(|facts| facts.dialect);
        asked.or_else(|| self.response.and_then(|facts| facts.dialect))
    }

    /// What both may tell: the request's word goes first.
    #[inline(always)]
    fn either(&self, slot: Slot) -> &str {
        let asked = self.asked(slot);
        if asked.is_empty() {
            self.response.map_or("", |facts| facts.get(slot))
        } else {
            asked
        }
    }

    #[inline(always)]
    fn asked(&self, slot: Slot) -> &str {
        self.request.map_or("", |facts| facts.get(slot))
    }
}

impl Finished {
    #[inline(always)]
    pub fn sides(&self) -> Sides<'_> {
        Sides {
            request: self.request.as_deref(),
            response: self.response.as_deref(),
            protocol: self.protocol,
        }
    }

    /// Whether it is a request with its response, as most are.
    #[inline(always)]
    pub fn is_session(&self) -> bool {
        self.request.is_some() && self.response.is_some()
    }

    /// Their buffers are of use again.
    #[inline]
    pub fn give_back(all: impl IntoIterator<Item = Finished>) {
        facts::give_all(all.into_iter().flat_map(|finished| [finished.request, finished.response]).flatten());
    }
}
