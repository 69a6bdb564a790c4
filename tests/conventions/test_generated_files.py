"""What is generated and committed must be what its source gives now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from libs.tables import rust
from libs.wire.generate import GENERATED, generate

ROOT: Final = Path(__file__).parents[2]


def test_native_columns_are_those_of_the_declared_tables() -> None:
    assert rust.TARGET.read_text() == rust.render(), "run `make gen`"


def test_wire_modules_are_those_of_the_proto_files(tmp_path: Path) -> None:
    generate(tmp_path)
    fresh = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.py*") if "__pycache__" not in path.parts}
    committed = {path.relative_to(GENERATED): path.read_text() for path in GENERATED.rglob("*.py*") if "__pycache__" not in path.parts}
    assert committed == fresh, "run `make gen`"


def test_reference_pages_say_what_the_code_declares(tmp_path: Path) -> None:
    # In a process of its own: the metrics page shows whatever has been registered there.
    program = "import sys; from pathlib import Path; import docs.generate as g; g.HERE = Path(sys.argv[1]); g.main()"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, check=True, timeout=60)
    stale = [page.name for page in tmp_path.iterdir() if (ROOT / "docs" / "reference" / page.name).read_text() != page.read_text()]
    assert stale == [], "run `make gen`"
