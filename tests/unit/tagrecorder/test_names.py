from datetime import UTC, datetime

from libs.catalog.kinds import RESOURCE_KINDS
from libs.tables.tag import FOR_EVER, NAME_TABLES, stamp
from services.tagrecorder.names import compare, row_of
from services.tagrecorder.sources import SOURCES

TABLES = {table.kind: table for table in NAME_TABLES}


def test_every_kind_has_a_dictionary_and_every_source_a_kind() -> None:
    assert set(TABLES) == {kind.kind for kind in RESOURCE_KINDS}
    assert {source.kind for source in SOURCES} <= set(TABLES)
    assert {kind.kind for kind in RESOURCE_KINDS if kind.meta_table} <= {source.kind for source in SOURCES}


def test_an_interval_becomes_whole_seconds_both_ends_included() -> None:
    interval = {
        "id": 5,
        "valid_from": datetime(1970, 1, 1, tzinfo=UTC),
        "valid_to": datetime(1970, 1, 1, 0, 1, tzinfo=UTC),
        "name": "n",
        "attributes": {"prefix": "p"},
    }
    assert row_of(TABLES["subnet"], interval) == ((5, 0), (59, "n", "", 0, "p", 0))
    assert row_of(TABLES["subnet"], {**interval, "valid_to": None})[1][0] == FOR_EVER


def test_a_comparison_finds_what_is_missing_wrong_and_too_much() -> None:
    repair = compare({(1, 0): (1,), (2, 0): (2,), (3, 0): (3,)}, {(1, 0): (1,), (2, 0): (0,), (4, 0): (4,)})
    assert (repair.write, repair.remove) == ({(2, 0): (2,), (3, 0): (3,)}, {(4, 0): (4,)})


def test_a_changed_declaration_is_told_by_its_stamp() -> None:
    ddl = TABLES["chost"].create_dictionary()
    assert ddl.endswith(f"COMMENT '{stamp(ddl)}'")
    assert stamp(ddl) != stamp(TABLES["host"].create_dictionary())
    assert "PASSWORD" not in ddl.upper()
