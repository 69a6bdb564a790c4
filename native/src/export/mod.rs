//! Rows in the formats that other tools read.

mod connection;
mod eve;
pub mod ipfix;
pub mod logs;
mod view;
mod zeek;
