"""What the control plane last said, kept on disk: an agent starts and captures while the control plane is away."""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import orjson

from agent.errors import AgentError
from libs.boot import get_logger
from libs.catalog.agent_config import AgentConfig, AgentConfigError, parse_agent_config
from libs.wire import agent_pb2 as pb

_FILE: Final = "standing.json"


class UnusableAnswerError(AgentError):
    """The control plane sent a configuration that this agent cannot obey; it keeps the one it has."""


@dataclass(frozen=True, slots=True)
class Standing:
    """This agent as the control plane knows it. `vtap_id` 0: not registered yet."""

    vtap_id: int = 0
    vpc_id: int = 0
    vtap_group_id: str = ""
    genesis_address: str = ""
    ingesters: dict[str, str] = field(default_factory=dict)
    """Decoder -> URL for OTLP over HTTP."""
    weir_endpoints: tuple[tuple[str, int], ...] = ()
    config_version: int = 0
    config: AgentConfig = field(default_factory=AgentConfig)
    refused: str = ""
    """Why a person disabled this agent, empty where nobody did."""

    def after(self, answer: pb.SyncResponse) -> Standing:
        """What it is after an answer. Raises UnusableAnswerError for a configuration that cannot be obeyed."""
        if answer.status == pb.SYNC_STATUS_REFUSED:
            return replace(self, refused=answer.message or "The control plane refuses this agent.")
        new = replace(self, refused="", genesis_address=answer.genesis_address or self.genesis_address)
        if answer.weir_endpoints:
            new = replace(new, weir_endpoints=tuple(sorted((one.address, one.port) for one in answer.weir_endpoints)))
        if answer.status != pb.SYNC_STATUS_OK:
            return new
        new = replace(new, vtap_id=answer.vtap_id, vpc_id=answer.vpc_id, vtap_group_id=answer.vtap_group_id)
        if answer.ingesters:
            new = replace(new, ingesters={one.decoder: one.otlp_http.rstrip("/") for one in answer.ingesters if one.otlp_http})
        if not answer.config_yaml:
            return new
        try:
            config = parse_agent_config(answer.config_yaml)
        except AgentConfigError as error:
            message = f"The configuration {answer.config_version} cannot be used: {error}"
            raise UnusableAnswerError(message) from error
        return replace(new, config=config, config_version=answer.config_version)


class StandingFile:
    """One JSON file, replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def read(self, host_id: str) -> Standing:
        """What was kept for this machine; a fresh standing where nothing was, where it is broken, or where the folder was copied from another machine."""
        try:
            kept: dict[str, Any] = orjson.loads(self._path.read_bytes())
            if kept.pop("host_id") != host_id:
                return Standing()
            endpoints = tuple((str(address), int(port)) for address, port in kept.pop("weir_endpoints"))
            return Standing(config=AgentConfig.model_validate(kept.pop("config")), weir_endpoints=endpoints, **kept)
        except FileNotFoundError:
            return Standing()
        except (OSError, ValueError, TypeError, KeyError) as error:
            get_logger("agent.control").warning("what the control plane said last cannot be read; it is asked again", reason=str(error))
            return Standing()

    def write(self, standing: Standing, host_id: str) -> None:
        """Keeps it; a disk that refuses costs no more than a later start."""
        kept = {name: value for name, value in asdict(standing).items() if name != "config"}
        data = orjson.dumps({**kept, "config": standing.config.model_dump(mode="json"), "host_id": host_id})
        fresh = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            fresh.write_bytes(data)
            os.replace(fresh, self._path)  # noqa: PTH105  the pair write_bytes and replace is one thought
