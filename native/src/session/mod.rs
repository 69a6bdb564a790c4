//! Pairing: which response answers which request.
