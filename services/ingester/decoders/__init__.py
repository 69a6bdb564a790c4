"""The decoders, one row each: `python -m services.ingester <name>`.

A decoder says which OTLP signals a process takes and which tables their rows go to. What a row looks like is native code.
"""

from __future__ import annotations

from typing import Final

from services.ingester.decoders.flow_log import FLOW_LOG
from services.ingester.decoders.flow_metrics import FLOW_METRICS
from services.ingester.decoders.model import Decoder, Signal, Stream

DECODERS: Final[tuple[Decoder, ...]] = (
    FLOW_LOG,
    FLOW_METRICS,
)


def decoder(name: str) -> Decoder:
    """The decoder of that name; raises KeyError where there is none."""
    for row in DECODERS:
        if row.name == name:
            return row
    raise KeyError(name)


__all__ = ["DECODERS", "Decoder", "Signal", "Stream", "decoder"]
