//! What the targets share: how bytes of the fuzzer become packets, and what is measured while they are read.

pub mod budget;
pub mod digest;
pub mod steps;
