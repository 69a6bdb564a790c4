//! Synthetic traffic through the engine.
