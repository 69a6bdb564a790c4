"""`python -m services.cloud`."""

from libs.boot import run
from services.cloud.app import start
from services.cloud.settings import CloudSettings


def main() -> None:
    """Runs the process until SIGTERM."""
    run("cloud", CloudSettings, start, uvloop=False)


if __name__ == "__main__":
    main()
