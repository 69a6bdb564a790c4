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
    Shared(Arc<Pooled>),
    Copied(Vec<u8>),
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        match self {
            Body::Borrowed(bytes) => bytes,
            Body::Shared(bytes) => &bytes.0,
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

/// Bytes of bodies that are gone and may be used again: blocks of megabytes that come and go would leave holes in the heap.
static POOL: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
const POOL_BYTES: usize = 16 << 20;
/// Smaller ones cost nothing to make.
const POOLED_FROM: usize = 64 << 10;

#[derive(Default)]
pub struct Pooled(Vec<u8>);

impl Pooled {
    /// The smallest of the pool that is large enough, or a new one.
    fn with_capacity(capacity: usize) -> Pooled {
        if capacity < POOLED_FROM {
            return Pooled(Vec::with_capacity(capacity));
        }
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = (0..pool.len()).filter(|at| pool[*at].capacity() >= capacity);
        match fits.min_by_key(|at| pool[*at].capacity()) {
            Some(at) => Pooled(pool.swap_remove(at)),
            None => {
                drop(pool);
                Pooled(Vec::with_capacity(capacity.next_multiple_of(POOLED_FROM)))
            }
        }
    }
}

impl Clone for Pooled {
    fn clone(&self) -> Pooled {
        let mut copy = Pooled::with_capacity(self.0.len());
        copy.0.extend_from_slice(&self.0);
        copy
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0);
        if bytes.capacity() < POOLED_FROM {
            return;
        }
        bytes.clear();
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.push(bytes);
        // The largest go first: what is kept should fit what is usual.
        while pool.iter().map(Vec::capacity).sum::<usize>() > POOL_BYTES {
            let largest = (0..pool.len()).max_by_key(|at| pool[*at].capacity()).unwrap_or_default();
            drop(pool.swap_remove(largest));
        }
    }
}

/// A request body on its way in: pieces are put where they stay while they are still in the processor's cache.
#[pyclass(name = "RequestBody", module = "weir_native", frozen)]
pub struct PyRequestBody {
    bytes: Mutex<Arc<Pooled>>,
}

impl PyRequestBody {
    fn open(&self) -> MutexGuard<'_, Arc<Pooled>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyRequestBody {
    #[new]
    #[pyo3(signature = (capacity = 0))]
    fn new(capacity: usize) -> PyRequestBody {
        PyRequestBody {
            bytes: Mutex::new(Arc::new(Pooled::with_capacity(capacity))),
        }
    }

    fn push(&self, piece: &[u8]) {
        // Copied only where somebody already reads it.
        Arc::make_mut(&mut self.open()).0.extend_from_slice(piece);
    }

    fn __len__(&self) -> usize {
        self.open().0.len()
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
