//! Rows that Weir's own agents made: attributes named for columns, in spans and in log records.
//!
//! `encode` writes them and this reads them; between the two every row comes back as it was. A column that an attribute does not
//! fill takes what follows from the record (its times, its ids, who sent it), else the default.

use super::bad::{Bad, believable};
use super::keys::{Action, Keys, Meaning, NO_LABEL};
use super::resource::Resource;
use super::span::Head;
use super::traces::{Context, Dialect};
use super::value::{Value, hex, read_pair};
use super::wire::{BYTES, Broken, Reader, tag};
use crate::column::{ColumnMut, Rows, Text, TextMap};
use crate::table::generated::L7FlowLog;
use crate::table::{ColumnDef, Kind, Layout};
use std::net::IpAddr;

/// (attribute, column of `l7_flow_log`) where OpenTelemetry has a name for what the column holds, whichever protocol it is about.
pub const STANDARD: &[(&str, &str)] = &[
    ("http.request.method", "request_type"),
    ("db.operation.name", "request_type"),
    ("rpc.method", "request_type"),
    ("messaging.operation.name", "request_type"),
    ("server.address", "request_domain"),
    ("client.port", "client_port"),
    ("server.port", "server_port"),
    ("db.query.text", "request_resource"),
    ("rpc.service", "request_resource"),
    ("messaging.destination.name", "request_resource"),
    ("dns.question.name", "request_resource"),
    ("http.route", "endpoint"),
    ("http.response.status_code", "response_code"),
    ("rpc.grpc.status_code", "response_code"),
    ("db.response.status_code", "response_code"),
    ("http.request.body.size", "request_length"),
    ("http.response.body.size", "response_length"),
];

/// Attributes that other readers expect and that say nothing a column does not say.
pub const REPEATED: &[&str] = &[
    "db.system.name",
    "rpc.system",
    "messaging.system",
    "network.protocol.name",
    "weir.table",
];

/// What the attribute `key` of a row with these columns means.
pub fn action(columns: &[ColumnDef], key: &[u8]) -> Action {
    let at = |name: &[u8]| columns.iter().position(|column| column.name.as_bytes() == name);
    let column = |at: usize| match columns[at].kind {
        Kind::TextMap => Action::Attributes,
        Kind::LabelMap => Action::Resource,
        _ => Action::Column(at as u16),
    };
    let keeps = at(b"attributes").is_some();
    match key {
        b"client.address" if keeps => return Action::Address(0),
        b"source.address" if at(b"ip4_0").is_some() => return Action::Address(0),
        b"destination.address" if at(b"ip4_1").is_some() => return Action::Address(1),
        b"url.path" if keeps => return Action::UrlPath,
        b"url.query" if keeps => return Action::UrlQuery,
        _ => {}
    }
    if let Some(found) = key.strip_prefix(b"weir.").and_then(at) {
        return column(found);
    }
    if let Some(found) = columns.iter().position(|column| column.attribute.as_bytes() == key) {
        return column(found);
    }
    if keeps && let Some((_, name)) = STANDARD.iter().find(|(name, _)| name.as_bytes() == key) {
        return at(name.as_bytes()).map_or(Action::Drop, column);
    }
    let repeated = key.starts_with(b"weir.") || REPEATED.iter().any(|name| name.as_bytes() == key);
    if keeps && !repeated { Action::Keep } else { Action::Drop }
}

struct Learn<'a> {
    columns: &'static [ColumnDef],
    attributes: Option<&'a mut TextMap>,
}

impl Meaning for Learn<'_> {
    fn learn(&mut self, key: &[u8]) -> Option<(Action, u32)> {
        let action = action(self.columns, key);
        match (&mut self.attributes, action) {
            (Some(attributes), Action::Keep) => Some((action, attributes.keys.intern_bytes(key)?)),
            _ => Some((action, NO_LABEL)),
        }
    }
}

/// Columns that rows of every table may have, by their place; `usize::MAX` where there is none.
pub struct Places {
    columns: &'static [ColumnDef],
    time: usize,
    start_time: usize,
    end_time: usize,
    duration: usize,
    agent_id: usize,
    is_ipv4: usize,
    /// ip4_0, ip4_1 and ip6_0, ip6_1.
    ip4: [usize; 2],
    ip6: [usize; 2],
    attributes: usize,
    resource: usize,
}

impl Places {
    pub fn of<L: Layout>() -> Places {
        let at = |name| L::COLUMNS.iter().position(|column| column.name == name).unwrap_or(usize::MAX);
        Places {
            columns: L::COLUMNS,
            time: at("time"),
            start_time: at("start_time"),
            end_time: at("end_time"),
            duration: at("duration").min(at("response_duration")),
            agent_id: at("agent_id"),
            is_ipv4: at("is_ipv4"),
            ip4: [at("ip4_0"), at("ip4_1")],
            ip6: [at("ip6_0"), at("ip6_1")],
            attributes: at("attributes"),
            resource: at("resource"),
        }
    }
}

/// Decodes one row after the other into the columns of one table.
pub struct Columns<'a> {
    places: &'a Places,
    keys: &'a mut Keys,
    serial: &'a mut u64,
    last: u32,
    bad: Option<Bad>,
    /// An IPv4 address was among the attributes.
    saw_ipv4: bool,
    path: Option<&'a [u8]>,
    query: Option<&'a [u8]>,
    scratch: Vec<u8>,
}

impl<'a> Columns<'a> {
    pub fn new(places: &'a Places, keys: &'a mut Keys, serial: &'a mut u64) -> Columns<'a> {
        *serial += 1;
        Columns {
            places,
            keys,
            serial,
            last: 0,
            bad: None,
            saw_ipv4: false,
            path: None,
            query: None,
            scratch: Vec::new(),
        }
    }

    /// One attribute of the row that is being written.
    pub fn read<L: Layout>(&mut self, rows: &mut L, pair: Reader<'a>) -> Result<(), Broken> {
        let attributes = match rows.column_mut(self.places.attributes) {
            ColumnMut::TextMap(map) => Some(map),
            _ => None,
        };
        let (at, value) = self.keys.read(
            self.last,
            pair,
            &mut Learn {
                columns: self.places.columns,
                attributes,
            },
        )?;
        if at == 0 {
            self.bad = Some(Bad::InvalidUtf8);
            return Ok(());
        }
        self.last = at;
        let known = self.keys.get(at);
        if known.row == *self.serial {
            return Ok(());
        }
        known.row = *self.serial;
        let (action, label) = (known.action, known.label);
        if let Err(bad) = self.fill(rows, action, label, value)? {
            self.bad = Some(bad);
        }
        Ok(())
    }

    fn fill<L: Layout>(&mut self, rows: &mut L, action: Action, label: u32, value: Value<'a>) -> Result<Result<(), Bad>, Broken> {
        let row = rows.rows();
        match action {
            Action::Column(at) => return self.column(rows.column_mut(usize::from(at)), row, value),
            Action::Address(end) => {
                let ip = match value {
                    Value::Str(text) => super::resource::parse_ip(text),
                    _ => None,
                };
                let column = match ip {
                    Some(IpAddr::V4(_)) => self.places.ip4[usize::from(end)],
                    _ => self.places.ip6[usize::from(end)],
                };
                return self.column(rows.column_mut(column), row, value);
            }
            Action::UrlPath | Action::UrlQuery => {
                let Value::Str(text) = value else { return Ok(Err(Bad::WrongType)) };
                *(if action == Action::UrlPath {
                    &mut self.path
                } else {
                    &mut self.query
                }) = Some(text);
            }
            Action::Attributes => return self.whole_map(rows, self.places.attributes, value),
            Action::Resource => return self.whole_map(rows, self.places.resource, value),
            Action::Keep => {
                self.scratch.clear();
                if let Err(bad) = value.text(&mut self.scratch)? {
                    return Ok(Err(bad));
                }
                let ColumnMut::TextMap(map) = rows.column_mut(self.places.attributes) else {
                    return Ok(Ok(()));
                };
                let Ok(text) = std::str::from_utf8(&self.scratch) else {
                    return Ok(Err(Bad::InvalidUtf8));
                };
                map.add_labelled(label, text);
            }
            Action::Drop | Action::Fact(..) => {}
        }
        Ok(Ok(()))
    }

    fn column(&mut self, column: ColumnMut<'_>, row: usize, value: Value<'_>) -> Result<Result<(), Bad>, Broken> {
        if let ColumnMut::Label(_) | ColumnMut::Text(_) = column {
            self.scratch.clear();
            let text = match value {
                Value::Str(text) => text,
                other => {
                    if let Err(bad) = other.text(&mut self.scratch)? {
                        return Ok(Err(bad));
                    }
                    &self.scratch
                }
            };
            return Ok(set_text(column, row, text));
        }
        self.saw_ipv4 |= matches!(column, ColumnMut::Ip4(_));
        Ok(set(column, row, value))
    }

    /// Every pair of a map column, in one attribute.
    fn whole_map<L: Layout>(&mut self, rows: &mut L, at: usize, value: Value<'a>) -> Result<Result<(), Bad>, Broken> {
        let Value::Map(mut pairs) = value else {
            return Ok(Err(Bad::WrongType));
        };
        while let Some(field) = pairs.tag()? {
            if field != tag(1, BYTES) {
                pairs.skip(field)?;
                continue;
            }
            let (key, value) = read_pair(pairs.message()?)?;
            self.scratch.clear();
            if let Err(bad) = value.text(&mut self.scratch)? {
                return Ok(Err(bad));
            }
            let (Ok(key), Ok(text)) = (std::str::from_utf8(key), std::str::from_utf8(&self.scratch)) else {
                return Ok(Err(Bad::InvalidUtf8));
            };
            match rows.column_mut(at) {
                ColumnMut::TextMap(map) => map.add(key, text),
                ColumnMut::LabelMap(map) => {
                    let (key, value) = (map.keys.intern(key), map.values.intern(text));
                    map.add_keys(key, value);
                }
                _ => {}
            }
        }
        Ok(Ok(()))
    }

    /// Closes the row: what its attributes did not say follows from the record. Times are ns since 1970.
    pub fn close<L: Layout>(&mut self, rows: &mut L, start_ns: u64, end_ns: u64, resource: &Resource, now_us: i64) -> Result<(), Bad> {
        let row = rows.rows();
        let places = self.places;
        let (start_us, end_us) = ((start_ns / 1000) as i64, (end_ns / 1000) as i64);
        let end_us = imply_i64(rows.column_mut(places.end_time), row, end_us);
        let start_us = imply_i64(rows.column_mut(places.start_time), row, start_us);
        imply(rows.column_mut(places.duration), row, end_us.saturating_sub(start_us).max(0) as u64);
        // A table without an end has only its time axis, and the record's time is that.
        let time = imply(rows.column_mut(places.time), row, (end_us / 1_000_000).max(0) as u64);
        if resource.agent_id != 0 {
            imply(rows.column_mut(places.agent_id), row, u64::from(resource.agent_id));
        }
        if self.saw_ipv4 {
            imply(rows.column_mut(places.is_ipv4), row, 1);
        }
        if let ColumnMut::TextMap(map) = rows.column_mut(places.attributes) {
            map.end_row(row);
        }
        if let ColumnMut::LabelMap(map) = rows.column_mut(places.resource) {
            map.end_row(row);
        }
        if let Some(bad) = self.bad.or(resource.bad) {
            return Err(bad);
        }
        believable((time as i64).saturating_mul(1_000_000), now_us)
    }

    /// Makes ready for the next row.
    pub fn reset(&mut self) {
        *self.serial += 1;
        self.last = 0;
        self.bad = None;
        self.saw_ipv4 = false;
        self.path = None;
        self.query = None;
    }

    fn span(&mut self, rows: &mut L7FlowLog, head: &Head<'a>, context: &Context<'_>) -> Result<(), Bad> {
        let row = rows.rows();
        if let Some(path) = self.path {
            let path = std::str::from_utf8(path).map_err(|_| Bad::InvalidUtf8)?;
            match self.query {
                None => rows.request_resource.set(row, path),
                Some(query) => {
                    let query = std::str::from_utf8(query).map_err(|_| Bad::InvalidUtf8)?;
                    rows.request_resource.set(row, &format!("{path}?{query}"));
                }
            }
        }
        imply_id::<32>(&mut rows.trace_id, row, head.trace_id)?;
        imply_id::<16>(&mut rows.span_id, row, head.span_id)?;
        imply_id::<16>(&mut rows.parent_span_id, row, head.parent_span_id)?;
        if !head.status_message.is_empty() && rows.response_exception.len() <= row {
            rows.response_exception
                .set(row, std::str::from_utf8(head.status_message).map_err(|_| Bad::InvalidUtf8)?);
        }
        self.close(rows, head.start_ns, head.end_ns, context.resource, context.body.now_us)
    }
}

impl<'a> Dialect<'a> for Columns<'a> {
    fn attribute(&mut self, rows: &mut L7FlowLog, pair: Reader<'a>) -> Result<(), Broken> {
        self.read(rows, pair)
    }

    fn finish(&mut self, rows: &mut L7FlowLog, head: &Head<'a>, context: &Context<'_>) -> Result<Result<(), Bad>, Broken> {
        let outcome = self.span(rows, head, context);
        self.reset();
        Ok(outcome)
    }
}

fn imply_id<const N: usize>(column: &mut Text, row: usize, id: &[u8]) -> Result<(), Bad> {
    if column.len() > row || id.is_empty() {
        return Ok(());
    }
    if id.len() * 2 != N {
        return Err(Bad::InvalidId);
    }
    column.set(row, std::str::from_utf8(&hex::<N>(id)).unwrap_or_default());
    Ok(())
}

/// Fills an unsigned column of this row where no attribute did; gives what it holds then.
fn imply(column: ColumnMut<'_>, row: usize, value: u64) -> u64 {
    match column {
        ColumnMut::U8(column) if column.len() <= row => column.set(row, value as u8),
        ColumnMut::U8(column) => return u64::from(column.get(row)),
        ColumnMut::U32(column) | ColumnMut::TimeS(column) if column.len() <= row => {
            column.set(row, value.min(u64::from(u32::MAX)) as u32);
        }
        ColumnMut::U32(column) | ColumnMut::TimeS(column) => return u64::from(column.get(row)),
        ColumnMut::U64(column) if column.len() <= row => column.set(row, value),
        ColumnMut::U64(column) => return column.get(row),
        _ => {}
    }
    value
}

fn imply_i64(column: ColumnMut<'_>, row: usize, value: i64) -> i64 {
    match column {
        ColumnMut::TimeUs(column) if column.len() <= row => column.set(row, value),
        ColumnMut::TimeUs(column) => return column.get(row),
        _ => {}
    }
    value
}

fn set_text(column: ColumnMut<'_>, row: usize, text: &[u8]) -> Result<(), Bad> {
    match column {
        ColumnMut::Label(column) => {
            let key = column.intern_bytes(text).ok_or(Bad::InvalidUtf8)?;
            column.set_key(row, key);
        }
        ColumnMut::Text(column) => column.set(row, std::str::from_utf8(text).map_err(|_| Bad::InvalidUtf8)?),
        _ => {}
    }
    Ok(())
}

/// Puts a value into a column that is neither text nor a map.
fn set(column: ColumnMut<'_>, row: usize, value: Value<'_>) -> Result<(), Bad> {
    let int = || value.int().ok_or(Bad::WrongType);
    let ip = || match value {
        Value::Str(text) => super::resource::parse_ip(text).ok_or(Bad::WrongType),
        _ => Err(Bad::WrongType),
    };
    match column {
        ColumnMut::U8(column) => column.set(row, fit(int()?)?),
        ColumnMut::U16(column) => column.set(row, fit(int()?)?),
        ColumnMut::U32(column) | ColumnMut::TimeS(column) => column.set(row, fit(int()?)?),
        // OTLP has only signed numbers: the upper half travels as negative ones.
        ColumnMut::U64(column) => column.set(row, int()? as u64),
        ColumnMut::I32(column) => column.set(row, fit(int()?)?),
        ColumnMut::I64(column) | ColumnMut::TimeUs(column) => column.set(row, int()?),
        ColumnMut::F64(column) => match value {
            Value::Double(double) => column.set(row, double),
            _ => column.set(row, int()? as f64),
        },
        ColumnMut::Ip4(column) => match ip()? {
            IpAddr::V4(ip) => column.set(row, ip.to_bits()),
            IpAddr::V6(_) => return Err(Bad::WrongType),
        },
        ColumnMut::Ip6(column) => match ip()? {
            IpAddr::V6(ip) => column.set(row, ip.octets()),
            IpAddr::V4(_) => return Err(Bad::WrongType),
        },
        ColumnMut::Label(_) | ColumnMut::Text(_) | ColumnMut::TextMap(_) | ColumnMut::LabelMap(_) | ColumnMut::Absent => {}
    }
    Ok(())
}

fn fit<T: TryFrom<i64>>(value: i64) -> Result<T, Bad> {
    T::try_from(value).map_err(|_| Bad::OutOfRange)
}
