//! Times as text.

use std::io::Write;

/// A date, and the time of the day in seconds: UTC.
pub struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub second: i64,
}

impl Civil {
    /// The date of a time in seconds since 1970 (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
    pub fn of(seconds: i64) -> Civil {
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            second,
        }
    }
}

/// Writes a time in µs since 1970 as ISO 8601 without a zone, with µs where `fraction`.
pub fn iso(time_us: i64, fraction: bool, out: &mut Vec<u8>) {
    let date = Civil::of(time_us.div_euclid(1_000_000));
    let (hour, minute, second) = (date.second / 3600, date.second / 60 % 60, date.second % 60);
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}",
        date.year, date.month, date.day
    );
    if fraction {
        let _ = write!(out, ".{:06}", time_us.rem_euclid(1_000_000));
    }
}
