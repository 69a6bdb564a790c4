"""What is generated and committed must be what its source gives now."""

from __future__ import annotations

from pathlib import Path

from libs.tables import rust
from libs.wire.generate import GENERATED, generate


def test_native_columns_are_those_of_the_declared_tables() -> None:
    assert rust.TARGET.read_text() == rust.render(), "run `make gen`"


def test_wire_modules_are_those_of_the_proto_files(tmp_path: Path) -> None:
    generate(tmp_path)
    fresh = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.py*") if "__pycache__" not in path.parts}
    committed = {path.relative_to(GENERATED): path.read_text() for path in GENERATED.rglob("*.py*") if "__pycache__" not in path.parts}
    assert committed == fresh, "run `make gen`"
