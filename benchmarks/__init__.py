"""Measurements: speed against peers, searches against one another, and the statistics in simulated sweeps.

Each module with a `main` is a script, `python -m benchmarks.NAME`; most write their result into a section of
docs/. Measured are the packages of the repository, which import nothing from here.
"""
