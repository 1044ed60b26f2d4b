"""Playing an environment by hand in a window, alone or beside a trained policy."""
