"""Measure the real server and write BENCHMARKS.md; run with `python -m bench`."""
