"""Execution of an experiment, and the only place that knows Ray, RLlib and torch (and loads them late)."""
