"""`python -m services.recorder`."""

from libs.boot import run
from services.recorder.app import start
from services.recorder.settings import RecorderSettings


def main() -> None:
    """Runs the process until SIGTERM."""
    run("recorder", RecorderSettings, start, uvloop=False)


if __name__ == "__main__":
    main()
