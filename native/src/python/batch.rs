//! `Batch`: finished rows of one table.

use crate::table;
use pyo3::prelude::*;
use std::sync::Arc;

/// Finished rows of one table.
#[pyclass(name = "Batch", module = "weir_native", frozen)]
pub struct PyBatch {
    inner: Arc<table::Batch>,
}

impl From<table::Batch> for PyBatch {
    fn from(batch: table::Batch) -> PyBatch {
        PyBatch { inner: Arc::new(batch) }
    }
}

#[pymethods]
impl PyBatch {
    /// `database.name` of the table.
    #[getter]
    fn table(&self) -> &'static str {
        self.inner.table.name
    }

    #[getter]
    fn rows(&self) -> usize {
        self.inner.rows
    }

    /// Bytes held in columns.
    #[getter]
    fn nbytes(&self) -> usize {
        self.inner.nbytes()
    }

    fn __len__(&self) -> usize {
        self.inner.rows
    }

    fn __repr__(&self) -> String {
        format!("Batch({:?}, rows={})", self.inner.table.name, self.inner.rows)
    }
}
