"""`python -m services.tagrecorder`."""

from libs.boot import run
from services.tagrecorder.app import start
from services.tagrecorder.settings import TagrecorderSettings


def main() -> None:
    """Runs the process until SIGTERM."""
    run("tagrecorder", TagrecorderSettings, start, uvloop=False)


if __name__ == "__main__":
    main()
