//! The declared tables, as the native side sees them. The structs are generated from `libs/tables`.

#[rustfmt::skip]
pub mod generated;
pub mod share;

use crate::column::{Column, ColumnMut};

/// How a column is held; mirrors `libs.tables.model.Kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    U8,
    U16,
    U32,
    U64,
    I32,
    I64,
    F64,
    Ip4,
    Ip6,
    TimeS,
    TimeUs,
    Label,
    Text,
    TextMap,
    LabelMap,
}

impl Kind {
    /// The type in ClickHouse's words; the same as the value of `libs.tables.model.Kind`.
    pub fn clickhouse(self) -> &'static str {
        match self {
            Kind::U8 => "UInt8",
            Kind::U16 => "UInt16",
            Kind::U32 => "UInt32",
            Kind::U64 => "UInt64",
            Kind::I32 => "Int32",
            Kind::I64 => "Int64",
            Kind::F64 => "Float64",
            Kind::Ip4 => "IPv4",
            Kind::Ip6 => "IPv6",
            Kind::TimeS => "DateTime('UTC')",
            Kind::TimeUs => "DateTime64(6, 'UTC')",
            Kind::Label => "LowCardinality(String)",
            Kind::Text => "String",
            Kind::TextMap => "Map(LowCardinality(String), String)",
            Kind::LabelMap => "Map(LowCardinality(String), LowCardinality(String))",
        }
    }
}

/// One declared column.
#[derive(Debug)]
pub struct ColumnDef {
    pub name: &'static str,
    pub kind: Kind,
    /// The OTLP attribute that carries it.
    pub attribute: &'static str,
}

/// One declared table; tables with the same columns share `columns`.
#[derive(Debug)]
pub struct TableDef {
    /// `database.name`
    pub name: &'static str,
    pub columns: &'static [ColumnDef],
}

impl TableDef {
    /// The table declared as `database.name`.
    pub fn find(name: &str) -> Option<&'static TableDef> {
        generated::TABLES.iter().find(|table| table.name == name).copied()
    }
}

/// A struct of columns that rows are built in. A row is written at index `rows()`, then committed or rolled back.
pub trait Layout: Default + Send {
    /// The declared columns; `column_mut` counts in their order.
    const COLUMNS: &'static [ColumnDef];
    /// The column at that place of the declaration.
    fn column_mut(&mut self, index: usize) -> ColumnMut<'_>;
    /// Committed rows.
    fn rows(&self) -> usize;
    /// Bytes held in columns.
    fn nbytes(&mut self) -> usize;
    /// Makes what was written at index `rows()` a row.
    fn commit(&mut self);
    /// Forgets everything from row `rows` on, committed or not.
    fn rollback(&mut self, rows: usize);
    /// Hands over the columns in the order of the declaration and starts empty again. A column that was set in some row is filled
    /// up to `rows()`; one that was set in none stays empty, and reads as the default in every row.
    fn take(&mut self) -> Vec<Column>;
}

/// Finished rows of one declared table.
pub struct Batch {
    pub table: &'static TableDef,
    pub rows: usize,
    pub columns: Vec<Column>,
}

impl Batch {
    /// Takes every committed row out of `layout`.
    pub fn take(table: &'static TableDef, layout: &mut impl Layout) -> Batch {
        let rows = layout.rows();
        Batch {
            table,
            rows,
            columns: layout.take(),
        }
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        let at = self.table.columns.iter().position(|declared| declared.name == name)?;
        self.columns.get(at)
    }

    /// Bytes held in columns.
    pub fn nbytes(&self) -> usize {
        self.columns.iter().map(Column::nbytes).sum()
    }
}
