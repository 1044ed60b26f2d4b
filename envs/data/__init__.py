"""Data that comes with the environments: one synthetic price file, and the script that made it."""
