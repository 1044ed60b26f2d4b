"""Prices from files: the reader that names a wrong row, a synthetic file, and the script that made it."""
