//! `Batch`: finished rows of one table.

use super::bytes::PyBlock;
use crate::arrow;
use crate::block::{json_lines, lz4, native};
use crate::otlp::encode::{ResourceValue, encode};
use crate::table;
use arrow_array::ffi::{FFI_ArrowSchema, to_ffi};
use arrow_schema::{ArrowError, DataType};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};
use std::collections::HashMap;
use std::io::Write;
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

impl PyBatch {
    /// The rows themselves.
    pub fn rows_of(&self) -> &table::Batch {
        &self.inner
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

    /// (batch id, day since 1970, rows, oldest second, newest second) of each request and day in it.
    fn shares(&self, py: Python<'_>) -> Vec<(u64, u32, usize, u32, u32)> {
        py.detach(|| {
            let shares = self.inner.shares();
            shares
                .iter()
                .map(|share| (share.batch_id, share.day, share.rows, share.oldest_s, share.newest_s))
                .collect()
        })
    }

    /// The rows that belong to none of `shares`, given as (batch id, day).
    fn without(&self, py: Python<'_>, shares: Vec<(u64, u32)>) -> PyBatch {
        py.detach(|| self.inner.without(&shares)).into()
    }

    /// `rows` rows from `start` on.
    fn slice(&self, py: Python<'_>, start: usize, rows: usize) -> PyBatch {
        py.detach(|| self.inner.slice(start, rows)).into()
    }

    #[pyo3(signature = (compression = "none"))]
    fn to_native(&self, py: Python<'_>, compression: &str) -> PyResult<PyBlock> {
        let bytes = match compression {
            "none" => py.detach(|| {
                let mut out = Vec::with_capacity(self.inner.nbytes());
                native::write(&self.inner, &mut out);
                out
            }),
            "lz4" => py.detach(|| {
                let mut out = lz4::Compressor::default();
                native::write(&self.inner, &mut out);
                out.finish()
            }),
            other => return Err(PyValueError::new_err(format!("compression is none or lz4, not {other:?}"))),
        };
        Ok(PyBlock::from(bytes))
    }

    #[pyo3(signature = (resource, encoding = "identity"))]
    fn to_otlp<'py>(&self, py: Python<'py>, resource: HashMap<String, Attribute>, encoding: &str) -> PyResult<Bound<'py, PyBytes>> {
        let pack: fn(Vec<u8>) -> std::io::Result<Vec<u8>> = match encoding {
            "identity" => Ok,
            "gzip" => gzip,
            "zstd" => |bytes| zstd::bulk::compress(&bytes, zstd::DEFAULT_COMPRESSION_LEVEL),
            other => return Err(PyValueError::new_err(format!("encoding is identity, gzip or zstd, not {other:?}"))),
        };
        let mut resource: Vec<(String, ResourceValue)> = resource.into_iter().map(|(key, value)| (key, value.into())).collect();
        // The same resource gives the same bytes, whatever the order of the mapping.
        resource.sort_by(|a, b| a.0.cmp(&b.0));
        let bytes = py.detach(|| pack(encode(&self.inner, &resource)))?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn to_json_lines<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let lines = py.detach(|| json_lines::write(&self.inner));
        PyBytes::new(py, &lines)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(&DataType::Struct(arrow::fields(self.inner.table)));
        PyCapsule::new_with_value(py, schema.map_err(arrow_error)?, c"arrow_schema")
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The interface allows to answer with one's own schema whatever was asked for; the caller casts.
        drop(requested_schema);
        let array = py.detach(|| arrow::struct_array(&self.inner)).map_err(arrow_error)?;
        let (array, schema) = to_ffi(&array).map_err(arrow_error)?;
        Ok((
            PyCapsule::new_with_value(py, schema, c"arrow_schema")?,
            PyCapsule::new_with_value(py, array, c"arrow_array")?,
        ))
    }

    fn native_columns(&self) -> Vec<&'static str> {
        native::present(&self.inner).map(|(name, ..)| name).collect()
    }

    fn __len__(&self) -> usize {
        self.inner.rows
    }

    fn __repr__(&self) -> String {
        format!("Batch({:?}, rows={})", self.inner.table.name, self.inner.rows)
    }
}

fn arrow_error(error: ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A resource attribute as Python gives it.
#[derive(FromPyObject)]
enum Attribute {
    Int(i64),
    Text(String),
}

impl From<Attribute> for ResourceValue {
    fn from(attribute: Attribute) -> ResourceValue {
        match attribute {
            Attribute::Int(int) => ResourceValue::Int(int),
            Attribute::Text(text) => ResourceValue::Text(text),
        }
    }
}

fn gzip(bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 4), flate2::Compression::fast());
    encoder.write_all(&bytes)?;
    encoder.finish()
}
