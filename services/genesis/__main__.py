"""`python -m services.genesis`."""

from libs.boot import run
from services.genesis.app import start
from services.genesis.settings import GenesisSettings


def main() -> None:
    """Runs the process until SIGTERM."""
    run("genesis", GenesisSettings, start, uvloop=False)


if __name__ == "__main__":
    main()
