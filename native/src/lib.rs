//! Weir's per-record and per-packet work. Bytes become columns here, once.

pub mod arrow;
pub mod block;
pub mod capture;
pub mod clickhouse;
pub mod column;
pub mod custom;
pub mod document;
pub mod engine;
pub mod export;
pub mod flow;
pub mod l7;
pub mod otlp;
pub mod packet;
pub mod pcap;
pub mod python;
pub mod session;
pub mod table;
pub mod tag;

use pyo3::prelude::*;

/// The Python module `weir_native`; its interface is described in `weir_native.pyi`.
#[pymodule]
fn weir_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    python::register(module)
}
