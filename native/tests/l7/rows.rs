//! Rows that outlive their flow, and how they are written down.

use std::fmt::Write;
use weir_native::l7::{L7Row, L7Sink};

/// Rows as one JSON object a line: fields that are not the default, in the order of the table.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub lines: Vec<String>,
    /// Rows by `type`.
    pub types: [usize; 3],
    pub durations: Vec<u64>,
}

impl L7Sink for Rows {
    fn row(&mut self, row: &L7Row<'_>) {
        self.types[row.row_type as usize] += 1;
        if row.has_duration() {
            self.durations.push(row.response_duration_us);
        }
        self.lines.push(json(row));
    }
}

impl Rows {
    /// The value of a field of a row, as it is written in JSON, empty where it is the default.
    pub fn get(&self, row: usize, field: &str) -> String {
        let line = &self.lines[row];
        let key = format!("\"{field}\": ");
        let Some(start) = line.find(&key).map(|at| at + key.len()) else {
            return String::new();
        };
        let rest = &line[start..];
        if let Some(text) = rest.strip_prefix('"') {
            let mut end = 0;
            while text.as_bytes()[end] != b'"' {
                end += 1 + usize::from(text.as_bytes()[end] == b'\\');
            }
            return text[..end].to_owned();
        }
        rest[..rest.find([',', '}']).unwrap()].to_owned()
    }

    /// Several fields of a row, separated by a space.
    pub fn pick(&self, row: usize, fields: &str) -> String {
        let values: Vec<String> = fields.split(' ').map(|field| self.get(row, field)).collect();
        values.join(" ")
    }

    /// One field of every row.
    pub fn column(&self, field: &str) -> Vec<String> {
        (0..self.lines.len()).map(|row| self.get(row, field)).collect()
    }
}

fn json(row: &L7Row<'_>) -> String {
    let mut line = String::from("{");
    let mut add = |key: &str, value: String| {
        if line.len() > 1 {
            line.push_str(", ");
        }
        write!(line, "\"{key}\": {value}").unwrap();
    };
    add("l7_protocol", row.protocol.to_string());
    add("l7_protocol_str", quote(row.protocol_name));
    add("type", (row.row_type as u8).to_string());
    add("start_time", row.start_us.to_string());
    add("end_time", row.end_us.to_string());
    add("response_status", (row.response_status as u8).to_string());
    let texts = [
        ("version", row.version),
        ("request_type", row.request_type),
        ("request_domain", row.request_domain),
        ("request_resource", row.request_resource),
        ("endpoint", row.endpoint),
        ("response_exception", row.response_exception),
        ("response_result", row.response_result),
        ("trace_id", row.trace_id),
        ("span_id", row.span_id),
        ("parent_span_id", row.parent_span_id),
        ("x_request_id_0", row.x_request_id_0),
        ("x_request_id_1", row.x_request_id_1),
        ("http_proxy_client", row.http_proxy_client),
        ("user_agent", row.user_agent),
        ("referer", row.referer),
    ];
    texts
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .for_each(|(key, text)| add(key, quote(text)));
    let numbers = [
        ("is_async", i64::from(row.is_async)),
        ("request_id", row.request_id as i64),
        ("response_code", i64::from(row.response_code)),
        ("response_duration", row.response_duration_us as i64),
        ("request_length", row.request_length),
        ("response_length", row.response_length),
        ("captured_request_byte", i64::from(row.captured_request_byte)),
        ("captured_response_byte", i64::from(row.captured_response_byte)),
        ("sql_affected_rows", row.sql_affected_rows as i64),
        ("req_tcp_seq", i64::from(row.req_tcp_seq)),
        ("resp_tcp_seq", i64::from(row.resp_tcp_seq)),
    ];
    numbers
        .iter()
        .filter(|(_, number)| *number != 0)
        .for_each(|(key, number)| add(key, number.to_string()));
    if !row.attributes.is_empty() {
        let pairs: Vec<String> = row
            .attributes
            .iter()
            .map(|(key, value)| format!("{}: {}", quote(key), quote(value)))
            .collect();
        add("attributes", format!("{{{}}}", pairs.join(", ")));
    }
    line.push('}');
    line
}

fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\u{0}'..='\u{1f}' => write!(quoted, "\\u{:04x}", character as u32).unwrap(),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
