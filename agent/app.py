"""Wires an agent together: platform and control tell it what to do, capture makes rows, send delivers them."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import cast

import httpx

from agent.capture.driver import Driver
from agent.capture.governor import MIB, WORDS, Governor, Meter, Usage, group_limits
from agent.capture.plan import make_plan
from agent.control.client import ControlClient
from agent.control.genesis import Reporter
from agent.control.question import revision, sync_request
from agent.control.standing import Standing, StandingFile
from agent.metrics import CONFIG_VERSION, CPU_PERCENT, RESIDENT_BYTES, SHEDDING, VTAP_ID, count_dropped, rows_sent_and_dropped
from agent.platform.facts import HostFacts
from agent.platform.identity import host_identity
from agent.platform.watch import Watcher
from agent.send.encoding import ENCODINGS, Decoder
from agent.send.item import Item
from agent.send.outbox import Outbox
from agent.send.sender import Sender
from agent.send.spool import Spool
from agent.settings import AgentSettings
from agent.state import claim
from libs.boot import Runtime, configure_logs, get_logger
from libs.boot.metrics import ROWS_IN
from libs.wire import agent_pb2 as pb

DECODERS: tuple[Decoder, ...] = ("flow_log", "flow_metrics")


class Agent:
    """The parts of one running agent and what goes between them."""

    def __init__(self, runtime: Runtime, settings: AgentSettings, folder: Path | None) -> None:
        self.runtime, self.settings = runtime, settings
        self.identity = host_identity(settings.host_id, settings.hostname, folder or Path("/nonexistent"))
        self._file = StandingFile(folder) if folder else None
        standing = self._file.read(self.identity.host_id) if self._file else Standing()
        self.http = httpx.AsyncClient(trust_env=False, headers={"user-agent": f"weir-agent/{revision()}"})
        self.senders = {decoder: self._sender(decoder, folder) for decoder in DECODERS}
        self.outbox = Outbox(self._put_from_thread, settings.held_mib * MIB)
        self.driver = Driver(self.outbox)
        self.watcher = Watcher(self.identity.boot_time_s, self._on_facts)
        self.control = ControlClient(settings.controller, standing, self._question, self._on_standing)
        self.reporter = Reporter(self.identity, self.control, settings.controller)
        self.governor = Governor()
        self.usage = Usage(0.0, 0)
        self.port = settings.port
        self._loop = asyncio.get_running_loop()
        self._replan = asyncio.Event()
        self._on_standing(standing)

    async def follow_plan(self) -> None:
        """Task: capture does what is planned, whenever the plan may have changed."""
        await self.watcher.first.wait()
        while True:
            self._replan.clear()
            plan = make_plan(self.control.standing, self.watcher.facts, self.governor.level, self.settings, self.port)
            await asyncio.to_thread(self.driver.apply, plan)
            await self._replan.wait()

    async def govern(self) -> None:
        """Task: keeps the agent within its limits."""
        meter = Meter()
        while True:
            await asyncio.sleep(self.settings.limit_window_s)
            self.usage = meter.read()
            CPU_PERCENT.set(self.usage.cpu_percent)
            RESIDENT_BYTES.set(self.usage.resident_bytes)
            self.driver.observe()
            if self.driver.failed is not None:
                raise self.driver.failed
            before = self.governor.level
            if self.governor.observe(self.usage) != before:
                self._shed()

    async def talk(self) -> None:
        """Task: the control plane, once this machine's addresses are known."""
        await self.watcher.first.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.control.run())
            group.create_task(self.reporter.run())

    async def stop_capture(self) -> None:
        """What lives in the engine becomes rows."""
        await asyncio.to_thread(self.driver.stop)
        self.outbox.close()

    async def deliver_rest(self) -> None:
        """Waits, not long, until the ingesters have everything."""
        rest_s = self.settings.stop_timeout_s / 2
        await asyncio.gather(*(sender.drained(rest_s if sender.url and not sender.last_failure else 0.0) for sender in self.senders.values()))

    async def close_spools(self) -> None:
        """What was not delivered goes to disk."""
        for decoder, sender in self.senders.items():
            waiting = sender.spool.rows.total()
            lost = sender.spool.close().total()
            if waiting:
                get_logger("agent").info("rows wait on disk for the next start", decoder=decoder, rows=waiting - lost, lost=lost)
        await self.http.aclose()

    def limits_problem(self) -> str:
        """For /readyz: what is not made because of the limits."""
        return f"The agent is at its limit of CPU or memory: {WORDS[self.governor.level]} not made." if self.governor.level else ""

    def disk_problem(self) -> str:
        """For /readyz: why unsent rows are in memory alone."""
        refused = {sender.spool.disk_refused for sender in self.senders.values() if sender.spool.disk_refused}
        where = f"The disk refuses unsent rows ({', '.join(sorted(refused))}): make room at {self.settings.state_dir}."
        return f"{where} Until then memory holds them, as far as it reaches." if refused else ""

    def registration_problem(self) -> str:
        """For /readyz: why this agent has no id yet."""
        standing = self.control.standing
        if standing.refused:
            return standing.refused
        return "" if standing.vtap_id else self.control.problem or "Waiting for the control plane to register this agent."

    def _sender(self, decoder: Decoder, folder: Path | None) -> Sender:
        spool = Spool(
            folder / "spool" / decoder if folder else None, memory_bytes=self.settings.spool_memory_mib * MIB, disk_bytes=128 * MIB, on_drop=count_dropped
        )
        for stream, rows in spool.rows.items():
            ROWS_IN.labels(stream).inc(rows)  # from an earlier run: this process's ledger begins with them
        if spool.corrupt_bytes:
            get_logger("agent").warning("unsent rows on disk were damaged", decoder=decoder, bytes=spool.corrupt_bytes)
        sender = Sender(decoder, spool, self.http, in_flight=self.settings.requests_in_flight)
        sender.observe()
        return sender

    def _put_from_thread(self, items: list[tuple[Decoder, Item]]) -> None:
        """Called by the thread that drains the engine, and at the stop by the loop's own."""
        try:
            on_loop = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            on_loop = False
        if on_loop:
            self._put(items)
        else:
            asyncio.run_coroutine_threadsafe(self._put_soon(items), self._loop).result()

    async def _put_soon(self, items: list[tuple[Decoder, Item]]) -> None:
        self._put(items)

    def _put(self, items: list[tuple[Decoder, Item]]) -> None:
        for decoder, item in items:
            self.senders[decoder].put(item)

    def _on_facts(self, facts: HostFacts) -> None:
        self.reporter.report(facts)
        self._replan.set()

    def _on_standing(self, standing: Standing) -> None:
        """Obeys: everything that a configuration can change while the agent runs is changed here."""
        config = standing.config
        VTAP_ID.set(standing.vtap_id)
        CONFIG_VERSION.set(standing.config_version)
        for decoder, sender in self.senders.items():
            sender.direct(standing.ingesters.get(decoder, ""), config.send.timeout_s)
            sender.spool.disk_bound_bytes = config.send.spool_bytes // len(DECODERS)
        if standing.vtap_id:
            resource: dict[str, str | int] = {
                "service.name": "weir-agent",
                "service.version": revision(),
                "host.name": self.identity.hostname,
                "host.id": self.identity.host_id,
                "weir.agent.id": standing.vtap_id,
                "weir.vpc.id": standing.vpc_id,
            }
            self.outbox.address(resource, ENCODINGS[config.send.compression], config.send.batch_rows)
        self.driver.interval_s = config.send.batch_interval_s
        self.watcher.configure(namespaces=config.capture.network_namespaces, processes=config.sync.processes)
        self.reporter.configure(config.sync.platform_interval_s)
        group_cpu, group_memory = group_limits()
        self.governor.limit(
            min(config.limits.cpu_percent, group_cpu), min(config.limits.memory_mib * MIB, group_memory * 0.9 if math.isfinite(group_memory) else math.inf)
        )
        if standing.config_version and config.log_level != self.settings.log_level:
            configure_logs("agent", config.log_level, self.settings.log_format)
        if self._file is not None and standing.vtap_id:
            self._file.write(standing, self.identity.host_id)
        self._replan.set()

    def _shed(self) -> None:
        level = self.governor.level
        for kind, since in (("l7", 1), ("logs", 2)):
            SHEDDING.labels(kind).set(int(level >= since))
        words = {"shedding": WORDS[level], "cpu_percent": round(self.usage.cpu_percent, 1), "resident_mib": self.usage.resident_bytes // MIB}
        if level:
            get_logger("agent").warning("at the limit of CPU or memory: less is made", **words)
        else:
            get_logger("agent").info("within the limits again: everything is made", **words)
        self._replan.set()
        self.control.ask_now()

    def _question(self, standing: Standing) -> pb.SyncRequest:
        return sync_request(self.identity, self.watcher.facts, standing, self.settings.controller, self.settings.group, health=self._health())

    def _health(self) -> pb.AgentHealth:
        stats = self.driver.observe()
        sent, dropped = rows_sent_and_dropped()
        problems = (self.driver.problem, self.driver.protocols.problem, self.watcher.problem, self.control.config_problem, self.disk_problem())
        return pb.AgentHealth(
            cpu_percent=self.usage.cpu_percent,
            rss_bytes=self.usage.resident_bytes,
            packets=stats.get("packets", 0),
            packets_dropped=stats.get("kernel_drops", 0),
            rows_sent=sent,
            rows_dropped=dropped,
            spool_bytes=sum(sender.spool.disk_bytes for sender in self.senders.values()),
            shedding=WORDS[self.governor.level],
            errors=[problem for problem in problems if problem],
        )


async def start(runtime: Runtime) -> None:
    """Builds and starts everything; what was started last stops first. Raises StartError."""
    settings = cast("AgentSettings", runtime.settings)
    folder = claim(settings.state_dir)
    agent = Agent(runtime, settings, folder)
    runtime.on_stop("spools", agent.close_spools)
    # Before anyone can ask: an agent that sees nothing yet must not say it is ready.
    runtime.health.check("registration", agent.registration_problem)
    runtime.health.check("capture", lambda: agent.driver.problem)
    runtime.health.check("limits", agent.limits_problem)
    runtime.health.check("disk", agent.disk_problem)
    agent.port = await runtime.serve_http(None)
    for decoder, sender in agent.senders.items():
        runtime.task(f"send {decoder}", sender.run())
    runtime.on_stop("rest", agent.deliver_rest)
    runtime.on_stop("capture", agent.stop_capture)
    runtime.task("platform", agent.watcher.run())
    runtime.task("control", agent.talk())
    runtime.task("plan", agent.follow_plan())
    runtime.task("limits", agent.govern())
