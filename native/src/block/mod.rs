//! A batch as ClickHouse wants it.

pub mod lz4;
pub mod native;
