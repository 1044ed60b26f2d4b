"""A dataclass is a command line: fields are options, docstrings are help, and a wrong value is one line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from analysis.command_line import read_command, read_options


@dataclass(frozen=True)
class Brew:
    """Brews a pot."""

    pot: Path
    """Where it is brewed."""
    kind: Literal["green", "black"] = "green"
    """What is brewed."""
    cups: int | None = None
    """Cups; as many as the pot
    holds if left out."""
    strength: float = 0.5
    """From 0 to 1, where 50 % is usual."""
    guests: tuple[str, ...] = ("Ada", "Alan")
    """Who drinks it."""
    with_milk: bool = False
    """Add milk."""


def read(*arguments):
    return read_options(Brew, arguments, program="brew", description="Tea.\n\n  Hot.")


def test_what_is_left_out_is_as_declared():
    assert read("pot") == Brew(Path("pot"))


def test_every_kind_of_field_is_read():
    given = ("--kind", "black", "--cups=3", "--strength", "1", "--with-milk", "pot", "--guests", "Eve", "Bob")
    read_as = Brew(Path("pot"), "black", 3, 1.0, ("Eve", "Bob"), with_milk=True)
    assert read(*given) == read_as


def test_an_option_that_may_be_left_out_is_of_the_type_that_it_has_when_it_is_given(capsys):
    with pytest.raises(SystemExit):
        read("pot", "--cups", "None")
    assert capsys.readouterr().err == "error: --cups: 'None': expected a whole number; see brew --help\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: POT; see brew --help"),
        (("pot", "--kind", "red"), "--kind: 'red': expected green or black; see brew --help"),
        (("pot", "--cups", "2.5"), "--cups: '2.5': expected a whole number; see brew --help"),
        (("pot", "--strength", "much"), "--strength: 'much': expected a number; see brew --help"),
        (("pot", "--cup", "2"), "there is no option --cup; did you mean '--cups'? See brew --help"),
        (("pot", "--sugar"), "there is no option --sugar; see brew --help"),
        (("pot", "second"), "'second': expected an option; see brew --help"),
    ],
)
def test_whatever_is_wrong_is_one_line_and_exit_code_two(capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        read(*arguments)
    assert end.value.code == 2
    assert capsys.readouterr() == ("", f"error: {message}\n")


def test_help_says_what_is_taken_with_its_default(capsys):
    with pytest.raises(SystemExit) as end:
        read("--help")
    assert not end.value.code
    told = capsys.readouterr().out
    assert told.startswith("usage: brew [options] POT\n\nTea.\n\n  Hot.\n")
    said = " ".join(told.split())
    assert "--kind {green,black} What is brewed. (default: green)" in said
    assert "--cups INT Cups; as many as the pot holds if left out. --strength FLOAT" in said
    assert "where 50 % is usual. (default: 0.5)" in said
    assert "(default: Ada Alan) --with-milk Add milk." in said


def test_the_first_argument_can_name_one_of_several_commands(capsys):
    def command(*arguments):
        return read_command({"brew": Brew}, arguments, program="tea", description="Tea.")

    assert command("brew", "pot", "--cups", "2") == Brew(Path("pot"), cups=2)
    for wrong in ((), ("boil",), ("brew",), ("brew", "pot", "--cup", "2")):
        with pytest.raises(SystemExit) as end:
            command(*wrong)
        assert end.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit):
        command("--help")
    assert "brew Brews a pot." in " ".join(capsys.readouterr().out.split())
