"""Runs the querier: settings from the environment, then until SIGTERM."""

from libs.boot import run
from services.querier.app import start
from services.querier.settings import QuerierSettings


def main() -> None:
    """Settings → run."""
    run("querier", QuerierSettings, start)


if __name__ == "__main__":
    main()
