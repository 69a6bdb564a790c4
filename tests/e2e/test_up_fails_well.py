"""`weir up` on a machine that lacks something: a sentence with the cause and the remedy, and what can run runs."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.machine import ROOT, WEIR, Machine
from tests.e2e.small_disk import small_disk

NOBODY = 65_534
PROCESSES = {
    "services.store": "WEIR_STORE_PROT",
    "services.querier": "WEIR_QUERIER_MAX_ROW",
    "services.trisolaris": "WEIR_TRISOLARIS_REST_PROT",
    "services.genesis": "WEIR_GENESIS_PROT",
    "services.cloud": "WEIR_CLOUD_PROT",
    "services.recorder": "WEIR_RECORDER_PROT",
    "services.tagrecorder": "WEIR_TAGRECORDER_PROT",
    "services.ingester": "WEIR_INGESTER_MAX_BODY_MB",
    "agent": "WEIR_AGENT_CONTROLER",
}

pytestmark = [pytest.mark.usefixtures("elsewhere"), pytest.mark.timeout(180)]


@pytest.fixture
def elsewhere(own_network: None, only_machine: Machine) -> None:  # noqa: ARG001  the order matters, not the value
    """The usual ports are free: the other modules' Weir is down."""
    only_machine.down()


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="weir-up-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def up(folder: Path, *prefix: str, **environment: str) -> Iterator[Path]:
    """`weir up` in the background, and the file with what it says; ended, with everything it started, at the end of the block."""
    said = folder / "up.txt"
    with said.open("w") as output:
        words = [*prefix, WEIR, "up"]
        supervisor = subprocess.Popen(words, env={**os.environ, "WEIR_DATA_DIR": str(folder), **environment}, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield said
    finally:
        supervisor.send_signal(signal.SIGINT)
        supervisor.wait(60)


def says(said: Path, words: str, seconds: float = 90) -> str:
    Machine.wait(lambda: words in said.read_text(), seconds, lambda: f"{words!r} is not in:\n{said.read_text()}")
    return said.read_text()


def answers(port: int, path: str = "/readyz") -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code == 200
    return False


def test_no_space_is_one_sentence(folder: Path) -> None:
    with small_disk(folder, mib=40):
        if not os.path.ismount(folder):
            pytest.skip("this machine lets nobody mount a file system")
        done = subprocess.run([WEIR, "up"], env={**os.environ, "WEIR_DATA_DIR": str(folder)}, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Only ")
    assert "make room" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_busy_port_names_its_holder_and_the_rest_runs(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 20416)), up(folder) as said:
        text = says(said, "Port 20416 of querier is held by ")
        holder = psutil.Process()
        assert f"{holder.name()} (pid {holder.pid})" in text
        assert "WEIR_QUERIER_PORT" in text
        says(said, "Weir is up")
        assert answers(8123, "/ping")
        assert answers(20440)


def test_who_is_not_root_gets_everything_but_packets(folder: Path) -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv is not installed")
    os.chown(folder, NOBODY, NOBODY)
    (folder / "up.txt").touch()
    # Only to read the checkout and the interpreter, which may be in a closed home folder; no right that concerns the network.
    nobody = (setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    with up(folder, *nobody, HOME=str(folder)) as said:
        says(said, "Not root: ")
        Machine.wait(lambda: answers(20416) and answers(20417) and answers(20430), 90, said.read_text)
        state = (folder / "run" / "state.json").stat()
        assert state.st_uid == NOBODY
        Machine.wait(lambda: answers(20440, "/healthz"), 60, said.read_text)
        assert "sudo" in httpx.get("http://127.0.0.1:20440/readyz", trust_env=False).text


def test_without_the_engine_agent_and_ingesters_are_left_out(folder: Path) -> None:
    hide = folder / "hide"
    hide.mkdir()
    (hide / "sitecustomize.py").write_text(
        "import sys\n"
        "class Without:\n"
        "    def __init__(self, finder): self.finder = finder\n"
        "    def __getattr__(self, name): return getattr(self.finder, name)\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        return None if name == 'weir_native' else self.finder.find_spec(name, path, target)\n"
        "sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]\n"
    )
    with up(folder, PYTHONPATH=str(hide)) as said:
        says(said, "The engine weir_native is not built")
        says(said, "Weir is up")
        assert answers(20416)
        assert not answers(20430)


@pytest.mark.parametrize(("module", "setting"), PROCESSES.items())
def test_an_unknown_setting_is_one_sentence_with_the_nearest_right_one(folder: Path, module: str, setting: str) -> None:
    words = [sys.executable, "-m", module, *(["flow_log"] if module == "services.ingester" else [])]
    environment = {**os.environ, "WEIR_DATA_DIR": str(folder), setting: "1"}
    done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert f"Nothing reads the setting {setting}: did you mean WEIR_" in said
    assert "Traceback" not in said
