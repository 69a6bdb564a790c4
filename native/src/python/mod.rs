//! The Python face: one file per class, thin. What a class does lives in the module it wraps.

pub mod batch;
mod bytes;
mod clickhouse;
pub mod engine;
pub mod errors;
mod export;
pub mod gather;
mod hash;
mod logs;
mod protocol;
pub mod tags;

use pyo3::prelude::*;

/// Adds every class, function and exception to the module. A new class is one file and one row here.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    errors::register(module)?;
    module.add_class::<batch::PyBatch>()?;
    module.add_class::<bytes::PyRequestBody>()?;
    module.add_class::<bytes::PyBlock>()?;
    module.add_class::<gather::PyGather>()?;
    module.add_class::<gather::PyAppended>()?;
    module.add_class::<export::PyIpfixExporter>()?;
    module.add_class::<logs::PyLogWriter>()?;
    module.add_class::<tags::PyTagTable>()?;
    module.add_class::<engine::PyEngine>()?;
    module.add_class::<engine::PyReplay>()?;
    module.add_class::<protocol::PyInput>()?;
    module.add_class::<protocol::PyOpening>()?;
    module.add_function(wrap_pyfunction!(protocol::serve_protocol, module)?)?;
    module.add_function(wrap_pyfunction!(hash::batch_hash, module)?)?;
    module.add_class::<clickhouse::NativeUpgrade>()?;
    module.add_function(wrap_pyfunction!(clickhouse::encode_frames, module)?)?;
    module.add_function(wrap_pyfunction!(clickhouse::decode_frames, module)?)?;
    Ok(())
}
