"""Contestants of the benchmarks: peers' trainers, searches and sweeps, and scalar environments."""
