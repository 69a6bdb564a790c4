//! Rows of the L7 log on their way into columns. They wait for each other, so that a column is written for several of them at once: the code and
//! the ends of a hundred columns do not stay in the cache from one request to the next.

use super::Seen;
use super::rows::{FlowEnds, seconds, write_tunnel};
use crate::flow::Outside;
use crate::l7::{Slot, Tells, Told};
use crate::packet::Ip;
use crate::table::Layout;
use crate::table::generated::L7FlowLog;

/// Rows that wait at most.
pub const TOGETHER: usize = 16;

/// What rows say in numbers, a column each; texts stay where they are until they are written.
macro_rules! numbers {
    (|$row:ident, $ends:ident, $seen:ident| $($column:ident: $type:ty = $value:expr),+ $(,)?) => {
        #[derive(Default)]
        struct Numbers {
            $($column: [$type; TOGETHER],)+
        }

        impl Numbers {
            #[inline(always)]
            fn put(&mut self, at: usize, $row: &impl Tells, $ends: &FlowEnds, $seen: &Seen) {
                let at = at % TOGETHER;
                $(self.$column[at] = $value;)+
            }

            fn write(&self, table: &mut L7FlowLog, first: usize, rows: usize) {
                if rows == TOGETHER {
                    // Of a number that is known here: no loops and no calls.
                    $(table.$column.set_block(first, &self.$column);)+
                } else {
                    $(table.$column.set_block(first, &self.$column[..rows]);)+
                }
            }
        }
    };
}

numbers! { |row, ends, seen|
    time: u32 = seconds(row.end_us()),
    start_time: i64 = row.start_us(),
    end_time: i64 = row.end_us(),
    agent_id: u32 = seen.agent_id,
    flow_id: u64 = ends.flow_id,
    is_ipv4: u8 = u8::from(!ends.pair.is_ipv6),
    ip4_0: u32 = if ends.pair.is_ipv6 { 0 } else { ends.pair.client[1] as u32 },
    ip4_1: u32 = if ends.pair.is_ipv6 { 0 } else { ends.pair.server[1] as u32 },
    client_port: u16 = ends.client_port,
    server_port: u16 = ends.pair.server_port,
    protocol: u8 = ends.pair.protocol,
    capture_nic_type: u8 = seen.nic(ends.pair.nic).kind,
    vlan: u16 = ends.vlan,
    vlan_inner: u16 = ends.vlan_inner,
    process_id_0: u32 = ends.processes[0],
    process_id_1: u32 = ends.processes[1],
    l7_protocol: u8 = row.protocol(),
    r#type: u8 = row.row_type() as u8,
    is_tls: u8 = u8::from(row.is_tls()),
    is_async: u8 = u8::from(row.is_async()),
    request_id: u64 = row.request_id(),
    response_status: u8 = row.response_status() as u8,
    response_code: i32 = row.response_code(),
    response_duration: u64 = row.response_duration_us(),
    request_length: i64 = row.request_length(),
    response_length: i64 = row.response_length(),
    captured_request_byte: u32 = row.captured_request_byte(),
    captured_response_byte: u32 = row.captured_response_byte(),
    sql_affected_rows: u64 = row.sql_affected_rows(),
    req_tcp_seq: u32 = row.req_tcp_seq(),
    resp_tcp_seq: u32 = row.resp_tcp_seq(),
}

/// What few rows have.
struct Unusual {
    at: usize,
    ip6: Option<[Ip; 2]>,
    tunnel: Option<Box<Outside>>,
    processes: [u32; 2],
}

/// Rows that wait, all but their texts.
#[derive(Default)]
pub struct Waiting {
    rows: usize,
    numbers: Numbers,
    nics: [u16; TOGETHER],
    observation_points: [u8; TOGETHER],
    protocol_names: [&'static str; TOGETHER],
    unusual: Vec<Unusual>,
}

impl Waiting {
    /// One row more; there are fewer than [`TOGETHER`].
    #[inline(always)]
    pub fn put(&mut self, row: &impl Tells, ends: &FlowEnds, tunnel: Option<&Outside>, seen: &Seen) {
        let at = self.rows % TOGETHER;
        self.numbers.put(at, row, ends, seen);
        self.nics[at] = ends.pair.nic;
        self.observation_points[at] = ends.pair.observation_point;
        self.protocol_names[at] = row.protocol_name();
        self.rows = at + 1;
        if ends.pair.is_ipv6 || tunnel.is_some() || ends.processes != [0, 0] {
            self.unusual.push(Unusual {
                at,
                ip6: ends.pair.is_ipv6.then_some([ends.pair.client, ends.pair.server]),
                tunnel: tunnel.map(|tunnel| Box::new(*tunnel)),
                processes: ends.processes,
            });
        }
    }

    /// Writes them, and waits for others. `texts` are the rows once more, in their order.
    pub fn write(&mut self, table: &mut L7FlowLog, seen: &Seen, texts: &[impl Tells]) {
        debug_assert_eq!(texts.len(), self.rows, "each row has its texts");
        let (first, rows) = (table.rows(), self.rows);
        self.numbers.write(table, first, rows);
        let names = self.nics[..rows].iter().map(|nic| seen.nic(*nic).name.as_str());
        table.capture_nic.set_each(first, names);
        let points = self.observation_points[..rows].iter();
        table
            .observation_point
            .set_words(first, points.map(|point| super::OBSERVATION_POINTS[usize::from(*point)]));
        table.l7_protocol_str.set_words(first, self.protocol_names[..rows].iter().copied());
        for unusual in self.unusual.drain(..) {
            unusual.write(table, first + unusual.at, seen);
        }
        write_texts(table, first, texts);
        for (row, texts) in (first..).zip(texts) {
            let attributes = texts.attributes();
            if !attributes.is_empty() {
                for (key, value) in attributes.iter() {
                    table.attributes.add(key, value);
                }
                table.attributes.end_row(row);
            }
            table.commit();
        }
        self.rows = 0;
    }
}

impl Unusual {
    #[cold]
    fn write(&self, table: &mut L7FlowLog, row: usize, seen: &Seen) {
        if let Some([client, server]) = self.ip6 {
            table.ip6_0.set(row, super::ip6(client));
            table.ip6_1.set(row, super::ip6(server));
        }
        if let Some(tunnel) = &self.tunnel {
            write_tunnel!(table, row, &**tunnel);
        }
        if self.processes != [0, 0] {
            table.process_kname_0.set(row, seen.process(self.processes[0]));
            table.process_kname_1.set(row, seen.process(self.processes[1]));
        }
    }
}

/// Writes what is told of some row at all; most rows leave most texts out.
fn write_texts<T: Tells>(table: &mut L7FlowLog, first: usize, rows: &[T]) {
    let mut told = Told::default();
    rows.iter().for_each(|row| row.told(&mut told));
    macro_rules! each {
        ($($slot:ident: $($column:ident),+;)+) => {
            $(if told.has(Slot::$slot) {
                $(table.$column.set_each(first, rows.iter().map(T::$column));)+
            })+
        };
    }
    each!(
        Version: version;
        RequestType: request_type;
        Domain: request_domain;
        Resource: request_resource;
        Endpoint: endpoint;
        Exception: response_exception;
        Result: response_result;
        TraceId: trace_id;
        SpanId: span_id;
        ParentSpanId: parent_span_id;
        XRequestId: x_request_id_0, x_request_id_1;
        ProxyClient: http_proxy_client;
        UserAgent: user_agent;
        Referer: referer;
    );
}
