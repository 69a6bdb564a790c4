"""An empty or broken snapshot never deletes the world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.recorder.errors import RefusedSnapshot
from services.recorder.wanted import World

_MUST_EXIST: Final = ("region", "vpc", "vm")
"""Kinds of which a world that had any cannot have none."""


def check(world: World, recorded: Mapping[str, int]) -> None:
    """Raises RefusedSnapshot where `world` would delete every row of a kind that nothing works without; `recorded` counts live rows by kind.

    Machines come and go one by one. All of them at once is cloud or genesis without their memory, or a network that is cut: what is
    recorded stays until a snapshot says something again.
    """
    for kind in _MUST_EXIST:
        if recorded.get(kind) and not world.by_kind[kind]:
            message = f"The snapshot has no {kind} while {recorded[kind]} are recorded: nothing is deleted until one comes that has some."
            raise RefusedSnapshot(message)
