"""One figure of a page: its panels, its title and how it is read."""

from dataclasses import dataclass
from typing import Any

import altair as alt

from analysis.report.figures import theme


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Figure of a page, also written as PNG and SVG."""

    name: str
    """File name without its ending."""
    title: str
    """What one sees, as a finding where there is one."""
    reading: str
    """One or two sentences on how to read it."""
    panels: tuple[Any, ...]
    """One chart, or several small ones that flow side by side."""

    def picture(self) -> dict[str, Any]:
        """Returns the Vega-Lite specification of all panels under one title, for PNG and SVG."""
        chart = self.panels[0] if len(self.panels) == 1 else alt.concat(*self.panels, columns=3, spacing=26)
        return theme.specification(theme.titled(chart, self.title, self.reading))

    def page_specs(self) -> list[dict[str, Any]]:
        """Returns each panel's Vega-Lite specification for the report, as wide as the page allows."""
        fitted = {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
        return [theme.specification(panel) | fitted for panel in self.panels]
