"""How a declaration is run: the only place that knows Ray, RLlib and torch (and loads them late)."""
