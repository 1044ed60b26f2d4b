"""Simulated sweeps that hold the statistics against a known truth; nothing is trained.

Array names carry their axes: W sweeps, C configurations (the default first), K contenders, S seeds, E ends of
an interval.
"""
