"""How good is a person? Any environment of the suite in a window, alone or beside a trained policy."""
