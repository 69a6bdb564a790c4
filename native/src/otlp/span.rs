//! A span of any OpenTelemetry SDK → one row, by the semantic conventions.

use super::bad::{Bad, believable};
use super::convention::{Fact, Family, meaning, protocol};
use super::events::{Printed, print};
use super::identity::{set_addresses, set_id};
use super::keys::{Action, Keys, Meaning, NO_LABEL, Plan, Usual};
use super::said::{Said, set};
use super::traces::{ATTRIBUTE, Context, Dialect};
use super::url::{authority_of, path_of};
use super::value::Value;
use super::wire::{Broken, Reader};
use crate::column::{TextMap, is_ascii};
use crate::table::Layout;
use crate::table::generated::L7FlowLog;
use std::net::IpAddr;

/// The fields of a span that are not attributes.
#[derive(Default)]
pub struct Head<'a> {
    pub trace_id: &'a [u8],
    pub span_id: &'a [u8],
    pub parent_span_id: &'a [u8],
    pub name: &'a [u8],
    pub kind: u64,
    pub start_ns: u64,
    pub end_ns: u64,
    pub status_code: u64,
    pub status_message: &'a [u8],
    pub events: Vec<Reader<'a>>,
    pub links: Vec<Reader<'a>>,
}

const ATTRIBUTE_BYTE: u8 = ATTRIBUTE as u8;

/// Where on the way a span is seen: at the client, at the server, or in between.
const POINTS: [&str; 3] = ["c-app", "s-app", "app"];

const SERVER: u64 = 2;
const CLIENT: u64 = 3;
const PRODUCER: u64 = 4;
const CONSUMER: u64 = 5;
const STATUS_ERROR: u64 = 2;
const SIGNAL_OTEL: u8 = 4;
const TYPE_SESSION: u8 = 2;

const OK: u8 = 0;
const TIMEOUT: u8 = 2;
const SERVER_ERROR: u8 = 3;
const CLIENT_ERROR: u8 = 4;

/// Text columns stop here: their offsets are 32 bits, in Arrow signed ones.
const MAX_TEXT: usize = 1 << 30;

/// Decodes spans of foreign senders. Holds what one span said until its row is written.
pub struct Foreign<'a> {
    keys: &'a mut Keys,
    last: u32,
    /// Grows by one for each span, so that a key knows whether this span had it already.
    serial: &'a mut u64,
    bad: Option<Bad>,
    /// All text of its attributes is ASCII so far.
    ascii: bool,
    said: Said<'a>,
    scratch: Vec<u8>,
    /// Positions of `POINTS` in the dictionary of `observation_point`.
    points: [Option<u32>; 3],
    /// The protocol's name that was written last, and its position in the dictionary of `l7_protocol_str`.
    protocol: (&'a str, u32),
}

struct Learn<'a> {
    attributes: &'a mut TextMap,
}

impl Meaning for Learn<'_> {
    fn learn(&mut self, key: &[u8]) -> Option<(Action, u32)> {
        if key.starts_with(b"weir.") {
            // What a foreign sender says in our name means nothing.
            return Some((Action::Drop, NO_LABEL));
        }
        let label = self.attributes.keys.intern_bytes(key)?;
        Some((meaning(key).map_or(Action::Keep, |(fact, rank)| Action::Fact(fact, rank)), label))
    }
}

impl<'a> Foreign<'a> {
    pub fn new(keys: &'a mut Keys, serial: &'a mut u64) -> Foreign<'a> {
        *serial += 1;
        Foreign {
            keys,
            last: 0,
            serial,
            bad: None,
            ascii: true,
            said: Said::default(),
            scratch: Vec::new(),
            points: [None; 3],
            protocol: ("", 0),
        }
    }
}

impl<'a> Dialect<'a> for Foreign<'a> {
    #[inline(never)]
    fn usual(&mut self, rows: &mut L7FlowLog, span: &mut Reader<'a>) -> bool {
        let whole = span.rest();
        // Everything from `doubted` on may hold text that is not ASCII; tags and lengths of the usual form are ASCII.
        let (mut rest, mut doubted, mut last, serial) = (whole, whole, self.last, *self.serial);
        let left = loop {
            let Some((at, known, value, behind)) = self.keys.usual(last, rest) else {
                break true;
            };
            last = at;
            let again = known.row == serial;
            known.row = serial;
            let (plan, label) = (if again { Plan::Leave } else { known.plan }, known.label);
            match value {
                Usual::Str(text) => self.text(rows, plan, label, text),
                Usual::Int(number) => {
                    self.number(rows, plan, label, number);
                    if !(0..0x80).contains(&number) {
                        self.ascii &= is_ascii(&doubted[..doubted.len() - rest.len()]);
                        doubted = behind;
                    }
                }
            }
            rest = behind;
            match rest.split_first() {
                Some((&ATTRIBUTE_BYTE, behind)) => rest = behind,
                _ => break false,
            }
        };
        self.ascii &= is_ascii(&doubted[..doubted.len() - rest.len()]);
        self.last = last;
        span.at += whole.len() - rest.len();
        left
    }

    /// An attribute out of order, of a new key, or with a long or nested value.
    #[inline(never)]
    fn attribute(&mut self, rows: &mut L7FlowLog, pair: Reader<'a>) -> Result<(), Broken> {
        let (at, value) = self.keys.read(
            self.last,
            pair,
            &mut Learn {
                attributes: &mut rows.attributes,
            },
        )?;
        if at == 0 {
            self.bad = Some(Bad::InvalidUtf8);
            return Ok(());
        }
        self.last = at;
        let known = self.keys.get(at);
        let (plan, label, again) = (known.plan, known.label, known.row == *self.serial);
        known.row = *self.serial;
        if again || plan == Plan::Leave {
            return Ok(());
        }
        match value {
            Value::Str(text) => {
                self.ascii &= is_ascii(text);
                self.text(rows, plan, label, text);
                return Ok(());
            }
            Value::Int(number) => {
                self.number(rows, plan, label, number);
                return Ok(());
            }
            _ => {}
        }
        self.scratch.clear();
        if let Err(bad) = value.text(&mut self.scratch)? {
            self.bad = Some(bad);
            return Ok(());
        }
        self.ascii &= is_ascii(&self.scratch);
        // SAFETY: `finish` proves every pair of the row or has it taken back, before anything reads them.
        unsafe { rows.attributes.add_unproven(label, &self.scratch) };
        let (fact, rank) = match plan {
            Plan::Say(fact, rank) => (fact, rank),
            Plan::Wait(fact) => (fact, 0),
            Plan::Leave | Plan::Keep => return Ok(()),
        };
        if let Some(number) = value.int() {
            self.said.count(fact, rank, number);
        }
        Ok(())
    }

    fn finish(&mut self, rows: &mut L7FlowLog, head: &Head<'a>, context: &Context<'_>) -> Result<Result<(), Bad>, Broken> {
        let outcome = self.row(rows, head, context);
        *self.serial += 1;
        self.last = 0;
        self.said.forget();
        self.bad = None;
        self.ascii = true;
        outcome
    }

    fn close(&mut self, rows: &mut L7FlowLog, context: &Context<'_>) {
        let (group, resource) = (context.first..rows.rows(), context.resource);
        if group.is_empty() {
            return;
        }
        rows.resource.add_rows(group.clone(), &resource.keys, &resource.values);
        rows.app_service.set_all(group.clone(), resource.app_service);
        rows.app_instance.set_all(group.clone(), resource.app_instance);
        rows.scope_name.set_all(group.clone(), context.scope);
        rows.r#type.set_all(group, TYPE_SESSION);
    }
}

impl<'a> Foreign<'a> {
    #[inline(always)]
    fn text(&mut self, rows: &mut L7FlowLog, plan: Plan, label: u32, text: &'a [u8]) {
        // SAFETY of `add_unproven`: `finish` proves every pair of the row or has it taken back, before anything reads them.
        match plan {
            Plan::Wait(fact) => {
                if text.is_empty() {
                    unsafe { rows.attributes.add_unproven(label, text) };
                } else {
                    self.said.wait(fact, label);
                }
                self.said.say(fact, 0, text);
            }
            Plan::Keep => unsafe { rows.attributes.add_unproven(label, text) },
            Plan::Say(fact, rank) => {
                unsafe { rows.attributes.add_unproven(label, text) };
                self.said.say(fact, rank, text);
            }
            Plan::Leave => {}
        }
    }

    #[inline(always)]
    fn number(&mut self, rows: &mut L7FlowLog, plan: Plan, label: u32, number: i64) {
        let keep = |rows: &mut L7FlowLog| rows.attributes.add_labelled(label, itoa::Buffer::new().format(number));
        match plan {
            Plan::Wait(fact) => {
                self.said.wait(fact, label);
                self.said.count(fact, 0, number);
            }
            Plan::Keep => keep(rows),
            Plan::Say(fact, rank) => {
                keep(rows);
                self.said.count(fact, rank, number);
            }
            Plan::Leave => {}
        }
    }

    fn row(&mut self, rows: &mut L7FlowLog, head: &Head<'a>, context: &Context<'_>) -> Result<Result<(), Bad>, Broken> {
        let row = rows.rows();
        let end_ns = head.end_ns.max(head.start_ns);
        let start_ns = if head.start_ns == 0 { end_ns } else { head.start_ns };
        let (start_us, end_us) = ((start_ns / 1000) as i64, (end_ns / 1000) as i64);
        if let Err(bad) = self.sound(rows, end_us, context) {
            return Ok(Err(bad));
        }
        rows.time.set(row, (end_us / 1_000_000) as u32);
        rows.start_time.set(row, start_us);
        rows.end_time.set(row, end_us);
        rows.response_duration.set(row, (end_us - start_us) as u64);
        rows.attributes.end_row(row);
        rows.signal_source.set(row, SIGNAL_OTEL);
        rows.span_kind.set(row, head.kind.min(255) as u8);
        if context.resource.agent_id != 0 {
            rows.agent_id.set(row, context.resource.agent_id);
        }
        let ids = set_id::<32>(&mut rows.trace_id, row, head.trace_id)
            .and_then(|()| set_id::<16>(&mut rows.span_id, row, head.span_id))
            .and_then(|()| set_id::<16>(&mut rows.parent_span_id, row, head.parent_span_id));
        if let Err(bad) = ids {
            return Ok(Err(bad));
        }
        self.ends(rows, row, head.kind, context);
        let (family, own) = self.request(rows, row);
        let named = self.name(rows, row, head, family, own);
        let answered = named.and_then(|()| self.answer(rows, row, head, family, own));
        self.said.keep_the_rest(rows, row);
        if head.events.is_empty() && head.links.is_empty() {
            return Ok(answered);
        }
        let told = self.events(rows, row, head)?;
        Ok(answered.and(told))
    }

    /// What can be said against the row before any column but `attributes` is written.
    #[inline]
    fn sound(&self, rows: &L7FlowLog, end_us: i64, context: &Context<'_>) -> Result<(), Bad> {
        if let Some(bad) = self.bad {
            return Err(bad);
        }
        believable(end_us, context.body.now_us)?;
        let proven = self.ascii || rows.attributes.values.tail_is_utf8(rows.attributes.closed()) && self.said.waiting_is_utf8();
        if !proven {
            return Err(Bad::InvalidUtf8);
        }
        // `close` adds the resource's attributes for each row of the group.
        let pairs = (rows.rows() + 1 - context.first) * context.resource.keys.len();
        if rows.resource.values.keys.len() + pairs > context.body.max_pairs {
            return Err(Bad::TooManyAttributes);
        }
        let texts = [
            &rows.attributes.values,
            &rows.request_resource,
            &rows.events,
            &rows.response_exception,
        ];
        if texts.iter().any(|text| text.bytes().len() > MAX_TEXT) {
            Err(Bad::BlockFull)
        } else {
            Ok(())
        }
    }

    /// Addresses and ports of both ends, and where on the way it was seen.
    fn ends(&mut self, rows: &mut L7FlowLog, row: usize, kind: u64, context: &Context<'_>) {
        let (point, server_side) = match kind {
            CLIENT | PRODUCER => (0, false),
            SERVER | CONSUMER => (1, true),
            _ => (2, false),
        };
        let label = self.points[point].unwrap_or_else(|| rows.observation_point.intern(POINTS[point]));
        self.points[point] = Some(label);
        rows.observation_point.set_key(row, label);
        let (near, far) = ((Fact::LocalAddress, Fact::LocalPort), (Fact::PeerAddress, Fact::PeerPort));
        let (client, server) = if server_side { (far, near) } else { (near, far) };
        if let Some(port) = self.said.port(Fact::ServerPort).or_else(|| self.said.port(server.1)) {
            rows.server_port.set(row, port);
            self.said.hold_number(Fact::ServerPort, i64::from(port));
        }
        if let Some(port) = self.said.port(Fact::ClientPort).or_else(|| self.said.port(client.1)) {
            rows.client_port.set(row, port);
            self.said.hold_number(Fact::ClientPort, i64::from(port));
        }
        let own = context.resource.host_ip;
        let ip_1 = self
            .said
            .ip(Fact::ServerAddress)
            .or_else(|| self.said.ip(server.0))
            .or(own.filter(|_| server_side));
        let said = self.said.ip(Fact::ClientAddress);
        let ip_0 = said.or_else(|| self.said.ip(client.0)).or(own.filter(|_| !server_side));
        set_addresses(rows, row, ip_0, ip_1);
        // Only one family is stored, and only what is spelled as we spell it is the same again.
        if let (true, Some(IpAddr::V4(ip))) = (ip_1.is_none_or(|ip| ip.is_ipv4()), said)
            && !ip.is_unspecified()
            && self.said.text(Fact::ClientAddress).bytes().find(|byte| !byte.is_ascii_digit()) == Some(b'.')
        {
            self.said.hold(Fact::ClientAddress);
        }
        if context.resource.process_id != 0 {
            if server_side {
                rows.process_id_1.set(row, context.resource.process_id)
            } else {
                rows.process_id_0.set(row, context.resource.process_id)
            }
        }
    }

    /// The columns of the request; says which kind of protocol it was, and whether the row's protocol is known to be of that kind.
    fn request(&mut self, rows: &mut L7FlowLog, row: usize) -> (Family, bool) {
        let family = self.family();
        let version = self.said.text(Fact::ProtocolVersion);
        if !version.is_empty() {
            rows.version.set(row, version);
            self.said.hold(Fact::ProtocolVersion);
        }
        let (number, name) = match family {
            Family::Http if version.starts_with('2') => (21, "HTTP2"),
            Family::Http if version.starts_with('3') => (0, "HTTP3"),
            Family::Http => (20, "HTTP"),
            Family::Dns => (120, "DNS"),
            Family::Other => protocol(self.said.text(Fact::ProtocolName)).unwrap_or_default(),
            Family::Rpc => known_or_named(self.said.text(Fact::RpcSystem)),
            Family::Messaging => known_or_named(self.said.text(Fact::MessagingSystem)),
            Family::Db => known_or_named(self.said.text(Fact::DbSystem)),
        };
        if number != 0 {
            rows.l7_protocol.set(row, number);
        }
        if !std::ptr::eq(name, self.protocol.0) {
            self.protocol = (name, rows.l7_protocol_str.intern(name));
        }
        rows.l7_protocol_str.set_key(row, self.protocol.1);
        if let Some(transport) = match self.said.text(Fact::Transport) {
            "udp" | "ip_udp" | "quic" => Some(17),
            "tcp" | "ip_tcp" => Some(6),
            "" if !matches!(family, Family::Dns | Family::Other) && name != "HTTP3" => Some(6),
            _ => None,
        } {
            rows.protocol.set(row, transport);
        }
        // `encode` gives a column the name that goes with the protocol.
        let own = family != Family::Other && Family::of(number) == family;
        let (method, resource) = match family {
            Family::Http => (self.said.text(Fact::HttpMethod), self.http_resource(rows, row, own)),
            Family::Db => (self.db_operation(), self.said.text(Fact::DbText)),
            Family::Rpc => (self.said.text(Fact::RpcMethod), self.said.text(Fact::RpcService)),
            Family::Messaging => (self.said.text(Fact::MessagingOperation), self.said.text(Fact::MessagingDestination)),
            Family::Dns => ("", self.said.text(Fact::DnsName)),
            Family::Other => ("", ""),
        };
        if !method.is_empty() {
            rows.request_type.set(row, method);
        }
        let resource = if family == Family::Db && resource.is_empty() {
            self.said.text(Fact::DbCollection)
        } else {
            resource
        };
        if !resource.is_empty() {
            rows.request_resource.set(row, resource);
        }
        let domain = self.domain(family);
        if !domain.is_empty() {
            rows.request_domain.set(row, domain);
        }
        if own {
            self.hold_request(family, name);
        }
        let agent = self.said.text(Fact::UserAgent);
        if !agent.is_empty() {
            rows.user_agent.set(row, agent);
            self.said.hold(Fact::UserAgent);
        }
        let sizes = [Fact::RequestSize, Fact::ResponseSize].map(|fact| self.said.number(fact));
        rows.request_length.set(row, sizes[0].unwrap_or(-1));
        rows.response_length.set(row, sizes[1].unwrap_or(-1));
        if let (true, Family::Http) = (own, family) {
            self.said.hold_number(Fact::RequestSize, sizes[0].unwrap_or(-1));
            self.said.hold_number(Fact::ResponseSize, sizes[1].unwrap_or(-1));
        }
        if matches!(self.said.text(Fact::UrlScheme), "https" | "wss") || self.said.text(Fact::UrlFull).starts_with("https:") {
            rows.is_tls.set(row, 1);
        }
        (family, own)
    }

    /// What says no more than the columns of a request of a known protocol, named `protocol`, do.
    fn hold_request(&mut self, family: Family, protocol: &str) {
        let facts = match family {
            Family::Http => set(&[Fact::HttpMethod, Fact::ServerAddress]),
            Family::Db => set(&[Fact::DbOperation, Fact::DbText, Fact::ServerAddress]),
            Family::Rpc => set(&[Fact::RpcMethod, Fact::RpcService, Fact::ServerAddress]),
            Family::Messaging => set(&[Fact::MessagingOperation, Fact::MessagingDestination, Fact::ServerAddress]),
            Family::Dns => set(&[Fact::DnsName]),
            Family::Other => 0,
        };
        self.said.hold_texts(facts);
        let fact = match family {
            Family::Db => Fact::DbSystem,
            Family::Messaging => Fact::MessagingSystem,
            _ => return,
        };
        let system = self.said.text(fact);
        if system.bytes().eq(protocol.bytes().map(|byte| byte.to_ascii_lowercase())) {
            self.said.hold(fact);
        }
    }

    fn family(&self) -> Family {
        // gRPC spans may carry http attributes too, and HTTP clients of databases db ones: the narrower convention wins.
        if self.said.has(Fact::RpcSystem) {
            Family::Rpc
        } else if self.said.has(Fact::MessagingSystem) {
            Family::Messaging
        } else if self.said.has(Fact::DbSystem) {
            Family::Db
        } else if self.said.has(Fact::HttpMethod) || self.said.has(Fact::HttpStatus) || self.said.has(Fact::HttpRoute) {
            Family::Http
        } else if self.said.has(Fact::DnsName) {
            Family::Dns
        } else {
            Family::Other
        }
    }

    /// Path and query; written here where they come in two parts.
    fn http_resource(&mut self, rows: &mut L7FlowLog, row: usize, own: bool) -> &'a str {
        let (path, query) = (self.said.text(Fact::UrlPath), self.said.text(Fact::UrlQuery));
        // The first question mark parts them again.
        if own && !path.is_empty() && memchr::memchr(b'?', path.as_bytes()).is_none() {
            self.said.hold(Fact::UrlPath);
            if !query.is_empty() {
                self.said.hold(Fact::UrlQuery);
            }
        }
        if !path.is_empty() && !query.is_empty() {
            rows.request_resource.set(row, &format!("{path}?{query}"));
            return "";
        }
        if !path.is_empty() {
            return path;
        }
        let target = self.said.text(Fact::UrlTarget);
        if target.is_empty() {
            path_of(self.said.text(Fact::UrlFull))
        } else {
            target
        }
    }

    fn db_operation(&self) -> &'a str {
        let operation = self.said.text(Fact::DbOperation);
        if !operation.is_empty() {
            return operation;
        }
        let statement = self.said.text(Fact::DbText).trim_start();
        let end = statement
            .bytes()
            .position(|byte| !byte.is_ascii_alphabetic())
            .unwrap_or(statement.len());
        if end <= 16 { &statement[..end] } else { "" }
    }

    fn domain(&self, family: Family) -> &'a str {
        let said = [Fact::ServerAddress, Fact::HttpHost, Fact::PeerAddress].map(|fact| self.said.text(fact));
        match said {
            [server, ..] if !server.is_empty() => server,
            [_, host, _] if !host.is_empty() => host,
            _ if family == Family::Http && self.said.has(Fact::UrlFull) => authority_of(self.said.text(Fact::UrlFull)),
            [_, _, peer] if matches!(family, Family::Db | Family::Messaging | Family::Rpc) => peer,
            _ => "",
        }
    }

    /// `endpoint`: the route where there is one, else the span's name; a name that says more than that stays among the attributes.
    fn name(&mut self, rows: &mut L7FlowLog, row: usize, head: &Head<'a>, family: Family, own: bool) -> Result<(), Bad> {
        let route = if family == Family::Http {
            self.said.text(Fact::HttpRoute)
        } else {
            ""
        };
        if route.is_empty() {
            let key = rows.endpoint.intern_bytes(head.name).ok_or(Bad::InvalidUtf8)?;
            rows.endpoint.set_key(row, key);
            if family == Family::Http && head.name.starts_with(b"/") {
                // It looks like a route and is none.
                let name = rows.endpoint.get(row).to_owned();
                rows.attributes.amend(row, "span.name", &name);
            }
            return Ok(());
        }
        rows.endpoint.set(row, route);
        if own && route.starts_with('/') {
            self.said.hold(Fact::HttpRoute);
        }
        let rest = head.name.strip_suffix(route.as_bytes());
        if rest.is_some_and(|rest| rest.is_empty() || rest.strip_suffix(b" ") == Some(self.said.text(Fact::HttpMethod).as_bytes())) {
            return Ok(());
        }
        let name = std::str::from_utf8(head.name).map_err(|_| Bad::InvalidUtf8)?;
        rows.attributes.amend(row, "span.name", name);
        Ok(())
    }

    /// How it ended.
    fn answer(&mut self, rows: &mut L7FlowLog, row: usize, head: &Head<'a>, family: Family, own: bool) -> Result<(), Bad> {
        let fact = match family {
            Family::Http => Some(Fact::HttpStatus),
            Family::Rpc => Some(Fact::RpcStatus),
            Family::Db => Some(Fact::DbStatus),
            _ => None,
        };
        let code = fact
            .and_then(|fact| self.said.number(fact))
            .and_then(|code| i32::try_from(code).ok());
        let code = code.unwrap_or_default();
        if code != 0 {
            rows.response_code.set(row, code);
            if let (true, Some(fact @ (Fact::HttpStatus | Fact::DbStatus))) = (own, fact) {
                self.said.hold_number(fact, i64::from(code));
            }
        }
        let failed = head.status_code == STATUS_ERROR;
        let status = match (family, code) {
            (Family::Http, 500..) => SERVER_ERROR,
            (Family::Http, 400..500) => CLIENT_ERROR,
            (Family::Rpc, code) if code != 0 => grpc_status(code),
            _ if failed => SERVER_ERROR,
            _ => OK,
        };
        if status != OK {
            rows.response_status.set(row, status);
        }
        if !head.status_message.is_empty() {
            rows.response_exception
                .set(row, std::str::from_utf8(head.status_message).map_err(|_| Bad::InvalidUtf8)?);
        } else if failed || status != OK {
            let said = self.said.text(Fact::ExceptionMessage);
            let said = if said.is_empty() { self.said.text(Fact::ErrorType) } else { said };
            if !said.is_empty() {
                rows.response_exception.set(row, said);
            }
        }
        Ok(())
    }

    /// Events and links as a JSON array; the message of the first exception stands for what went wrong where nothing else said it.
    #[inline(never)]
    fn events(&mut self, rows: &mut L7FlowLog, row: usize, head: &Head<'a>) -> Result<Result<(), Bad>, Broken> {
        let Printed { exception, sound } = print(&head.events, &head.links, &mut self.scratch)?;
        let Ok(text) = std::str::from_utf8(&self.scratch) else {
            return Ok(Err(Bad::InvalidUtf8));
        };
        rows.events.set(row, text);
        if let (Some(Value::Str(message)), true) = (exception, rows.response_exception.get(row).is_empty()) {
            let Ok(message) = std::str::from_utf8(message) else {
                return Ok(Err(Bad::InvalidUtf8));
            };
            rows.response_exception.set(row, message);
        }
        Ok(sound)
    }
}

fn known_or_named(system: &str) -> (u8, &str) {
    protocol(system).unwrap_or((0, system))
}

/// Whose fault a gRPC status is: <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/> names the codes that are errors of a server.
fn grpc_status(code: i32) -> u8 {
    match code {
        4 => TIMEOUT,
        2 | 12 | 13 | 14 | 15 => SERVER_ERROR,
        _ => CLIENT_ERROR,
    }
}
