"""The machine's facts as the kernel changes them: real namespaces, real links, real processes."""

# The programs that a test starts are no part of what is measured: plain calls read better.
# ruff: noqa: ASYNC220, ASYNC240

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agent.platform.facts import HostFacts, Namespace
from agent.platform.watch import Watcher

MakeNamespace = Callable[[], str]


class Machine:
    def __init__(self) -> None:
        self.watcher = Watcher(1_700_000_000, self._changed)
        self._news = asyncio.Event()
        self.published = 0

    def _changed(self, _: HostFacts) -> None:
        self.published += 1
        self._news.set()

    async def until(self, holds: Callable[[HostFacts], bool], within_s: float) -> float:
        """Waits for facts that hold; how long it took. A test fails where it takes longer."""
        began = time.monotonic()
        while not holds(self.watcher.facts):
            self._news.clear()
            left = within_s - (time.monotonic() - began)
            if left <= 0:
                pytest.fail(f"not seen within {within_s} s: {self.watcher.facts}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
        return time.monotonic() - began

    def namespace(self, name: str) -> Namespace | None:
        return next((one for one in self.watcher.facts.namespaces if one.name == name), None)


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    made = Machine()
    task = asyncio.create_task(made.watcher.run())
    await asyncio.wait_for(made.watcher.first.wait(), 10)
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def ip(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec("ip", *arguments)
    assert await process.wait() == 0


def addresses(facts: HostFacts, name: str) -> set[str]:
    return {address for one in facts.namespaces if one.name == name for nic in one.interfaces for address in nic.addresses}


async def test_the_own_namespace_has_loopback(machine: Machine) -> None:
    own = machine.watcher.facts.own
    assert own is not None
    assert own.inode == os.stat("/proc/self/ns/net").st_ino  # noqa: PTH116
    lo = own.interfaces[0]
    assert (lo.name, lo.kind, lo.up) == ("lo", "loopback", True)
    assert "127.0.0.1/8" in lo.addresses


async def test_a_new_namespace_and_its_address_are_seen_within_a_second(machine: Machine, make_namespace: MakeNamespace) -> None:
    name = make_namespace()
    await machine.until(lambda facts: any(one.name == name for one in facts.namespaces), 1.0)
    link = f"v{name[4:10]}"
    await ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
    await ip("-n", name, "address", "add", "10.99.1.2/24", "dev", "eth0")
    await machine.until(lambda facts: "10.99.1.2/24" in addresses(facts, name), 1.0)
    inside = machine.namespace(name)
    own = machine.namespace("")
    assert inside is not None
    assert own is not None
    end = next(nic for nic in inside.interfaces if nic.name == "eth0")
    peer = next(nic for nic in own.interfaces if nic.name == link)
    assert (end.kind, end.up, peer.kind) == ("veth", False, "veth")
    assert (end.peer_index, peer.peer_index) == (peer.index, end.index)
    assert len(end.mac) == 17
    await ip("-n", name, "link", "set", "eth0", "up", "mtu", "1300")
    await machine.until(lambda facts: any(nic.mtu == 1300 and nic.up for one in facts.namespaces for nic in one.interfaces if one.name == name), 1.0)
    await ip("-n", name, "address", "del", "10.99.1.2/24", "dev", "eth0")
    await machine.until(lambda facts: "10.99.1.2/24" not in addresses(facts, name), 1.0)


async def test_an_ipv6_address_is_seen_with_its_prefix(machine: Machine, make_namespace: MakeNamespace) -> None:
    name = make_namespace()
    await ip("-n", name, "link", "set", "lo", "up")
    await ip("-n", name, "address", "add", "fd00:99::1/48", "dev", "lo")
    await machine.until(lambda facts: {"fd00:99::1/48", "127.0.0.1/8", "::1/128"} <= addresses(facts, name), 1.0)


async def test_a_removed_namespace_is_let_go_so_that_the_kernel_can_free_it(machine: Machine, make_namespace: MakeNamespace) -> None:
    name = make_namespace()
    link = f"v{name[4:10]}"
    await ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
    await machine.until(lambda _: machine.namespace(name) is not None and any(nic.name == link for nic in machine.namespace("").interfaces), 2.0)  # type: ignore[union-attr]
    await ip("netns", "del", name)
    await machine.until(lambda _: machine.namespace(name) is None, 1.0)
    # The kernel destroys the veth pair when the namespace dies: it would live on as long as any socket were held in it.
    await machine.until(lambda facts: all(nic.name != link for nic in facts.own.interfaces), 2.0)  # type: ignore[union-attr]
    assert not Path(f"/sys/class/net/{link}").exists()


async def test_a_namespace_that_only_a_process_has_is_found_and_forgotten_with_it(machine: Machine) -> None:
    child = subprocess.Popen(["unshare", "--net", sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        await asyncio.to_thread(child.stdout.readline)
        inode = os.stat(f"/proc/{child.pid}/ns/net").st_ino  # noqa: PTH116
        await machine.until(lambda facts: any(one.inode == inode for one in facts.namespaces), 5.0)
        found = next(one for one in machine.watcher.facts.namespaces if one.inode == inode)
        assert found.name == f"pid:{child.pid}"
        assert found.path == f"/proc/{child.pid}/ns/net"
    finally:
        child.kill()
        child.wait()
    await machine.until(lambda facts: all(one.inode != inode for one in facts.namespaces), 1.0)


async def test_a_listening_process_is_named_after_its_script_with_its_namespace(machine: Machine, make_namespace: MakeNamespace, tmp_path: Path) -> None:
    name = make_namespace()
    script = tmp_path / "demo-server.py"
    script.write_text("import socket, time\ns = socket.create_server(('0.0.0.0', 8123))\nprint(flush=True)\ntime.sleep(60)\n")
    await machine.until(lambda _: machine.namespace(name) is not None, 1.0)
    child = subprocess.Popen(["ip", "netns", "exec", name, sys.executable, str(script)], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        await asyncio.to_thread(child.stdout.readline)
        await machine.until(lambda facts: any(process.pid == child.pid for process in facts.processes), 3.0)
        found = next(process for process in machine.watcher.facts.processes if process.pid == child.pid)
        inside = machine.namespace(name)
        assert inside is not None
        assert (found.name, found.user, found.netns_inode) == ("demo-server.py", "root", inside.inode)
        assert [(one.address, one.port, one.protocol) for one in found.listeners] == [("0.0.0.0", 8123, 6)]
    finally:
        child.kill()
        child.wait()
    await machine.until(lambda facts: all(process.pid != child.pid for process in facts.processes), 3.0)


async def test_both_ends_of_a_held_connection_are_known(machine: Machine, tmp_path: Path) -> None:
    script = tmp_path / "caller.py"
    script.write_text("import socket, sys, time\ns = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\nprint(flush=True)\ntime.sleep(60)\n")
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    child = subprocess.Popen([sys.executable, str(script), str(port)], stdout=subprocess.PIPE)
    try:
        await machine.until(lambda facts: any(process.name == "caller.py" for process in facts.processes), 12.0)
        assert any(one.port == port for process in machine.watcher.facts.processes if process.pid == os.getpid() for one in process.listeners)
    finally:
        child.kill()
        child.wait()
        server.close()


async def test_a_quiet_machine_publishes_nothing_and_costs_little(machine: Machine) -> None:
    await asyncio.sleep(2)
    before, cpu = machine.published, time.process_time()
    await asyncio.sleep(5)
    # Other programs of this machine may start and stop meanwhile; the agent's own looking must not make news.
    assert machine.published - before <= 3
    assert (time.process_time() - cpu) / 5 < 0.02


async def test_what_is_switched_off_is_not_looked_at(machine: Machine, make_namespace: MakeNamespace) -> None:
    name = make_namespace()
    await machine.until(lambda _: machine.namespace(name) is not None, 1.0)
    machine.watcher.configure(namespaces=False, processes=False)
    await machine.until(lambda facts: [one.name for one in facts.namespaces] == [""] and facts.processes == (), 1.0)
