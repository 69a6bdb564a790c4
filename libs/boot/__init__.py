"""How every process starts, is watched, and stops.

Admission rule: what every process does the same way — settings, logs, health, metrics, the run loop — and nothing that only some do.
Neither FastAPI nor a database client is imported here: the agent uses this too.
"""

from libs.boot.errors import StartError
from libs.boot.health import Health
from libs.boot.logs import configure_logs, get_logger
from libs.boot.observe import observe
from libs.boot.run import Runtime, run
from libs.boot.settings import ProcessSettings, load_settings

__all__ = ["Health", "ProcessSettings", "Runtime", "StartError", "configure_logs", "get_logger", "load_settings", "observe", "run"]
