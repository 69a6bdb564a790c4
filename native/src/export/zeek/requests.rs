//! Logs of application protocols: a line a request.

use super::tsv::{Log, Schema};
use crate::export::view::{Requests, answers, is_answer};
use crate::l7::{RowType, Status, dns_type};

/// Which log has the requests of a protocol.
pub struct Kind {
    pub schema: &'static Schema,
    /// Its requests are numbered within their connection.
    pub is_numbered: bool,
    pub write: fn(&Requests<'_>, usize, u64, &mut Log),
}

/// None for protocols that Zeek has no log for, or one that asks for other things.
pub fn kind(l7_protocol: u8) -> Option<Kind> {
    let (schema, is_numbered, write): (_, _, fn(&Requests<'_>, usize, u64, &mut Log)) = match l7_protocol {
        20..=22 | 41 | 49 => (&HTTP, true, http),
        60 => (&MYSQL, false, mysql),
        61 => (&POSTGRESQL, false, postgresql),
        80 => (&REDIS, false, redis),
        120 => (&DNS, false, dns),
        _ => return None,
    };
    Some(Kind {
        schema,
        is_numbered,
        write,
    })
}

static HTTP: Schema = Schema {
    file: "http.log",
    path: "http",
    fields: &[
        ("trans_depth", "count"),
        ("method", "string"),
        ("host", "string"),
        ("uri", "string"),
        ("referrer", "string"),
        ("version", "string"),
        ("user_agent", "string"),
        ("origin", "string"),
        ("request_body_len", "count"),
        ("response_body_len", "count"),
        ("status_code", "count"),
        ("status_msg", "string"),
        ("info_code", "count"),
        ("info_msg", "string"),
        ("tags", "set[enum]"),
        ("username", "string"),
        ("password", "string"),
        ("proxied", "set[string]"),
    ],
};

fn http(rows: &Requests<'_>, row: usize, depth: u64, log: &mut Log) {
    log.count(Some(depth));
    log.text(rows.request_type.get(row));
    log.text(rows.request_domain.get(row));
    log.text(rows.request_resource.get(row));
    log.text(rows.referer.get(row));
    log.text(rows.version.get(row));
    log.text(rows.user_agent.get(row));
    log.unset(1);
    log.count(u64::try_from(rows.request_length.get(row)).ok());
    log.count(u64::try_from(rows.response_length.get(row)).ok());
    // A status of gRPC is none of HTTP.
    let code = rows.response_code.get(row);
    let is_http = (100..1000).contains(&code);
    log.count(is_http.then_some(code.unsigned_abs().into()));
    log.text(if is_http { rows.response_exception.get(row) } else { "" });
    log.unset(2);
    log.word("(empty)");
    log.unset(2);
    let proxy = rows.proxy_client.get(row);
    log.vector(std::iter::once(proxy).filter(|proxy| !proxy.is_empty()));
}

static DNS: Schema = Schema {
    file: "dns.log",
    path: "dns",
    fields: &[
        ("proto", "enum"),
        ("trans_id", "count"),
        ("rtt", "interval"),
        ("query", "string"),
        ("qclass", "count"),
        ("qclass_name", "string"),
        ("qtype", "count"),
        ("qtype_name", "string"),
        ("rcode", "count"),
        ("rcode_name", "string"),
        ("AA", "bool"),
        ("TC", "bool"),
        ("RD", "bool"),
        ("RA", "bool"),
        ("Z", "count"),
        ("answers", "vector[string]"),
        ("TTLs", "vector[interval]"),
        ("rejected", "bool"),
    ],
};

fn dns(rows: &Requests<'_>, row: usize, _: u64, log: &mut Log) {
    let kind = rows.kind.get(row);
    let is_answered = kind != RowType::Request as u8;
    log.protocol(rows.protocol.get(row));
    log.count(Some(rows.request_id.get(row)));
    log.interval((kind == RowType::Session as u8).then(|| rows.response_duration.get(row) as i64));
    log.text(rows.request_resource.get(row));
    log.unset(2);
    let asked = rows.request_type.get(row);
    log.count(dns_type(asked).map(u64::from));
    log.text(asked);
    let code = rows.response_code.get(row);
    log.count(is_answered.then_some(code.unsigned_abs().into()));
    log.text(match (is_answered, rows.response_exception.get(row)) {
        (true, "") if code == 0 => "NOERROR",
        (_, name) => name,
    });
    log.unset(5);
    let found = || answers(rows.response_result.get(row)).filter(|(kind, ..)| is_answer(kind, asked));
    log.vector(found().map(|(_, value, _)| value));
    log.vector(found().map(|(.., ttl)| ttl));
    log.boolean(Some(code != 0 && found().next().is_none() && is_answered));
}

static MYSQL: Schema = Schema {
    file: "mysql.log",
    path: "mysql",
    fields: &[
        ("cmd", "string"),
        ("arg", "string"),
        ("success", "bool"),
        ("rows", "count"),
        ("response", "string"),
    ],
};

fn mysql(rows: &Requests<'_>, row: usize, _: u64, log: &mut Log) {
    let command = rows.request_type.get(row);
    log.text(&command.trim_start_matches("COM_").to_ascii_lowercase());
    log.text(rows.request_resource.get(row));
    log.boolean(success(rows, row));
    log.count(concerned(rows, row));
    log.text(rows.response_exception.get(row));
}

static POSTGRESQL: Schema = Schema {
    file: "postgresql.log",
    path: "postgresql",
    fields: &[
        ("user", "string"),
        ("database", "string"),
        ("application_name", "string"),
        ("frontend", "string"),
        ("frontend_arg", "string"),
        ("success", "bool"),
        ("rows", "count"),
        ("backend", "string"),
        ("backend_arg", "string"),
    ],
};

fn postgresql(rows: &Requests<'_>, row: usize, _: u64, log: &mut Log) {
    log.unset(1);
    log.text(rows.request_domain.get(row));
    log.unset(1);
    log.text(&rows.request_type.get(row).to_ascii_lowercase());
    log.text(rows.request_resource.get(row));
    log.boolean(success(rows, row));
    log.count(concerned(rows, row));
    let error = rows.response_exception.get(row);
    log.word(if error.is_empty() { "" } else { "error" });
    log.text(error);
}

static REDIS: Schema = Schema {
    file: "redis.log",
    path: "redis",
    fields: &[
        ("cmd.name", "string"),
        ("cmd.key", "string"),
        ("cmd.value", "string"),
        ("success", "bool"),
        ("reply.value", "string"),
    ],
};

fn redis(rows: &Requests<'_>, row: usize, _: u64, log: &mut Log) {
    // The resource is the command line.
    let mut words = rows.request_resource.get(row).splitn(3, ' ').skip(1);
    log.text(&rows.request_type.get(row).to_ascii_uppercase());
    log.text(words.next().unwrap_or_default());
    log.text(words.next().unwrap_or_default());
    log.boolean(success(rows, row));
    let error = rows.response_exception.get(row);
    log.text(if error.is_empty() { rows.response_result.get(row) } else { error });
}

/// Whether the server did as it was asked; unset where it did not answer.
fn success(rows: &Requests<'_>, row: usize) -> Option<bool> {
    (rows.kind.get(row) != RowType::Request as u8).then(|| rows.response_status.get(row) == Status::Ok as u8)
}

/// Rows that a statement changed, or gave.
fn concerned(rows: &Requests<'_>, row: usize) -> Option<u64> {
    let given = rows.attributes.row(row).find(|(key, _)| *key == "db.response.returned_rows");
    let given = given.and_then(|(_, value)| value.parse().ok());
    given.or(Some(rows.affected_rows.get(row)).filter(|count| *count > 0))
}
