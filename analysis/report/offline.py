"""Offline page: template, style, script and figures in one HTML file without links to the outside."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import jinja2
import vl_convert
from markupsafe import Markup

from analysis.report.figures import Figure, colours
from analysis.sweep import write_bytes, write_text

TEMPLATES: Final = files("analysis.report") / "templates"
PNG_SCALE: Final = 2


def rendered(template: str, content: Mapping[str, Any]) -> str:
    """Returns a page; the template writes HTML and escapes every value of the content."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        loader=jinja2.FunctionLoader(_read),
    )
    css = (
        _read("report.css") + f"@media screen and (prefers-color-scheme: dark) {{\n{colours.dark_style()}\n}}"
    )
    return environment.get_template(template).render(page=content, css=Markup(css), script=Markup(bundle()))


def shown(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """Returns figures as a template takes them."""
    return [
        {
            "name": figure.name,
            "title": figure.title,
            "reading": figure.reading,
            "specs": [_json_for_script(spec) for spec in figure.page_specs()],
        }
        for figure in figures
    ]


def write_figures(folder: Path, drawn: Iterable[Figure]) -> tuple[Path, ...]:
    """Writes each figure as SVG and PNG and returns the paths."""
    folder.mkdir(exist_ok=True)
    written = []
    for figure in drawn:
        svg = vl_convert.vegalite_to_svg(figure.picture())
        written.append(write_text(folder / f"{figure.name}.svg", svg))
        png = vl_convert.svg_to_png(svg, scale=PNG_SCALE)
        written.append(write_bytes(folder / f"{figure.name}.png", png))
    return tuple(written)


@cache
def bundle() -> str:
    """Returns the page's script together with Vega, Vega-Lite and Vega-Embed; seconds of work, once."""
    bundled: str = vl_convert.javascript_bundle(_read("report.js"))
    return bundled.replace("</script", "<\\/script")


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _json_for_script(spec: dict[str, Any]) -> Markup:
    """Writes JSON that cannot leave its script element, whatever strings it holds."""
    text = json.dumps(spec, allow_nan=False, ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
