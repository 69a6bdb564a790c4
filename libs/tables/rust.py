"""Prints the declarations as the native side's column structs: `native/src/table/generated.rs`.

Run as `python -m libs.tables.rust` (`make gen`); a test says when the file is stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from libs.tables import TABLES
from libs.tables.model import Kind, Table
from libs.tables.universal import RESOURCE_IDS

TARGET: Final = Path(__file__).parents[2] / "native" / "src" / "table" / "generated.rs"

_RUST: Final = {
    Kind.U8: ("Num<u8>", "U8"),
    Kind.U16: ("Num<u16>", "U16"),
    Kind.U32: ("Num<u32>", "U32"),
    Kind.U64: ("Num<u64>", "U64"),
    Kind.I32: ("Num<i32>", "I32"),
    Kind.I64: ("Num<i64>", "I64"),
    Kind.F64: ("Num<f64>", "F64"),
    Kind.LABEL: ("Label", "Label"),
    Kind.TEXT: ("Text", "Text"),
    Kind.IP4: ("Num<u32>", "Ip4"),
    Kind.IP6: ("Num<[u8; 16]>", "Ip6"),
    Kind.TIME_S: ("Num<u32>", "TimeS"),
    Kind.TIME_US: ("Num<i64>", "TimeUs"),
    Kind.TEXT_MAP: ("TextMap", "TextMap"),
    Kind.LABEL_MAP: ("LabelMap", "LabelMap"),
}

_END: Final = (
    *(name for name, _ in RESOURCE_IDS),
    "auto_instance_id",
    "auto_instance_type",
    "auto_service_id",
    "auto_service_type",
    "tag_source",
)


def _field(name: str) -> str:
    return f"r#{name}" if name == "type" else name


def _layouts() -> dict[str, list[Table]]:
    layouts: dict[str, list[Table]] = {}
    for table in TABLES:
        layouts.setdefault(table.layout, []).append(table)
    for tables in layouts.values():
        if any(table.columns != tables[0].columns for table in tables):
            message = f"tables that share the layout {tables[0].layout} must have the same columns"
            raise ValueError(message)
    return layouts


def _const(table: Table) -> str:
    return f"{table.database}_{table.name}".replace(".", "_").upper()


def _end_accessor(layout: Table, suffix: str) -> str:
    if f"chost_id{suffix}" not in {column.name for column in layout.columns}:
        return ""
    fields = "".join(f"            {name}: &mut self.{name}{suffix},\n" for name in _END)
    return f"\n    /// The id columns of {'one end' if not suffix else 'the end ' + suffix[1:]}.\n    pub fn end{suffix}(&mut self) -> EndColumns<'_> {{\n        EndColumns {{\n{fields}        }}\n    }}\n"


def _layout(name: str, tables: list[Table]) -> str:
    columns = tables[0].columns
    fields = "".join(f"    /// {c.doc}\n    pub {_field(c.name)}: {_RUST[c.kind][0]},\n" for c in columns)
    into = "".join(f"            Column::{_RUST[c.kind][1]}(self.{_field(c.name)}.hand_over()),\n" for c in columns)
    index = "".join(f"            {i} => ColumnMut::{_RUST[c.kind][1]}(&mut self.{_field(c.name)}),\n" for i, c in enumerate(columns))
    each = "".join(f"        visit(&mut self.{_field(c.name)});\n" for c in columns)
    defs = "".join(f'    ColumnDef {{ name: "{c.name}", kind: Kind::{_RUST[c.kind][1]}, attribute: "{c.attribute}" }},\n' for c in columns)
    ends = "".join(_end_accessor(tables[0], suffix) for suffix in ("", "_0", "_1"))
    statics = "".join(
        f'/// `{t.full_name}`: {t.doc}\npub static {_const(t)}: TableDef = TableDef {{ name: "{t.full_name}", columns: {_layout_const(name)} }};\n'
        for t in tables
    )
    return f"""
/// Columns of {", ".join(f"`{t.full_name}`" for t in tables)}.
#[derive(Default)]
pub struct {name} {{
    rows: usize,
{fields}}}

/// Names, kinds and OTLP attribute keys of those columns, in the order of the declaration.
pub static {_layout_const(name)}: &[ColumnDef] = &[
{defs}];

{statics}
impl {name} {{
    fn each(&mut self, mut visit: impl FnMut(&mut dyn Rows)) {{
{each}    }}
{ends}}}

impl Layout for {name} {{
    const COLUMNS: &'static [ColumnDef] = {_layout_const(name)};

    fn rows(&self) -> usize {{
        self.rows
    }}

    fn column_mut(&mut self, index: usize) -> ColumnMut<'_> {{
        match index {{
{index}            _ => ColumnMut::Absent,
        }}
    }}

    fn nbytes(&mut self) -> usize {{
        let mut bytes = 0;
        self.each(|column| bytes += column.nbytes());
        bytes
    }}

    fn commit(&mut self) {{
        self.rows += 1;
    }}

    fn rollback(&mut self, rows: usize) {{
        self.rows = rows;
        self.each(|column| column.truncate(rows));
    }}

    fn take(&mut self) -> Vec<Column> {{
        let rows = self.rows;
        self.each(|column| {{
            if !column.is_empty() {{
                column.fill(rows);
            }}
        }});
        self.rows = 0;
        vec![
{into}        ]
    }}
}}
"""


def _layout_const(name: str) -> str:
    return (
        "".join(("_" + c if c.isupper() and i else c) for i, c in enumerate(name)).upper().replace("L4_FLOW", "L4FLOW").replace("L7_FLOW", "L7FLOW")
        + "_COLUMNS"
    )


def render() -> str:
    """The whole generated file."""
    end = "".join(f"    pub {name}: &'a mut Num<{'u8' if name.endswith('type') or name == 'tag_source' else 'u32'}>,\n" for name in _END)
    statics = ", ".join(f"&{_const(table)}" for table in TABLES)
    head = f"""// Generated from libs/tables by `make gen`. Do not edit.

use super::{{ColumnDef, Kind, Layout, TableDef}};
use crate::column::{{Column, ColumnMut, Label, LabelMap, Num, Rows, Text, TextMap}};

/// The id columns of one end of a flow, whichever table and side they belong to.
pub struct EndColumns<'a> {{
{end}}}

/// Every declared table.
pub static TABLES: &[&TableDef] = &[{statics}];
"""
    return head + "".join(_layout(name, tables) for name, tables in _layouts().items())


if __name__ == "__main__":
    TARGET.write_text(render())
