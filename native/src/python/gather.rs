//! `Gather`, `Appended`: bodies in, batches out.

use super::batch::PyBatch;
use super::bytes::Body;
use super::errors::{Malformed, TooLarge};
use super::tags::PyTagTable;
use crate::otlp::gather::{Appended, Content, Decoder, Gather, Refusal, Request, Signal, prepare};
use crate::otlp::inflate::Encoding;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What became of one body.
#[pyclass(name = "Appended", module = "weir_native", frozen)]
pub struct PyAppended {
    inner: Appended,
}

#[pymethods]
impl PyAppended {
    #[getter]
    fn rows(&self) -> usize {
        self.inner.rows
    }

    #[getter]
    fn rejected(&self) -> usize {
        self.inner.rejected.total()
    }

    #[getter]
    fn reasons(&self) -> HashMap<&'static str, usize> {
        self.inner.rejected.iter().collect()
    }

    fn __repr__(&self) -> String {
        format!("Appended(rows={}, rejected={})", self.inner.rows, self.inner.rejected.total())
    }
}

/// An open block per table.
#[pyclass(name = "Gather", module = "weir_native", frozen)]
pub struct PyGather {
    inner: Mutex<Gather>,
}

impl PyGather {
    fn open(&self) -> MutexGuard<'_, Gather> {
        // A panic under the lock would be a bug; the columns themselves are sound in any state.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn choice<T>(what: &str, value: &str, among: impl IntoIterator<Item = (&'static str, T)>) -> PyResult<T> {
    let found = among.into_iter().find(|(name, _)| *name == value);
    found
        .map(|(_, choice)| choice)
        .ok_or_else(|| PyValueError::new_err(format!("{what} {value:?} is not known")))
}

#[pymethods]
impl PyGather {
    #[new]
    #[pyo3(signature = (decoder, tags = None))]
    fn new(decoder: &str, tags: Option<Py<PyTagTable>>) -> PyResult<PyGather> {
        let decoder = choice(
            "decoder",
            decoder,
            [("flow_log", Decoder::FlowLog), ("flow_metrics", Decoder::FlowMetrics)],
        )?;
        Ok(PyGather {
            inner: Mutex::new(Gather::new(decoder, tags.map(|tags| tags.get().shared()))),
        })
    }

    #[pyo3(signature = (body, *, signal, content_type, encoding, batch_id, now_us, max_bytes))]
    #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn append(
        &self,
        py: Python<'_>,
        body: Body,
        signal: &str,
        content_type: &str,
        encoding: &str,
        batch_id: u64,
        now_us: i64,
        max_bytes: usize,
    ) -> PyResult<PyAppended> {
        let request = Request {
            signal: choice("signal", signal, [("traces", Signal::Traces), ("logs", Signal::Logs)])?,
            content: choice(
                "content_type",
                content_type,
                [("protobuf", Content::Protobuf), ("json", Content::Json)],
            )?,
            encoding: choice(
                "encoding",
                encoding,
                [("identity", Encoding::Identity), ("gzip", Encoding::Gzip), ("zstd", Encoding::Zstd)],
            )?,
            batch_id,
            now_us,
            max_bytes,
        };
        let outcome = py.detach(|| {
            let body = prepare(body.as_ref(), &request)?;
            self.open().append(&body, &request)
        });
        match outcome {
            Ok(inner) => Ok(PyAppended { inner }),
            Err(Refusal::Malformed(what)) => Err(Malformed::new_err(what)),
            Err(Refusal::TooLarge) => Err(TooLarge::new_err(format!("larger than {max_bytes} bytes"))),
        }
    }

    #[getter]
    fn rows(&self, py: Python<'_>) -> usize {
        py.detach(|| self.open().rows())
    }

    #[getter]
    fn nbytes(&self, py: Python<'_>) -> usize {
        py.detach(|| self.open().nbytes())
    }

    fn take(&self, py: Python<'_>) -> Vec<PyBatch> {
        py.detach(|| self.open().take()).into_iter().map(PyBatch::from).collect()
    }
}
