//! What a message says.

/// Names of a message's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    Version,
}

/// What one message says; the parser fills it, the row is made of two of them.
#[derive(Debug, Default)]
pub struct Facts {}

impl Facts {
    /// Further pairs for the row's `attributes`.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        std::iter::empty()
    }
}
