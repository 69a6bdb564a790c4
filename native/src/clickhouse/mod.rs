//! ClickHouse on the wire: its compressed frames, and Native blocks for clients of a given protocol revision.

mod cursor;
mod datatype;
pub mod frame;
mod layout;
pub mod revision;

pub use cursor::Fault;
