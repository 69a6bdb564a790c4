"""Rows of a capture as files: every format says the same as the rows themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import weir_native

DATA = Path(__file__).parents[3] / "data" / "l7" / "http1" / "keep_alive.pcap"
L7 = "flow_log.l7_flow_log"


def rows() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for batch in weir_native.Engine({"agent_id": 7}).replay(DATA):
        found.setdefault(batch.table, []).extend(orjson.loads(line) for line in batch.to_json_lines().splitlines())
    return found


def written(folder: Path, form: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "agent", "--pcap", str(DATA), "--write", str(folder), "--format", form, "--agent-id", "7"]
    return subprocess.run(words, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("form", ["parquet", "arrow", "json"])
def test_every_row_of_every_table_is_in_its_file(form: str, tmp_path: Path) -> None:
    done = written(tmp_path / "rows", form)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    expected = rows()
    assert {path.name.rpartition(".")[0] for path in (tmp_path / "rows").iterdir()} == set(expected)
    for table, want in expected.items():
        [path] = (tmp_path / "rows").glob(f"{table}.*")
        if form == "json":
            # Documents come in no order.
            assert sorted(path.read_bytes().splitlines()) == sorted(orjson.dumps(row) for row in want)
            continue
        have = pq.read_table(path) if form == "parquet" else pa.ipc.open_stream(path.read_bytes()).read_all()
        assert have.num_rows == len(want)
        assert set(have.column_names) == set(want[0]) - {"table"}
        if table == L7:
            names = ("request_type", "request_resource", "response_code", "response_duration", "flow_id")
            assert have.select(names).to_pylist() == [{name: row[name] for name in names} for row in want]


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = written(tmp_path / "file" / "rows", "parquet")
    assert done.returncode == 3
    assert done.stderr.startswith("weir-agent: The folder ")
    assert done.stderr.count("\n") == 1


def test_write_without_a_capture_file_is_a_usage_error() -> None:
    done = subprocess.run([sys.executable, "-m", "agent", "--write", "x"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--write belongs to --pcap" in done.stderr
