"""flow_metrics: 1 s and 1 m documents (log records `weir.flow.metrics`)."""

from __future__ import annotations

from typing import Final

from libs.tables.flow_metrics import FLOW_METRICS as TABLES
from services.ingester.decoders.model import Decoder, Stream

FLOW_METRICS: Final = Decoder(
    name="flow_metrics",
    doc="Stores seconds and minutes.",
    streams=(Stream("logs", "flow_metrics", "Log records with the event name weir.flow.metrics."),),
    tables=TABLES,
)
