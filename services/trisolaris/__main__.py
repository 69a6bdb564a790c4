"""`python -m services.trisolaris`."""

from libs.boot import run
from services.trisolaris.app import start
from services.trisolaris.settings import TrisolarisSettings


def main() -> None:
    """Runs the process until SIGTERM."""
    run("trisolaris", TrisolarisSettings, start, uvloop=False)


if __name__ == "__main__":
    main()
