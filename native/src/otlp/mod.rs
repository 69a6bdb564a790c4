//! OTLP bytes ⇄ rows of the declared tables.
//!
//! The protobuf form is read by a walker that goes from tag to tag and writes each value into its column at once; the JSON form
//! is rewritten as protobuf first, so that there is one meaning. Three things can be wrong: the bytes (`Broken`: nothing of the
//! body is kept), a row (`Bad`: that row is left out and counted), or an attribute that means nothing to us (kept as text).

pub mod bad;
pub mod columns;
pub mod convention;
pub mod encode;
pub mod events;
pub mod gather;
pub mod identity;
pub mod inflate;
pub mod json;
pub mod keys;
pub mod logs;
pub mod resource;
mod said;
pub mod span;
pub mod traces;
pub mod url;
pub mod value;
pub mod wire;
