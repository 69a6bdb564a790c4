//! What the rows of several tables have in common. The tables are different types with columns of the same names: hence macros.

/// Sets a column unless the value is the default, which needs no setting.
macro_rules! set {
    ($table:expr, $row:expr, $($column:ident = $value:expr),+ $(,)?) => {
        $(
            let value = $value;
            if value != 0 {
                $table.$column.set($row, value);
            }
        )+
    };
}
pub(crate) use set;

/// Writes where it was seen, which every table has.
macro_rules! write_seen {
    ($table:expr, $row:expr, $key:expr, $seen:expr) => {{
        let (table, row, key, seen) = (&mut *$table, $row, $key, $seen);
        set!(
            table,
            row,
            agent_id = seen.agent_id,
            server_port = key.server_port,
            protocol = key.protocol
        );
        let nic = seen.nic(key.nic);
        set!(table, row, capture_nic_type = nic.kind);
        if !nic.name.is_empty() {
            table.capture_nic.set(row, &nic.name);
        }
        table
            .observation_point
            .set_word(row, crate::engine::OBSERVATION_POINTS[usize::from(key.observation_point)]);
    }};
}
pub(crate) use write_seen;

/// Writes the address of one end.
macro_rules! write_end {
    ($table:expr, $row:expr, $key:expr) => {{
        let (table, row, key) = (&mut *$table, $row, $key);
        if key.is_ipv6 {
            table.ip6.set(row, crate::engine::ip6(key.ip));
        } else {
            table.is_ipv4.set(row, 1);
            table.ip4.set(row, key.ip[1] as u32);
        }
    }};
}
pub(crate) use write_end;

/// Writes the addresses of both ends.
macro_rules! write_ends {
    ($table:expr, $row:expr, $is_ipv6:expr, $client:expr, $server:expr) => {{
        let (table, row, client, server) = (&mut *$table, $row, $client, $server);
        if $is_ipv6 {
            table.ip6_0.set(row, crate::engine::ip6(client));
            table.ip6_1.set(row, crate::engine::ip6(server));
        } else {
            table.is_ipv4.set(row, 1);
            table.ip4_0.set(row, client[1] as u32);
            table.ip4_1.set(row, server[1] as u32);
        }
    }};
}
pub(crate) use write_ends;
