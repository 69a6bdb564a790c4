"""Runs the querier: settings from the environment, then until SIGTERM."""

import sys

from libs.boot import StartError, load_settings, run
from services.querier.app import start
from services.querier.settings import QuerierSettings


def main() -> None:
    """Settings → run."""
    try:
        settings = load_settings(QuerierSettings)
    except StartError as error:
        sys.exit(f"weir querier: {error}")
    run("querier", settings, start)


if __name__ == "__main__":
    main()
