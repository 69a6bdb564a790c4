use super::bytes::Body;
use pyo3::prelude::*;

/// A 64-bit hash of a request body, the same in every run and on every machine.
#[pyfunction]
pub(super) fn batch_hash(body: Body) -> u64 {
    let hash = cityhash_rs::cityhash_102_128(body.as_ref());
    (hash >> 64) as u64 ^ hash as u64
}
