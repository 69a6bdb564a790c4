//! Bytes that cross the border without a copy where that is safe: `bytes` are borrowed, a [`PyRequestBody`] and a [`PyBlock`] are the engine's own.
//! Anything else that has a buffer is copied, because its owner could change it while the GIL is released.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A request body that stays as it is for as long as this lives.
pub enum Body {
    Borrowed(PyBackedBytes),
    Shared(Arc<Vec<u8>>),
    Copied(Vec<u8>),
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        match self {
            Body::Borrowed(bytes) => bytes,
            Body::Shared(bytes) => bytes,
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
        if let Ok(body) = object.cast::<PyRequestBody>() {
            return Ok(Body::Shared(Arc::clone(&body.get().open())));
        }
        Ok(Body::Copied(PyBuffer::<u8>::get(&object)?.to_vec(object.py())?))
    }
}

/// A request body on its way in: pieces are put where they stay while they are still in the processor's cache.
#[pyclass(name = "RequestBody", module = "weir_native", frozen)]
pub struct PyRequestBody {
    bytes: Mutex<Arc<Vec<u8>>>,
}

impl PyRequestBody {
    fn open(&self) -> MutexGuard<'_, Arc<Vec<u8>>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyRequestBody {
    #[new]
    #[pyo3(signature = (capacity = 0))]
    fn new(capacity: usize) -> PyRequestBody {
        PyRequestBody {
            bytes: Mutex::new(Arc::new(Vec::with_capacity(capacity))),
        }
    }

    fn push(&self, piece: &[u8]) {
        // Copied only where somebody already reads it.
        Arc::make_mut(&mut self.open()).extend_from_slice(piece);
    }

    fn __len__(&self) -> usize {
        self.open().len()
    }

    fn __repr__(&self) -> String {
        format!("RequestBody({} bytes)", self.__len__())
    }
}

/// Bytes that the engine made; `memoryview(block)` reads them where they are.
#[pyclass(name = "Block", module = "weir_native", frozen)]
pub struct PyBlock {
    bytes: Vec<u8>,
}

impl From<Vec<u8>> for PyBlock {
    fn from(bytes: Vec<u8>) -> PyBlock {
        PyBlock { bytes }
    }
}

#[pymethods]
impl PyBlock {
    fn __len__(&self) -> usize {
        self.bytes.len()
    }

    fn __repr__(&self) -> String {
        format!("Block({} bytes)", self.bytes.len())
    }

    /// # Safety
    /// Called by the interpreter with a view to fill.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let bytes = &slf.get().bytes;
        // SAFETY: the interpreter gives a valid view; the object is frozen, so that its bytes neither move nor change, and the view holds
        // a reference to it for as long as it lives.
        let filled = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                bytes.as_ptr().cast::<c_void>().cast_mut(),
                bytes.len() as isize,
                1,
                flags,
            )
        };
        if filled == 0 {
            Ok(())
        } else {
            Err(PyErr::take(slf.py()).unwrap_or_else(|| PyBufferError::new_err("no view")))
        }
    }
}
