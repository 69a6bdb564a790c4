//! Bytes-like arguments: `bytes` are borrowed, anything else that has a buffer is copied, because its owner could
//! change it while the GIL is released.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

/// A request body that stays as it is for as long as this lives.
pub enum Body {
    Borrowed(PyBackedBytes),
    Copied(Vec<u8>),
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        match self {
            Body::Borrowed(bytes) => bytes,
            Body::Copied(bytes) => bytes,
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Body {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Body> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Body::Borrowed(PyBackedBytes::from(bytes.to_owned())));
        }
        Ok(Body::Copied(PyBuffer::<u8>::get(&object)?.to_vec(object.py())?))
    }
}
