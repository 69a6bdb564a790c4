"""What the querier counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

QUESTIONS: Final = Counter("weir_querier_questions", "Questions answered, by how they ended.", ["outcome"])
RUNNING: Final = Gauge("weir_querier_running", "Questions being answered now.")
TRANSLATE_SECONDS: Final = Histogram("weir_querier_translate_seconds", "Time to read and translate a statement that was not kept.", buckets=_BUCKETS)
ANSWER_SECONDS: Final = Histogram("weir_querier_answer_seconds", "Time from the request to the last byte.", buckets=_BUCKETS)
CACHE: Final = Counter("weir_querier_translations", "Statements, by whether their translation was kept.", ["kept"])
BYTES_OUT: Final = Counter("weir_querier_bytes_out", "Bytes of answers.", ["format"])
EDGE_ERRORS: Final = Counter("weir_querier_edge_errors", "Errors that nothing expected, by edge.", ["edge"])
