//! Rows in the formats that other tools read.

pub mod ipfix;
