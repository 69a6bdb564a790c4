//! Why a row is left out. Its neighbours stay.

/// Why a row is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Bad {
    /// A string is not UTF-8.
    InvalidUtf8,
    /// The time is further from now than rows are kept or clocks go wrong: `MAX_AGE_US`, `MAX_AHEAD_US`.
    TimeOutOfRange,
    /// A column's attribute is of another type than the column.
    WrongType,
    /// A column's attribute does not fit the column.
    OutOfRange,
    /// A value nests deeper than `value::MAX_DEPTH`.
    TooDeep,
    /// A trace or span id of more than 32 bytes.
    InvalidId,
    /// The attributes of resources, repeated for each row, would take more room than the body may ask for.
    TooManyAttributes,
    /// The open block cannot take more text before it is taken.
    BlockFull,
    /// A log record whose event name is none of ours.
    UnknownEvent,
    /// `weir.table` names no declared table.
    UnknownTable,
    /// The row belongs to a table of another decoder.
    OtherDecoder,
}

/// Older rows are refused: each day is a partition, and a row from long ago would open one of its own.
pub const MAX_AGE_US: i64 = 7 * 86_400 * 1_000_000;
/// Rows from the future are refused beyond this: a clock that is wrong by a day is broken, not skewed.
pub const MAX_AHEAD_US: i64 = 86_400 * 1_000_000;

const NAMES: [&str; 11] = [
    "invalid_utf8",
    "time_out_of_range",
    "wrong_type",
    "out_of_range",
    "too_deep",
    "invalid_id",
    "too_many_attributes",
    "block_full",
    "unknown_event",
    "unknown_table",
    "other_decoder",
];

/// Rows left out, by reason.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Rejected {
    counts: [usize; NAMES.len()],
}

impl Rejected {
    pub fn count(&mut self, reason: Bad) {
        self.counts[reason as usize] += 1;
    }

    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// The reasons that occurred, each with its rows.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> {
        NAMES.into_iter().zip(self.counts).filter(|(_, rows)| *rows > 0)
    }
}

/// Whether a row may carry the time `at_us`.
pub fn believable(at_us: i64, now_us: i64) -> Result<(), Bad> {
    let allowed = -MAX_AHEAD_US..=MAX_AGE_US;
    if allowed.contains(&now_us.saturating_sub(at_us)) {
        Ok(())
    } else {
        Err(Bad::TimeOutOfRange)
    }
}
