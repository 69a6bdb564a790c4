//! Frames and Native blocks for the store's HTTP side.

use super::bytes::Body;
use super::errors::{Malformed, TooLarge};
use crate::clickhouse::Fault;
use crate::clickhouse::frame::{self, FrameFault, Method};
use crate::clickhouse::revision;
use pyo3::exceptions::{PyNotImplementedError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Mutex;

/// Bytes as ClickHouse's compressed frames.
#[pyfunction]
pub(super) fn encode_frames<'py>(py: Python<'py>, data: Body, method: &str) -> PyResult<Bound<'py, PyBytes>> {
    let method = match method {
        "none" => Method::None,
        "lz4" => Method::Lz4,
        "zstd" => Method::Zstd,
        other => return Err(PyValueError::new_err(format!("{other} is not one of none, lz4 and zstd"))),
    };
    Ok(PyBytes::new(py, &py.detach(|| frame::encode(data.as_ref(), method))))
}

/// The content of the whole frames at the start of `data`, and the bytes they take.
#[pyfunction]
pub(super) fn decode_frames<'py>(py: Python<'py>, data: Body, limit: usize) -> PyResult<(Bound<'py, PyBytes>, usize)> {
    match py.detach(|| frame::decode(data.as_ref(), limit)) {
        Ok((content, used)) => Ok((PyBytes::new(py, &content), used)),
        Err(FrameFault::TooLarge(what)) => Err(TooLarge::new_err(what)),
        Err(FrameFault::Malformed(what)) => Err(Malformed::new_err(what)),
    }
}

/// Native blocks with binary types → Native blocks of a client's revision.
#[pyclass(module = "weir_native", frozen)]
pub struct NativeUpgrade {
    inner: Mutex<revision::Upgrade>,
}

#[pymethods]
impl NativeUpgrade {
    #[new]
    fn new(revision: u64) -> NativeUpgrade {
        NativeUpgrade {
            inner: Mutex::new(revision::Upgrade::new(revision)),
        }
    }

    fn feed<'py>(&self, py: Python<'py>, data: Body) -> PyResult<Bound<'py, PyBytes>> {
        let done = py.detach(|| {
            self.inner
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .feed(data.as_ref())
        });
        done.map(|out| PyBytes::new(py, &out)).map_err(told)
    }

    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let done = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner).finish();
        done.map(|out| PyBytes::new(py, &out)).map_err(told)
    }
}

fn told(fault: Fault) -> PyErr {
    match fault {
        Fault::Unsupported(what) => PyNotImplementedError::new_err(what),
        other => Malformed::new_err(other.to_string()),
    }
}
