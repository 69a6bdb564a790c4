"""curl, and clickhouse-go over HTTP (what Grafana's plug-in uses)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

_GO = Path(__file__).parents[2] / "data/store/clickhouse_go"


def test_curl(store: Any) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")

    def run(*arguments: str, body: str | None = None) -> str:
        return subprocess.run([curl, "-sS", *arguments], input=body, text=True, capture_output=True, check=True, timeout=30).stdout

    assert run(f"{store.url}?query=SELECT%201") == "1\n"
    assert run("-u", "anna:s3cret", store.url, "-d", "SELECT currentDatabase()") == "default\n"
    assert run("--compressed", f"{store.url}?enable_http_compression=1", "-d", "SELECT count() FROM numbers(5)") == "5\n"
    run(store.url, "-d", "CREATE OR REPLACE TABLE by_curl (a UInt8) ENGINE = Memory")
    run(f"{store.url}?query=INSERT%20INTO%20by_curl%20FORMAT%20TSV", "-H", "Transfer-Encoding: chunked", "--data-binary", "@-", body="1\n2\n")
    assert run("-X", "POST", "-F", "t=@-;filename=t", "-F", "query=SELECT sum(n) FROM t", f"{store.url}?t_structure=n%20UInt8", body="4\n5\n") == "9\n"
    assert run(store.url, "-d", "SELECT sum(a) FROM by_curl") == "3\n"
    assert run("-I", f"{store.url}ping").startswith("HTTP/1.1 200")


def test_clickhouse_go_over_http(store: Any, tmp_path: Path) -> None:
    go = shutil.which("go") or ("/usr/local/go/bin/go" if Path("/usr/local/go/bin/go").exists() else None)
    if go is None:
        pytest.skip("go is not installed")
    shutil.copytree(_GO, tmp_path / "probe")
    built = subprocess.run([go, "build", "-o", "probe", "."], cwd=tmp_path / "probe", capture_output=True, text=True, check=False, timeout=110)
    if built.returncode and "proxy" in built.stderr:
        pytest.skip("clickhouse-go cannot be fetched")
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([tmp_path / "probe/probe", f"127.0.0.1:{store.port}"], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[::2] == [f"{method} 4990 5 60" for method in ("none", "lz4", "zstd", "gzip", "deflate")]
    assert set(lines[1::2]) == {"late error true"}
