"""One JSON object per stored row on standard output, and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weir_native import Batch


def print_lines(batches: Iterable[Batch]) -> None:
    """Writes as the batches come. A reader that has had enough (`| head`) ends it quietly."""
    out = sys.stdout.buffer
    try:
        for batch in batches:
            out.write(batch.to_json_lines())
            out.flush()
    except BrokenPipeError:
        # The interpreter would complain once more when it flushes standard output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
