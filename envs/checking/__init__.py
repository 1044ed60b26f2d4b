"""The parts of `python -m envs.check`: what a vector environment did, and the rules it must keep."""
