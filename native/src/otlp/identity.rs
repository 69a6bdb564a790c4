//! Ids and addresses, as their columns hold them.

use super::bad::Bad;
use super::value::hex;
use crate::column::Text;
use crate::table::generated::L7FlowLog;
use std::net::IpAddr;

/// Writes an id of a trace or span as hexadecimal digits; `N` is how many a well-formed one has.
#[inline]
pub fn set_id<const N: usize>(column: &mut Text, row: usize, id: &[u8]) -> Result<(), Bad> {
    if id.is_empty() {
        return Ok(());
    }
    if id.len() * 2 == N {
        column.fill_row(row);
        // The length is known from here on: the loop over the bytes is none.
        let digits = match id.first_chunk::<16>() {
            Some(id) => hex::<N>(id),
            None => id.first_chunk::<8>().map_or_else(|| hex::<N>(id), |id| hex::<N>(id)),
        };
        // SAFETY: hexadecimal digits are ASCII.
        unsafe { column.push_unproven(&digits) };
        return Ok(());
    }
    if id.len() > 32 {
        return Err(Bad::InvalidId);
    }
    let digits = hex::<64>(id);
    column.set(row, std::str::from_utf8(&digits[..id.len() * 2]).unwrap_or_default());
    Ok(())
}

/// Both addresses, in one family: the server's decides where they differ.
pub fn set_addresses(rows: &mut L7FlowLog, row: usize, ip_0: Option<IpAddr>, ip_1: Option<IpAddr>) {
    match (ip_1.or(ip_0), ip_0, ip_1) {
        (None, ..) => {}
        (Some(IpAddr::V4(_)), ip_0, ip_1) => {
            rows.is_ipv4.set(row, 1);
            if let Some(IpAddr::V4(ip)) = ip_0 {
                rows.ip4_0.set(row, ip.to_bits());
            }
            if let Some(IpAddr::V4(ip)) = ip_1 {
                rows.ip4_1.set(row, ip.to_bits());
            }
        }
        (Some(IpAddr::V6(_)), ip_0, ip_1) => {
            let six = |ip| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            if let Some(ip) = ip_0 {
                rows.ip6_0.set(row, six(ip));
            }
            if let Some(ip) = ip_1 {
                rows.ip6_1.set(row, six(ip));
            }
        }
    }
}
