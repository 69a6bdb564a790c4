//! The columns of a batch by name, looked up once for all of its rows.

use crate::column::{Column, Label, Num, Text, TextMap};
use crate::table::Batch;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Declares a struct of references to the named columns of one table.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident of $table:literal { $($field:ident $column:literal: $kind:ident($type:ty)),+ $(,)? }) => {
        $(#[$doc])*
        pub struct $name<'a> {
            pub rows: usize,
            $(pub $field: &'a $type),+
        }

        impl<'a> $name<'a> {
            /// None where `batch` is of another table.
            pub fn of(batch: &'a Batch) -> Option<Self> {
                if batch.table.name != $table {
                    return None;
                }
                Some($name {
                    rows: batch.rows,
                    $($field: match batch.column($column)? {
                        Column::$kind(column) => column,
                        _ => return None,
                    }),+
                })
            }
        }
    };
}

view! {
    /// Flows.
    Flows of "flow_log.l4_flow_log" {
        start_time "start_time": TimeUs(Num<i64>),
        end_time "end_time": TimeUs(Num<i64>),
        flow_id "flow_id": U64(Num<u64>),
        is_ipv4 "is_ipv4": U8(Num<u8>),
        ip4_0 "ip4_0": Ip4(Num<u32>),
        ip4_1 "ip4_1": Ip4(Num<u32>),
        ip6_0 "ip6_0": Ip6(Num<[u8; 16]>),
        ip6_1 "ip6_1": Ip6(Num<[u8; 16]>),
        client_port "client_port": U16(Num<u16>),
        server_port "server_port": U16(Num<u16>),
        protocol "protocol": U8(Num<u8>),
        vlan "vlan": U16(Num<u16>),
        vlan_inner "vlan_inner": U16(Num<u16>),
        l7_protocol "l7_protocol": U8(Num<u8>),
        close_type "close_type": U8(Num<u8>),
        flags_0 "tcp_flags_bit_0": U16(Num<u16>),
        flags_1 "tcp_flags_bit_1": U16(Num<u16>),
        history "history": Label(Label),
        packet_tx "total_packet_tx": U64(Num<u64>),
        packet_rx "total_packet_rx": U64(Num<u64>),
        byte_tx "total_byte_tx": U64(Num<u64>),
        byte_rx "total_byte_rx": U64(Num<u64>),
        l3_byte_tx "l3_byte_tx": U64(Num<u64>),
        l3_byte_rx "l3_byte_rx": U64(Num<u64>),
        l4_byte_tx "l4_byte_tx": U64(Num<u64>),
        l4_byte_rx "l4_byte_rx": U64(Num<u64>),
    }
}

view! {
    /// Requests.
    Requests of "flow_log.l7_flow_log" {
        start_time "start_time": TimeUs(Num<i64>),
        end_time "end_time": TimeUs(Num<i64>),
        flow_id "flow_id": U64(Num<u64>),
        is_ipv4 "is_ipv4": U8(Num<u8>),
        ip4_0 "ip4_0": Ip4(Num<u32>),
        ip4_1 "ip4_1": Ip4(Num<u32>),
        ip6_0 "ip6_0": Ip6(Num<[u8; 16]>),
        ip6_1 "ip6_1": Ip6(Num<[u8; 16]>),
        client_port "client_port": U16(Num<u16>),
        server_port "server_port": U16(Num<u16>),
        protocol "protocol": U8(Num<u8>),
        vlan "vlan": U16(Num<u16>),
        vlan_inner "vlan_inner": U16(Num<u16>),
        l7_protocol "l7_protocol": U8(Num<u8>),
        kind "type": U8(Num<u8>),
        version "version": Label(Label),
        request_type "request_type": Label(Label),
        request_domain "request_domain": Label(Label),
        request_resource "request_resource": Text(Text),
        request_id "request_id": U64(Num<u64>),
        response_status "response_status": U8(Num<u8>),
        response_code "response_code": I32(Num<i32>),
        response_exception "response_exception": Text(Text),
        response_result "response_result": Text(Text),
        response_duration "response_duration": U64(Num<u64>),
        request_length "request_length": I64(Num<i64>),
        response_length "response_length": I64(Num<i64>),
        affected_rows "sql_affected_rows": U64(Num<u64>),
        proxy_client "http_proxy_client": Text(Text),
        user_agent "user_agent": Label(Label),
        referer "referer": Text(Text),
        attributes "attributes": TextMap(TextMap),
    }
}

/// What both have: who talks to whom.
pub struct Ends {
    pub addresses: [Address; 2],
    pub ports: [u16; 2],
    pub protocol: u8,
}

#[derive(Clone, Copy)]
pub enum Address {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

macro_rules! ends {
    ($name:ident) => {
        impl $name<'_> {
            pub fn ends(&self, row: usize) -> Ends {
                let addresses = if self.is_ipv4.get(row) != 0 {
                    [self.ip4_0, self.ip4_1].map(|ip| Address::V4(Ipv4Addr::from_bits(ip.get(row))))
                } else {
                    [self.ip6_0, self.ip6_1].map(|ip| Address::V6(Ipv6Addr::from(ip.get(row))))
                };
                Ends {
                    addresses,
                    ports: [self.client_port.get(row), self.server_port.get(row)],
                    protocol: self.protocol.get(row),
                }
            }
        }
    };
}

ends!(Flows);
ends!(Requests);

/// Appends a number in decimal.
pub fn put_int(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends µs as seconds with six digits behind the point.
pub fn put_seconds(us: i64, out: &mut Vec<u8>) {
    let sign = if us < 0 { "-" } else { "" };
    let us = us.unsigned_abs();
    // Writing to memory cannot fail.
    let _ = write!(out, "{sign}{}.{:06}", us / 1_000_000, us % 1_000_000);
}

/// `TYPE=value TTL=seconds; …`, as the DNS parser writes answers: type, value and TTL of each.
pub fn answers(result: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    // A quoted string may have "; " in it: what is no record by itself belongs to the one before, and that is rare enough to lose.
    result.split("; ").filter_map(|record| {
        let (rest, ttl) = record.rsplit_once(" TTL=")?;
        let (kind, value) = rest.split_once('=').unwrap_or((rest, ""));
        Some((kind, value, ttl))
    })
}

/// Whether a record of an answer answers: authorities, which say where else to ask, come along.
pub fn is_answer(kind: &str, asked: &str) -> bool {
    !matches!(kind, "SOA" | "NS") || matches!(asked, "ANY" | "AXFR" | "IXFR") || kind == asked
}
