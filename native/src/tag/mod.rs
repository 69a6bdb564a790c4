//! Addresses → ids: what the platform table knows of each end of a row.
//!
//! `table` is the snapshot as trisolaris publishes it, indexed; `resolve` answers who one end is; `rows` asks for each row and
//! writes the answer into its id columns.

mod cache;
mod cidr;
pub mod resolve;
mod rows;
mod snapshot;
pub mod table;

pub use cache::Tagger;
pub use rows::TagRow;
pub use table::{Shared, Table};
