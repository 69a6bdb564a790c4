"""The engine takes what an agent's configuration can say, and refuses what it cannot mean."""

from __future__ import annotations

from typing import Any

import pytest
import weir_native

from agent.capture.making import engine_config
from libs.catalog import ENUMS
from libs.catalog.agent_config import L7_PROTOCOLS, AgentConfig


def test_the_engine_takes_every_default() -> None:
    weir_native.Engine(engine_config(AgentConfig(), 1))


def test_the_protocols_that_can_be_asked_for_are_those_that_the_engine_reads() -> None:
    read = set()
    for member in ENUMS["l7_protocol"]:
        try:
            weir_native.Engine({"l7_settings": {"protocols": [member.name]}})
        except ValueError:
            continue
        read.add(member.name)
    assert read == set(L7_PROTOCOLS)


@pytest.mark.parametrize(
    "config", [{"interfaces": ["a/b/c"]}, {"exclude_interfaces": ["blue/"]}, {"l4_rows_per_s": -1}, {"l7_settings": {"protocols": ["Gopher"]}}]
)
def test_what_cannot_be_meant_is_refused(config: Any) -> None:
    with pytest.raises((ValueError, OverflowError)):
        weir_native.Engine(config)
