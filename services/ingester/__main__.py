"""`python -m services.ingester <decoder>`."""

from __future__ import annotations

import functools
import sys

from libs.boot import StartError, run
from services.ingester.allocator import keep_memory
from services.ingester.app import start
from services.ingester.decoders import DECODERS, decoder
from services.ingester.settings import settings_for


def main(arguments: list[str]) -> None:
    """Runs the ingester of the one decoder that is named."""
    names = ", ".join(row.name for row in DECODERS)
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        sys.exit(f"usage: python -m services.ingester <decoder>\n  the decoders are: {names}")
    try:
        chosen = decoder(arguments[0])
    except KeyError:
        sys.exit(f"There is no decoder {arguments[0]!r}: the decoders are {names}.")
    try:
        settings = settings_for(chosen)
    except StartError as error:
        sys.exit(f"cannot start: {error}")
    keep_memory()
    run(f"ingester.{chosen.name}", settings, functools.partial(start, decoder=chosen, settings=settings))


if __name__ == "__main__":
    main(sys.argv[1:])
