"""The page on all environments is what the registry says, and every picture it shows is there."""

import re
from pathlib import Path

import pytest

import envs
from envs.catalogue import main, section

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("env_id", envs.ids())
def test_the_page_in_docs_says_what_the_environment_says(env_id):
    text = (DOCS / "environments.md").read_text(encoding="utf-8")
    assert section(env_id) in text, "make figures writes it again"


@pytest.mark.parametrize("env_id", envs.ids())
def test_every_picture_and_source_of_a_section_exists(env_id):
    links = re.findall(r"\]\(([^)]+)\)", section(env_id))
    assert len(links) == 4
    for link in links:
        assert (DOCS / link).resolve().is_file()


def test_the_command_writes_the_page_and_says_where(tmp_path, capsys):
    main([str(tmp_path / "new" / "environments.md")])
    page = (tmp_path / "new" / "environments.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() == str(tmp_path / "new" / "environments.md")
    assert page.count("\n## ") == len(envs.ids())
