//! Live packets: one AF_PACKET socket per network namespace, bound to no interface, so that an interface that comes is seen at once.

mod filter;
mod interface;
mod namespace;
mod netlink;
mod processes;
mod reader;
mod ring;
pub mod worker;

pub use filter::{Excluded, program};
pub use namespace::Namespace;
pub use netlink::Socket;
pub use ring::{Ring, RingFrame};
pub use worker::{Settings, Worker};

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

/// The last error of the C library as a result, where `result` says that there is one.
fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// µs since 1970.
fn now_us() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64)
}
