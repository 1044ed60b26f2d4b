"""The report in a browser: on a desk, on a telephone, in the dark and on paper."""

import base64

import pytest

from analysis.report.write import write_report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(writer, tmp_path_factory):
    return write_report(writer.write_sweep(tmp_path_factory.mktemp("results") / "sweep"), figures=False).html


@pytest.mark.parametrize("width", [1200, 390])
def test_the_report_draws_every_figure_without_an_error_or_a_request(page, report, width):
    page.open(report, width)
    marks = page.evaluate(
        "Array.from(document.querySelectorAll('.plot'),"
        " plot => plot.querySelectorAll('svg .role-mark path, svg .role-mark text').length)"
    )
    assert len(marks) == 6 + 8  # six single figures and a panel for each hyperparameter
    assert min(marks) >= 5
    assert page.complaints() == []
    assert page.requests() == {report.as_uri()}


@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_sticks_out_of_the_page(page, report, width):
    page.open(report, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        "Array.from(document.querySelectorAll('.plot')).filter("
        "p => p.querySelector('svg').getBoundingClientRect().right > p.getBoundingClientRect().right + 1)"
        ".map(p => p.id)"
    )
    assert cut == []


def test_every_seed_is_shown_when_it_is_asked_for(page, report):
    page.open(report, 1200)
    opacity = (
        "Array.from(document.querySelectorAll('#confirmed_curves-1 path[stroke-width=\"0.9\"]'),"
        " path => Number(path.getAttribute('stroke-opacity')))"
    )
    assert set(page.evaluate(opacity)) == {0}
    page.evaluate("document.querySelector('#confirmed_curves-1 input[type=checkbox]').click()")
    page.evaluate("new Promise(done => setTimeout(done, 0))")
    assert min(page.evaluate(opacity)) > 0.3


LIGHTNESS = """
(colour => { const [r, g, b] = colour.match(/[0-9.]+/g).map(Number); return (r + g + b) / 765 })
"""


def test_a_dark_system_gets_a_dark_page_with_figures_that_can_be_read(page, report):
    for dark in (False, True):
        page.open(report, 1200, dark=dark)
        background, text, label, line = page.evaluate(
            f"[['body', 'backgroundColor'], ['h1', 'color'],"
            f" ['#confirmed_scores-1 .role-axis-label text', 'fill'],"
            f" ['#confirmed_curves-1 .role-axis-grid line', 'stroke']]"
            f".map(([what, name]) => {LIGHTNESS}(getComputedStyle(document.querySelector(what))[name]))"
        )
        assert (background < 0.15) == dark
        assert abs(background - text) > 0.6
        assert abs(background - label) > 0.5
        assert abs(background - line) < 0.2
        behind = "getComputedStyle(document.querySelector('#confirmed_curves-1 svg')).backgroundColor"
        assert page.evaluate(behind) == "rgba(0, 0, 0, 0)"


def test_a_dark_system_prints_on_white_paper(page, report):
    page.open(report, 1200, dark=True)
    page.call(
        "Emulation.setEmulatedMedia",
        media="print",
        features=[{"name": "prefers-color-scheme", "value": "dark"}],
    )
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_nothing_is_cut_on_paper(page, report):
    page.open(report, 1200)
    paper, wide = page.printed()
    assert wide == []
    assert base64.b64decode(paper).startswith(b"%PDF")
    scrolled = "Array.from(document.querySelectorAll('.scroll'), e => getComputedStyle(e).overflowX)"
    assert set(page.evaluate(scrolled)) == {"visible"}


def test_no_title_of_an_axis_is_cut_on_a_telephone(page, report):
    page.open(report, 390)
    cut = page.evaluate(
        "Array.from(document.querySelectorAll('.plot .role-axis-title text, .plot .role-legend text'))"
        ".filter(t => {"
        " const plot = t.closest('.plot').getBoundingClientRect(), own = t.getBoundingClientRect();"
        " return own.right > plot.right + 1 || own.left < plot.left - 1 || own.bottom > plot.bottom + 1"
        " || own.top < plot.top - 1 }).map(t => t.textContent)"
    )
    assert cut == []


def test_hostile_text_does_not_run(page, writer, tmp_path):
    hostile = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    env = writer.manifest()["env"] | {"id": hostile, "floor_policy": hostile}
    folder = writer.write_sweep(
        tmp_path / "sweep", trials=8, seeds=2, env=env, question=hostile, command=hostile
    )
    page.open(write_report(folder, figures=False).html, 1200)
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert "</script>" in page.evaluate("document.querySelector('h1').textContent")
