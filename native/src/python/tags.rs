//! `TagTable`: the platform table that every gather of the process shares.

use super::bytes::Body;
use crate::tag::Shared;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::sync::Arc;

/// Addresses, MACs, prefixes, processes and services to ids.
#[pyclass(name = "TagTable", module = "weir_native", frozen)]
pub struct PyTagTable {
    inner: Arc<Shared>,
}

impl PyTagTable {
    /// The table itself, to look things up in.
    pub fn shared(&self) -> Arc<Shared> {
        self.inner.clone()
    }
}

#[pymethods]
impl PyTagTable {
    #[new]
    fn new() -> PyTagTable {
        PyTagTable { inner: Arc::default() }
    }

    /// Version of the snapshot in use, 0 for none.
    #[getter]
    fn version(&self) -> u64 {
        self.inner.current().version
    }

    fn load(&self, py: Python<'_>, snapshot: Body) -> PyResult<()> {
        py.detach(|| self.inner.load(snapshot.as_ref()))
            .map_err(|broken| PyValueError::new_err(format!("not a platform table: {} at byte {}", broken.what, broken.offset)))
    }
}
