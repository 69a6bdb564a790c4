"""Runs the store: settings from the environment, then until SIGTERM."""

import sys

from libs.boot import StartError, load_settings, run
from services.store.app import start
from services.store.settings import StoreSettings


def main() -> None:
    """Settings → run."""
    try:
        settings = load_settings(StoreSettings)
    except StartError as error:
        sys.exit(f"weir store: {error}")
    run("store", settings, start)


if __name__ == "__main__":
    main()
