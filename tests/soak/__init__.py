"""An hour of mixed traffic by real programs: `make soak` or `python -m tests.soak --minutes 60`, as root.

A veth pair, servers at one end, clients at the other, and beside them a process that runs the engine as the agent does. At the end every packet
of the interface's counters has a fate, every request is one row, every connection one flow, and memory is what it was.
"""
