"""`python -m services.trisolaris`."""

from libs.boot import load_settings, run
from services.trisolaris.app import start
from services.trisolaris.settings import TrisolarisSettings


def main() -> None:
    """Runs the process until SIGTERM."""
    run("trisolaris", load_settings(TrisolarisSettings), start, uvloop=False)


if __name__ == "__main__":
    main()
