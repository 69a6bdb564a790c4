//! What of a batch has to be written, decided once for all of its rows.

use crate::column::{Column, LabelMap, TextMap};
use crate::otlp::columns::action;
pub use crate::otlp::convention::Family;
use crate::otlp::keys::Action;
use crate::table::Batch;

/// (column, its names by family: http, db, rpc, messaging, dns); an empty name means `weir.<column>`.
const NAMES: &[(&str, [&str; 5])] = &[
    (
        "request_type",
        [
            "http.request.method",
            "db.operation.name",
            "rpc.method",
            "messaging.operation.name",
            "",
        ],
    ),
    (
        "request_domain",
        ["server.address", "server.address", "server.address", "server.address", ""],
    ),
    (
        "request_resource",
        [
            "",
            "db.query.text",
            "rpc.service",
            "messaging.destination.name",
            "dns.question.name",
        ],
    ),
    ("endpoint", ["http.route", "", "", "", ""]),
    (
        "response_code",
        ["http.response.status_code", "db.response.status_code", "", "", ""],
    ),
    ("request_length", ["http.request.body.size", "", "", "", ""]),
    ("response_length", ["http.response.body.size", "", "", "", ""]),
];

/// The ports of a request by their names in spans; a log record has the connection's own.
const PORTS: &[(&str, &str)] = &[("client_port", "client.port"), ("server_port", "server.port")];

/// A column to write, with its names by family and, last, the one that every table understands.
pub struct Item<'a> {
    pub column: &'a Column,
    pub name: &'static str,
    pub keys: [String; 6],
}

/// The columns that the record itself and the resource say something about.
#[derive(Default)]
pub struct Special<'a> {
    pub time: Option<&'a Column>,
    pub start_time: Option<&'a Column>,
    pub end_time: Option<&'a Column>,
    pub duration: Option<&'a Column>,
    pub agent_id: Option<&'a Column>,
    pub is_ipv4: Option<&'a Column>,
    pub ip4: [Option<&'a Column>; 2],
    pub ip6: [Option<&'a Column>; 2],
    pub single_ip4: Option<&'a Column>,
    pub trace_id: Option<&'a Column>,
    pub span_id: Option<&'a Column>,
    pub parent_span_id: Option<&'a Column>,
    pub response_exception: Option<&'a Column>,
    pub response_status: Option<&'a Column>,
    pub request_resource: Option<&'a Column>,
    pub request_type: Option<&'a Column>,
    pub endpoint: Option<&'a Column>,
    pub l7_protocol: Option<&'a Column>,
    pub l7_protocol_str: Option<&'a Column>,
    pub observation_point: Option<&'a Column>,
    pub flow_id: Option<&'a Column>,
    pub attributes: Option<&'a TextMap>,
    pub resource: Option<&'a LabelMap>,
}

/// What of a batch has to be written.
pub struct Plan<'a> {
    pub is_l7: bool,
    /// The name of a metrics table without its database; nothing for the log tables.
    pub metrics: Option<&'static str>,
    pub agent_id: u32,
    pub duration_key: &'static str,
    pub special: Special<'a>,
    pub items: Vec<Item<'a>>,
    /// By position in the dictionary of `attributes`: whether the key can stand beside the columns' own.
    pub free: Vec<bool>,
}

impl<'a> Plan<'a> {
    pub fn of(batch: &'a Batch, agent_id: u32) -> Plan<'a> {
        let is_l7 = batch.table.name == "flow_log.l7_flow_log";
        let mut special = Special::default();
        let mut items = Vec::new();
        for (declared, column) in batch.table.columns.iter().zip(&batch.columns) {
            if !special.take(declared.name, column) && !column.is_default() {
                items.push(Item {
                    column,
                    name: declared.name,
                    keys: keys(declared.name, declared.attribute, is_l7),
                });
            }
        }
        let free = special.attributes.map_or_else(Vec::new, |map| {
            let dict = &map.keys.dict;
            (0..dict.ends().len())
                .map(|at| action(batch.table.columns, dict.get(at).as_bytes()) == Action::Keep)
                .collect()
        });
        let metrics = batch.table.name.strip_prefix("flow_metrics.");
        let duration_key = if is_l7 { "weir.response_duration" } else { "weir.duration" };
        Plan {
            is_l7,
            metrics,
            agent_id,
            duration_key,
            special,
            items,
            free,
        }
    }
}

fn keys(name: &str, attribute: &str, is_l7: bool) -> [String; 6] {
    let port = PORTS.iter().find(|(column, _)| is_l7 && *column == name);
    let attribute = port.map_or(attribute, |(_, port)| *port);
    let names = NAMES
        .iter()
        .find(|(column, _)| *column == name)
        .map_or([""; 5], |(_, names)| *names);
    let own = || attribute.to_owned();
    let key = |at: usize| if names[at].is_empty() { own() } else { names[at].to_owned() };
    [key(0), key(1), key(2), key(3), key(4), own()]
}

impl<'a> Special<'a> {
    /// Notes a column that is looked at by name; says whether it is written by name as well, and so is no item.
    fn take(&mut self, name: &str, column: &'a Column) -> bool {
        let (place, written) = match name {
            "time" => (&mut self.time, true),
            "start_time" => (&mut self.start_time, true),
            "end_time" => (&mut self.end_time, true),
            "duration" | "response_duration" => (&mut self.duration, true),
            "agent_id" => (&mut self.agent_id, true),
            "is_ipv4" => (&mut self.is_ipv4, true),
            "ip4_0" => (&mut self.ip4[0], true),
            "ip4_1" => (&mut self.ip4[1], true),
            "ip6_0" => (&mut self.ip6[0], true),
            "ip6_1" => (&mut self.ip6[1], true),
            "ip4" => (&mut self.single_ip4, false),
            "trace_id" => (&mut self.trace_id, true),
            "span_id" => (&mut self.span_id, true),
            "parent_span_id" => (&mut self.parent_span_id, true),
            "response_exception" => (&mut self.response_exception, true),
            "request_resource" => (&mut self.request_resource, false),
            "response_status" => (&mut self.response_status, false),
            "request_type" => (&mut self.request_type, false),
            "endpoint" => (&mut self.endpoint, false),
            "l7_protocol" => (&mut self.l7_protocol, false),
            "l7_protocol_str" => (&mut self.l7_protocol_str, false),
            "observation_point" => (&mut self.observation_point, false),
            "flow_id" => (&mut self.flow_id, false),
            "batch_id" => return true,
            _ => {
                match column {
                    Column::TextMap(map) => self.attributes = Some(map),
                    Column::LabelMap(map) => self.resource = Some(map),
                    _ => return false,
                }
                return true;
            }
        };
        *place = Some(column);
        written
    }
}

/// A numeric column's value, as OTLP carries it; 0 where there is no such column.
pub fn int(column: Option<&Column>, row: usize) -> i64 {
    match column {
        Some(Column::U8(column)) => i64::from(column.get(row)),
        Some(Column::U16(column)) => i64::from(column.get(row)),
        Some(Column::U32(column) | Column::TimeS(column) | Column::Ip4(column)) => i64::from(column.get(row)),
        Some(Column::U64(column)) => column.get(row) as i64,
        Some(Column::I32(column)) => i64::from(column.get(row)),
        Some(Column::I64(column) | Column::TimeUs(column)) => column.get(row),
        _ => 0,
    }
}

/// A text or label column's value; empty where there is no such column.
pub fn text(column: Option<&Column>, row: usize) -> &str {
    match column {
        Some(Column::Label(column)) => column.get(row),
        Some(Column::Text(column)) => column.get(row),
        _ => "",
    }
}
