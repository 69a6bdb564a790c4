"""flow_log: requests (OTLP spans, the agent's and anybody's) and L4 flows (log records `weir.flow.l4`)."""

from __future__ import annotations

from typing import Final

from libs.tables.flow_log import FLOW_LOG as TABLES
from services.ingester.decoders.model import Decoder, Stream

FLOW_LOG: Final = Decoder(
    name="flow_log",
    doc="Stores flows and requests.",
    streams=(
        Stream("traces", "l7_flow_log", "Spans of any OpenTelemetry sender and the agent's requests."),
        Stream("logs", "l4_flow_log", "Log records with the event name weir.flow.l4."),
    ),
    tables=TABLES,
)
