"""Figures, each with a baseline measured in the same run. `make bench` prints them and writes `build/bench.json`."""
