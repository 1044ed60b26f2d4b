import re
from pathlib import Path

from analysis.sweep import schema

DOCS = Path(__file__).parents[2] / "docs"


def test_the_examples_of_the_analysis_page_run(sweep_folder, writer, tmp_path, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "analysis.md").read_text(), flags=re.DOTALL)
    assert len(blocks) >= 6
    other = writer.write_sweep(tmp_path / "other", trials=8, seed=4, experiment="trading_sweep")
    scope = {"folder": sweep_folder, "other": other}
    for block in blocks:
        exec(compile(block, "docs/analysis.md", "exec"), scope)
    assert "between the winners of 2 sweeps" in capsys.readouterr().out
    assert (sweep_folder / "report.html").exists()
    assert scope["page"].exists()


def test_the_analysis_page_explains_every_column():
    text = (DOCS / "analysis.md").read_text()
    for name, meaning in schema.DESCRIPTIONS.items():
        assert f"| `{name}` | {meaning} |" in text


def test_the_statistics_page_names_the_widening_that_is_used():
    from analysis.statistics import WIDENING

    assert f"1 + {WIDENING:g} / seeds" in (DOCS / "statistics.md").read_text()
