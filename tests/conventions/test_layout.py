"""Names and sizes: a ratchet that may only be tightened."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SERVICE_FILES: Final = ("__main__.py", "app.py", "settings.py", "errors.py", "metrics.py", "README.md")
FORBIDDEN_STEMS: Final = {"utils", "util", "common", "helpers", "helper", "misc"}
LINES_MAX: Final = 600
FUNCTION_LINES_MAX: Final = 90
MACHINE: Final = re.compile(r"/work/|/root/|/opt/wheels|pythonhosted|pypi\.org/simple|crates\.io/api|proxy\.golang")


def tracked(*endings: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in listed.splitlines() if line.endswith(endings) and (ROOT / line).exists()]


def written(*endings: str) -> list[Path]:
    return [path for path in tracked(*endings) if "generated" not in path.as_posix()]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def services() -> list[Path]:
    return sorted(path.parent for path in (ROOT / "services").glob("*/__main__.py"))


@pytest.mark.parametrize("service", services(), ids=lambda path: path.name)
def test_every_service_has_the_same_six_files(service: Path) -> None:
    assert [name for name in SERVICE_FILES if not (service / name).exists()] == []


def test_no_file_is_named_after_nothing() -> None:
    assert [str(path) for path in tracked(".py", ".rs", ".ts", ".go") if path.stem in FORBIDDEN_STEMS] == []


def test_no_file_outgrows_its_bound() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in written(".py", ".rs") if (lines := len(path.read_text().splitlines())) > LINES_MAX}
    assert long == {}


def test_no_function_outgrows_its_bound() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": lines
        for path in written(".py")
        for node in functions(path)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_nothing_names_the_machine_it_was_written_on() -> None:
    own = Path(__file__)
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked(".py", ".rs", ".md", ".toml", ".lock", ".sh", ".yaml", ".json", "Makefile")
        if path != own and (match := MACHINE.search(path.read_text(errors="replace")))
    ]
    assert found == []


def test_every_dependency_says_why_it_is_there() -> None:
    declared = set(re.findall(r'"([A-Za-z0-9_.-]+)(?:\[[a-z]+\])?>=[^"]*"', (ROOT / "pyproject.toml").read_text()))
    crates = set(
        re.findall(r"^([a-z0-9_-]+) = [{\"]", (ROOT / "native" / "Cargo.toml").read_text().split("[dependencies]")[1].split("[features]")[0], re.MULTILINE)
    )
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    missing = sorted(name for name in declared | crates if f"`{name}`" not in explained)
    assert missing == []
