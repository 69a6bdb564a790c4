"""What a live agent takes on a machine where nothing much happens: only Weir itself, talking to itself."""

from __future__ import annotations

import time

from tests.bench.figure import Figure
from tests.bench.processes import Watch, cpu_s
from tests.bench.whole import up


def measure(*, quick: bool) -> list[Figure]:
    """CPU and memory of the agent of a `weir up` that is left alone."""
    seconds = 10.0 if quick else 30.0
    with up() as machine:
        time.sleep(5)
        pid = machine.pids()["agent"]
        before, began = cpu_s(pid), time.monotonic()
        with Watch(lambda: {"agent": pid}) as watch:
            time.sleep(seconds)
        used = (cpu_s(pid) - before) / (time.monotonic() - began)
        if machine.pids()["agent"] != pid or cpu_s(pid) <= 0:
            message = "the agent was not alive all the time"
            raise AssertionError(message)
        sees = machine.status()["agent"]
    return [
        Figure("live agent, idle: CPU", used * 100, "% of a core", 1, higher_is_better=False, note=f"over {seconds:.0f} s; {sees.get('state', '')}"),
        Figure("live agent, idle: memory", watch.peak("agent"), "MiB", 120, higher_is_better=False),
    ]
