"""Sends a capture file's rows to the ingesters, by the same encoding, queue and sender as live rows, and waits until they have them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from agent.capture.governor import MIB
from agent.capture.making import engine_config
from agent.capture.plan import wanted_protocols
from agent.control.client import ControlClient
from agent.control.genesis import Reporter
from agent.control.question import revision, sync_request
from agent.control.standing import Standing
from agent.custom.hosts import Wanted
from agent.errors import CannotStartError, NotDeliveredError
from agent.metrics import count_dropped, rows_sent_and_dropped
from agent.platform.identity import HostIdentity, host_identity
from agent.platform.watch import Watcher
from agent.replay.capture_file import CaptureFile
from agent.send.encoding import ENCODINGS, Decoder, decoder_of, encode
from agent.send.item import Item
from agent.send.sender import Sender
from agent.send.spool import Spool
from agent.settings import AgentSettings
from libs.boot import StartError, configure_logs, load_settings
from libs.wire import agent_pb2 as pb

if TYPE_CHECKING:
    from weir_native import Batch

_DECODERS: Final[tuple[Decoder, ...]] = ("flow_log", "flow_metrics")
_REGISTER_S: Final = 30.0
_ALONE_S: Final = 1.5
"""Where the control plane does not know this machine after so long, the replay reports it, as a live agent would."""
_STUCK_S: Final = 60.0
"""A replay gives up when for so long no ingester took anything."""
_WAITING_BYTES: Final = 16 * MIB
"""Reading waits while so much waits for the ingesters."""


def deliver_file(path: Path, *, ingesters: Sequence[str], agent_id: int, protocols: Sequence[Wanted] = ()) -> None:
    """Sends `path`'s rows and says on standard error what became of them.

    `ingesters` are URLs, or decoder=URL. Raises CaptureFileError, CannotStartError where nobody says who this agent is or where rows go, NotDeliveredError.
    """
    try:
        settings = load_settings(AgentSettings)
    except StartError as error:
        raise CannotStartError(*error.args) from error
    configure_logs("agent", "warning", "console")
    urls = _urls(ingesters)
    if bool(urls) != bool(agent_id):
        message = "--ingester and --agent-id go together: give both, or neither to ask the control plane."
        raise CannotStartError(message)
    asyncio.run(_deliver(path, settings, urls, agent_id, protocols))


async def _deliver(path: Path, settings: AgentSettings, urls: Mapping[str, str], agent_id: int, protocols: Sequence[Wanted]) -> None:
    identity = host_identity(settings.host_id, settings.hostname, settings.state_dir)
    standing = Standing(vtap_id=agent_id, ingesters=dict(urls)) if agent_id else await _registered(settings, identity)
    config = standing.config
    file = CaptureFile(path, engine_config(config, standing.vtap_id), (*wanted_protocols(config, settings.protocols_dir), *protocols))
    resource: dict[str, str | int] = {
        "service.name": "weir-agent",
        "service.version": revision(),
        "host.name": identity.hostname,
        "host.id": identity.host_id,
        "weir.agent.id": standing.vtap_id,
        "weir.vpc.id": standing.vpc_id,
    }
    made: Counter[str] = Counter()
    async with _senders(settings, standing) as senders:
        batches = iter(file)
        while (gathered := await asyncio.to_thread(_some, batches, config.send.batch_rows)) is not None:
            for batch in gathered:
                made[decoder_of(batch.table)] += batch.rows
            items = await asyncio.to_thread(lambda found: list(encode(found, resource, ENCODINGS[config.send.compression], config.send.batch_rows)), gathered)
            await _put(items, senders)
        await _wait(senders, 0)
    sent, dropped = rows_sent_and_dropped()
    rows = ", ".join(f"{count} to {decoder}" for decoder, count in sorted(made.items())) or "no rows"
    sys.stderr.write(f"weir-agent: {file.packets} packets, {rows}: {sent} stored, {dropped} not.\n")
    if file.remark:
        sys.stderr.write(f"weir-agent: {file.remark}\n")
    if dropped:
        message = f"{dropped} of {sum(made.values())} rows were not taken by the ingesters; the lines above say why."
        raise NotDeliveredError(message)


def _urls(ingesters: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in ingesters:
        decoder, equals, url = text.partition("=")
        if not equals or "://" in decoder:
            found.update({name: text.rstrip("/") for name in _DECODERS if name not in found})
        elif decoder in _DECODERS:
            found[decoder] = url.rstrip("/")
        else:
            message = f"There is no ingester {decoder!r}: they are {' and '.join(_DECODERS)}."
            raise CannotStartError(message)
    return found


async def _registered(settings: AgentSettings, identity: HostIdentity) -> Standing:
    """Who this machine's agent is and where its rows go; registers it first where nobody has."""
    known = asyncio.Event()
    watcher = Watcher(identity.boot_time_s, lambda facts: reporter.report(facts))  # noqa: PLW0108  made below

    def question(standing: Standing) -> pb.SyncRequest:
        return sync_request(identity, watcher.facts, standing, settings.controller, settings.group, health=pb.AgentHealth())

    def heard(standing: Standing) -> None:
        if standing.vtap_id and standing.ingesters:
            known.set()

    control = ControlClient(settings.controller, Standing(), question, heard)
    reporter = Reporter(identity, control, settings.controller)

    async def report() -> None:
        await asyncio.sleep(_ALONE_S)
        await reporter.run()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(watcher.run())]
        await watcher.first.wait()
        tasks += [group.create_task(control.run()), group.create_task(report())]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REGISTER_S):
                await known.wait()
        for task in tasks:
            task.cancel()
    if not known.is_set():
        reason = control.problem or control.standing.refused or "it does not know this machine yet"
        message = f"The control plane did not say where rows go ({reason.rstrip('.')}): start Weir (`make up`), or give --ingester and --agent-id."
        raise CannotStartError(message)
    return control.standing


@asynccontextmanager
async def _senders(settings: AgentSettings, standing: Standing) -> AsyncIterator[dict[Decoder, Sender]]:
    async with httpx.AsyncClient(trust_env=False, headers={"user-agent": f"weir-agent/{revision()}"}) as client:
        made: dict[Decoder, Sender] = {}
        for decoder in _DECODERS:
            spool = Spool(None, memory_bytes=4 * _WAITING_BYTES, disk_bytes=0, on_drop=count_dropped)
            url = standing.ingesters.get(decoder, "")
            made[decoder] = Sender(decoder, spool, client, url=url, in_flight=settings.requests_in_flight, timeout_s=standing.config.send.timeout_s)
        tasks = [asyncio.create_task(sender.run()) for sender in made.values()]
        try:
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _some(batches: object, rows: int) -> list[Batch] | None:
    """The next batches, about `rows` rows of them; None at the end."""
    gathered: list[Batch] = []
    for batch in batches:  # type: ignore[attr-defined]
        gathered.append(batch)
        if sum(one.rows for one in gathered) >= rows:
            return gathered
    return gathered or None


async def _put(items: list[tuple[Decoder, Item]], senders: Mapping[Decoder, Sender]) -> None:
    for decoder, item in items:
        await _wait(senders, _WAITING_BYTES)
        senders[decoder].put(item)


async def _wait(senders: Mapping[Decoder, Sender], waiting_bytes: int) -> None:
    """Until not more than `waiting_bytes` wait. Raises NotDeliveredError when nothing moves any more."""
    loop = asyncio.get_running_loop()
    left, moved_at = -1, loop.time()
    while (waiting := sum(sender.spool.memory_bytes for sender in senders.values())) > waiting_bytes:
        rows = sum(sender.spool.rows.total() for sender in senders.values())
        if rows != left:
            left, moved_at = rows, loop.time()
        elif loop.time() - moved_at > _STUCK_S:
            reasons = "; ".join(f"{name}: {sender.last_failure or 'no address'}" for name, sender in senders.items() if sender.spool.count)
            message = f"{rows} rows were not delivered, {waiting} bytes ({reasons}): start the ingesters and replay again; rows they have already are not stored twice."
            raise NotDeliveredError(message)
        await asyncio.sleep(0.02)
