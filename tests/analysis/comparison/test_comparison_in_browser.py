"""Comparisons in a browser: on a desk, on a telephone, in the dark and on paper."""

import pytest

from analysis.comparison import compare, write_comparison

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["one experiment", "several experiments"])
def comparison(request, writer, tmp_path_factory):
    """A comparison's page, with the number of its plots."""
    results, several = tmp_path_factory.mktemp("results"), request.param == "several experiments"
    folders = []
    for number in range(3):
        experiment = f"experiment_{number if several else 0}_sweep"
        folder = results / experiment / f"sweep_{number}"
        folders.append(
            writer.write_sweep(folder, trials=10, seeds=6, seed=number + 3, experiment=experiment, trainer=(
                "rllib" if number else "fast"))
        )  # fmt: skip
    return write_comparison(compare(*folders), results / "out"), 7 if several else 5


@pytest.mark.parametrize("width", [1200, 390])
def test_every_figure_is_drawn_without_an_error_or_a_request_and_nothing_sticks_out(page, comparison, width):
    html, plots = comparison
    page.open(html, width)
    marks = page.evaluate(
        "Array.from(document.querySelectorAll('.plot'),"
        " plot => plot.querySelectorAll('svg .role-mark path').length)"
    )
    assert len(marks) == plots
    assert min(marks) >= 2
    assert page.complaints() == []
    assert page.requests() == {html.as_uri()}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        "Array.from(document.querySelectorAll('.plot text')).filter(t => {"
        " const plot = t.closest('.plot').getBoundingClientRect(), own = t.getBoundingClientRect();"
        " return own.right > plot.right + 1 || own.left < plot.left - 1 }).map(t => t.textContent)"
    )
    assert cut == []


def test_a_dark_system_gets_a_dark_page(page, comparison):
    page.open(comparison[0], 1200, dark=True)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 24, 31)"
    fills = page.evaluate(
        "Array.from(document.querySelectorAll('.plot .role-axis-label text'), t => getComputedStyle(t).fill)"
    )
    assert set(fills) <= {"rgb(228, 233, 238)", "rgb(158, 171, 184)"}


def test_nothing_is_cut_on_paper(page, comparison):
    page.open(comparison[0], 1200)
    _, wide = page.printed()
    assert wide == []
