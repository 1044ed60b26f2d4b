"""The best possible returns, computed: one solver or search for each kind of environment."""
