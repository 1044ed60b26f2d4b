from . import colours, curves, theme
from .build import draw_all
from .figure import Figure

__all__ = ["Figure", "colours", "curves", "draw_all", "theme"]
