//! `LogWriter`: rows as the logs of another program.

use super::batch::PyBatch;
use crate::export::logs::{Dialect, Lines, Logs};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::{Mutex, PoisonError};

#[pyclass(name = "LogWriter", module = "weir_native", frozen)]
pub struct PyLogWriter {
    inner: Mutex<Logs>,
}

type Written<'py> = Vec<(&'static str, Bound<'py, PyBytes>, usize)>;

#[pymethods]
impl PyLogWriter {
    #[new]
    #[pyo3(signature = (dialect, *, now_s))]
    fn new(dialect: &str, now_s: i64) -> PyResult<PyLogWriter> {
        let dialect = match dialect {
            "zeek" => Dialect::Zeek,
            "eve" => Dialect::Eve,
            other => return Err(PyValueError::new_err(format!("logs are those of zeek or eve, not {other:?}"))),
        };
        Ok(PyLogWriter {
            inner: Mutex::new(Logs::new(dialect, now_s)),
        })
    }

    fn lines<'py>(&self, py: Python<'py>, batch: &PyBatch) -> Written<'py> {
        written(py, py.detach(|| self.locked().lines(batch.rows_of())))
    }

    #[pyo3(signature = (*, now_s))]
    fn end<'py>(&self, py: Python<'py>, now_s: i64) -> Written<'py> {
        written(py, py.detach(|| self.locked().end(now_s)))
    }

    #[getter]
    fn left_out(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.locked().left_out)
    }
}

impl PyLogWriter {
    fn locked(&self) -> std::sync::MutexGuard<'_, Logs> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn written(py: Python<'_>, lines: Vec<Lines>) -> Written<'_> {
    let each = lines.into_iter();
    each.map(|lines| (lines.file, PyBytes::new(py, &lines.text), lines.records))
        .collect()
}
