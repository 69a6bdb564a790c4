"""A stock HTTP server (nginx) in the server's namespace of a stage."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import Stage

_CONFIGURATION = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  keepalive_requests 1000000;
  server {{
    listen {address}:{port};
    location /ok {{ return 200 "fine\\n"; }}
    location /items {{ default_type application/json; return 200 "{items}"; }}
    location /broken {{ return 500 "broken\\n"; }}
    location / {{ return 404; }}
  }}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, stage: Stage, port: int) -> Iterator[None]:
    """Serves /ok, /items, /broken and nothing else on the server's address."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder, address=stage.server_address, port=port, items="x" * 4000))
    server = subprocess.Popen([program, "-c", str(folder / "nginx.conf")], preexec_fn=stage.enter(stage.server), stderr=subprocess.DEVNULL)
    try:
        _until_it_listens(server, folder)
        yield
    finally:
        server.terminate()
        server.wait(10)


def _until_it_listens(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 10
    while not (folder / "nginx.pid").exists():
        assert server.poll() is None, (folder / "error.log").read_text()
        assert time.monotonic() < deadline, "nginx did not start"
        time.sleep(0.05)
