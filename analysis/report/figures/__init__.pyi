from . import theme
from .build import Figure, draw_all

__all__ = ["Figure", "draw_all", "theme"]
