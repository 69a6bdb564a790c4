//! What the module raises: `Malformed` and `TooLarge` for bodies, both `ValueError`s.

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

create_exception!(
    weir_native,
    Malformed,
    PyValueError,
    "The bytes are not what they claim to be; nothing of them was taken."
);
create_exception!(
    weir_native,
    TooLarge,
    PyValueError,
    "Decompressed, the body is larger than allowed; nothing of it was taken."
);

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("Malformed", module.py().get_type::<Malformed>())?;
    module.add("TooLarge", module.py().get_type::<TooLarge>())
}
