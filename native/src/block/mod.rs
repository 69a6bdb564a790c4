//! A batch as others want it: ClickHouse's Native blocks with its own compression, and JSON lines for people and tools.

pub mod calendar;
pub mod json_lines;
pub mod lz4;
pub mod native;
