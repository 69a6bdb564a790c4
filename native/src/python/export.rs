//! `IpfixExporter`: flows as IPFIX messages.

use super::batch::PyBatch;
use crate::export::ipfix::Exporter;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::{Mutex, PoisonError};

#[pyclass(name = "IpfixExporter", module = "weir_native", frozen)]
pub struct PyIpfixExporter {
    inner: Mutex<Exporter>,
}

#[pymethods]
impl PyIpfixExporter {
    #[new]
    #[pyo3(signature = (domain = 0))]
    fn new(domain: u32) -> PyIpfixExporter {
        PyIpfixExporter {
            inner: Mutex::new(Exporter::new(domain)),
        }
    }

    #[pyo3(signature = (batch, *, now_s, max_bytes = 1400))]
    fn messages<'py>(&self, py: Python<'py>, batch: &PyBatch, now_s: u32, max_bytes: usize) -> Vec<Bound<'py, PyBytes>> {
        let messages = py.detach(|| {
            let mut exporter = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            exporter.messages(batch.rows_of(), now_s, max_bytes)
        });
        messages.iter().map(|message| PyBytes::new(py, message)).collect()
    }

    #[getter]
    fn records(&self, py: Python<'_>) -> u32 {
        py.detach(|| self.inner.lock().unwrap_or_else(PoisonError::into_inner).records())
    }
}
