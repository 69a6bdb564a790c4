//! Which request each row came from, and batches with some of their rows left out.
//!
//! ClickHouse stores one insert's rows of one partition together or not at all; partitions are days. So the unit that can be
//! stored already, or be missing, is a *share*: the rows of one request on one day.

use super::Batch;
use crate::column::{Column, Label, LabelMap, Num, Text, TextMap};
use std::collections::{HashMap, HashSet};

const SECONDS_A_DAY: u32 = 86_400;

/// The rows of one request that fall on one day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub batch_id: u64,
    /// Days since 1970.
    pub day: u32,
    pub rows: usize,
    /// Of the table's time axis, seconds since 1970.
    pub oldest_s: u32,
    pub newest_s: u32,
}

impl Batch {
    /// The batch's shares in order of their first row.
    pub fn shares(&self) -> Vec<Share> {
        let (ids, times) = self.identity();
        let mut shares: Vec<Share> = Vec::new();
        let mut places: HashMap<(u64, u32), usize> = HashMap::new();
        let mut last = usize::MAX;
        for row in 0..self.rows {
            let (batch_id, time) = (value(ids, row), value(times, row));
            let day = time / SECONDS_A_DAY;
            if !shares.get(last).is_some_and(|share| share.batch_id == batch_id && share.day == day) {
                last = *places.entry((batch_id, day)).or_insert(shares.len());
                if last == shares.len() {
                    shares.push(Share {
                        batch_id,
                        day,
                        rows: 0,
                        oldest_s: time,
                        newest_s: time,
                    });
                }
            }
            let share = &mut shares[last];
            share.rows += 1;
            share.oldest_s = share.oldest_s.min(time);
            share.newest_s = share.newest_s.max(time);
        }
        shares
    }

    /// The rows that belong to none of `shares`, given as (batch id, day).
    pub fn without(&self, shares: &[(u64, u32)]) -> Batch {
        let (ids, times) = self.identity();
        let out: HashSet<(u64, u32)> = shares.iter().copied().collect();
        let rows: Vec<u32> = (0..self.rows)
            .filter(|&row| !out.contains(&(value(ids, row), value(times, row) / SECONDS_A_DAY)))
            .map(|row| row as u32)
            .collect();
        self.pick(&rows)
    }

    /// `rows` rows from `start` on; fewer where the batch ends before.
    pub fn slice(&self, start: usize, rows: usize) -> Batch {
        let end = start.saturating_add(rows).min(self.rows) as u32;
        self.pick(&(start.min(end as usize) as u32..end).collect::<Vec<u32>>())
    }

    /// The rows at these positions, in this order.
    pub fn pick(&self, rows: &[u32]) -> Batch {
        let columns = self.columns.iter().map(|column| column.pick(rows)).collect();
        Batch {
            table: self.table,
            rows: rows.len(),
            columns,
        }
    }

    fn identity(&self) -> (&[u64], &[u32]) {
        let mut ids: &[u64] = &[];
        let mut times: &[u32] = &[];
        for (definition, column) in self.table.columns.iter().zip(&self.columns) {
            match column {
                Column::U64(values) if definition.name == "batch_id" => ids = &values.values,
                Column::TimeS(values) if definition.name == "time" => times = &values.values,
                _ => {}
            }
        }
        (ids, times)
    }
}

fn value<T: Copy + Default>(values: &[T], row: usize) -> T {
    values.get(row).copied().unwrap_or_default()
}

impl Column {
    /// The rows at these positions, in this order. A column that was never set stays empty.
    fn pick(&self, rows: &[u32]) -> Column {
        match self {
            Column::U8(column) => Column::U8(numbers(column, rows)),
            Column::U16(column) => Column::U16(numbers(column, rows)),
            Column::U32(column) => Column::U32(numbers(column, rows)),
            Column::U64(column) => Column::U64(numbers(column, rows)),
            Column::I32(column) => Column::I32(numbers(column, rows)),
            Column::I64(column) => Column::I64(numbers(column, rows)),
            Column::F64(column) => Column::F64(numbers(column, rows)),
            Column::Ip4(column) => Column::Ip4(numbers(column, rows)),
            Column::Ip6(column) => Column::Ip6(numbers(column, rows)),
            Column::TimeS(column) => Column::TimeS(numbers(column, rows)),
            Column::TimeUs(column) => Column::TimeUs(numbers(column, rows)),
            Column::Label(column) => Column::Label(labels(column, rows)),
            Column::Text(column) => Column::Text(texts(column, rows)),
            Column::TextMap(column) => {
                let (pairs, ends) = pairs(&column.ends, rows);
                Column::TextMap(TextMap {
                    keys: labels(&column.keys, &pairs),
                    values: texts(&column.values, &pairs),
                    ends,
                })
            }
            Column::LabelMap(column) => {
                let (pairs, ends) = pairs(&column.ends, rows);
                Column::LabelMap(LabelMap {
                    keys: labels(&column.keys, &pairs),
                    values: labels(&column.values, &pairs),
                    ends,
                })
            }
        }
    }
}

fn numbers<T: Copy + Default>(column: &Num<T>, rows: &[u32]) -> Num<T> {
    if column.values.is_empty() {
        return Num::default();
    }
    Num {
        values: rows.iter().map(|&row| column.get(row as usize)).collect(),
    }
}

fn labels(column: &Label, rows: &[u32]) -> Label {
    let mut picked = Label::default();
    if !column.keys.is_empty() {
        for (to, &row) in rows.iter().enumerate() {
            picked.set(to, column.get(row as usize));
        }
    }
    picked
}

fn texts(column: &Text, rows: &[u32]) -> Text {
    let mut picked = Text::default();
    if !column.ends().is_empty() {
        for (to, &row) in rows.iter().enumerate() {
            picked.set(to, column.get(row as usize));
        }
    }
    picked
}

/// The positions of the pairs that `rows` own, and the new ends.
fn pairs(ends: &[u32], rows: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut positions = Vec::new();
    if ends.is_empty() {
        return (positions, Vec::new());
    }
    let mut new_ends = Vec::with_capacity(rows.len());
    for &row in rows {
        let start = if row == 0 { 0 } else { value(ends, row as usize - 1) };
        positions.extend(start..value(ends, row as usize));
        new_ends.push(positions.len() as u32);
    }
    (positions, new_ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Layout;
    use crate::table::generated::{FLOW_LOG_L7_FLOW_LOG, L7FlowLog};

    const DAY: u32 = 20_000;

    fn batch() -> Batch {
        let mut layout = L7FlowLog::default();
        for (row, (id, day)) in [(7, 0), (7, 0), (7, 1), (8, 1), (7, 0)].into_iter().enumerate() {
            layout.batch_id.set(row, id);
            layout.time.set(row, (DAY + day) * SECONDS_A_DAY + row as u32);
            layout.span_id.set(row, &format!("span{row}"));
            layout.endpoint.set(row, if row % 2 == 0 { "even" } else { "odd" });
            layout.attributes.add("row", &row.to_string());
            layout.attributes.end_row(row);
            layout.commit();
        }
        Batch::take(&FLOW_LOG_L7_FLOW_LOG, &mut layout)
    }

    fn spans(batch: &Batch) -> Vec<String> {
        let at = batch.table.columns.iter().position(|column| column.name == "span_id").unwrap();
        let Column::Text(text) = &batch.columns[at] else {
            panic!("span_id is text")
        };
        (0..batch.rows).map(|row| text.get(row).to_owned()).collect()
    }

    #[test]
    fn shares_count_rows_by_request_and_day() {
        let shares = batch().shares();
        let seen: Vec<_> = shares.iter().map(|share| (share.batch_id, share.day - DAY, share.rows)).collect();
        assert_eq!(seen, [(7, 0, 3), (7, 1, 1), (8, 1, 1)]);
        assert_eq!(
            (shares[0].oldest_s, shares[0].newest_s),
            (DAY * SECONDS_A_DAY, DAY * SECONDS_A_DAY + 4)
        );
    }

    #[test]
    fn without_leaves_whole_shares_out() {
        let rest = batch().without(&[(7, DAY)]);
        assert_eq!(spans(&rest), ["span2", "span3"]);
        assert_eq!(rest.shares().iter().map(|share| share.rows).sum::<usize>(), 2);
    }

    #[test]
    fn slice_keeps_maps_and_labels_of_its_rows() {
        let part = batch().slice(3, 9);
        assert_eq!(spans(&part), ["span3", "span4"]);
        for (definition, column) in part.table.columns.iter().zip(&part.columns) {
            match (definition.name, column) {
                ("attributes", Column::TextMap(map)) => {
                    assert_eq!(map.ends, [1, 2]);
                    assert_eq!((map.values.get(0), map.keys.get(1)), ("3", "row"));
                }
                ("endpoint", Column::Label(label)) => assert_eq!((label.get(0), label.get(1)), ("odd", "even")),
                _ => {}
            }
        }
    }

    #[test]
    fn slice_past_the_end_is_empty() {
        assert_eq!(batch().slice(9, 2).rows, 0);
    }
}
