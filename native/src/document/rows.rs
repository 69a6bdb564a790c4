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

/// Sets columns for the rows from one on, a column after the other; one that is the default in all of them needs no setting. Where `any` is given,
/// it says so for all columns at once: nothing is 0 in it that is not 0 in every row.
macro_rules! set_each {
    ($table:expr, $first:expr, $rows:expr, |$row:ident| $($column:ident = $value:expr),+ $(,)?) => {
        $(
            if $rows.iter().any(|$row| $value != 0) {
                $table.$column.set_each($first, $rows.iter().map(|$row| $value));
            }
        )+
    };
    ($table:expr, $first:expr, $rows:expr, any $any:expr, |$row:ident| $($column:ident = $value:expr),+ $(,)?) => {
        $(
            let $row = $any;
            if $value != 0 {
                $table.$column.set_each($first, $rows.iter().map(|$row| $value));
            }
        )+
    };
}
pub(crate) use set_each;

/// Writes where rows were seen, which every table has; `$key` gives the key of one of them.
macro_rules! write_seen {
    ($table:expr, $first:expr, $rows:expr, $seen:expr, |$row:ident| $key:expr) => {{
        let (table, first, rows, seen) = (&mut *$table, $first, $rows, $seen);
        if seen.agent_id != 0 {
            table.agent_id.set_all(first..first + rows.len(), seen.agent_id);
        }
        set_each!(
            table,
            first,
            rows,
            |$row| server_port = $key.server_port,
            protocol = $key.protocol,
            capture_nic_type = seen.nic($key.nic).kind,
        );
        table
            .capture_nic
            .set_each(first, rows.iter().map(|$row| seen.nic($key.nic).name.as_str()));
        let points = rows
            .iter()
            .map(|$row| crate::engine::OBSERVATION_POINTS[usize::from($key.observation_point)]);
        table.observation_point.set_words(first, points);
    }};
}
pub(crate) use write_seen;

/// Writes the address of one end of each row, `$end`, into the columns that are named.
macro_rules! write_ip {
    ($table:expr, $first:expr, $rows:expr, $ip4:ident, $ip6:ident, |$row:ident| $is_ipv6:expr, $ip:expr) => {{
        let (table, first, rows) = (&mut *$table, $first, $rows);
        set_each!(table, first, rows, |$row| $ip4 = if $is_ipv6 { 0 } else { $ip[1] as u32 });
        for (at, $row) in (first..).zip(rows) {
            if $is_ipv6 {
                table.$ip6.set(at, crate::engine::ip6($ip));
            }
        }
    }};
}
pub(crate) use write_ip;
