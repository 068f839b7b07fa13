"""Measured claims: one script per claim, `python -m benchmarks.<name>`; `make bench` runs all.

Each module that is a benchmark has `run() -> Table`. A claim is measured beside peers (other ways to do the same) and
limits (what no program of this kind can beat) in the same minutes on the same machine, in turns, so that a ratio
holds where an absolute time does not. Nothing under `tests/` measures time.
"""
