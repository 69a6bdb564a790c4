"""Runs the store: settings from the environment, then until SIGTERM."""

from libs.boot import run
from services.store.app import start
from services.store.settings import StoreSettings


def main() -> None:
    """Settings → run."""
    run("store", StoreSettings, start)


if __name__ == "__main__":
    main()
