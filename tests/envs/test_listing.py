"""`python -m envs` names everything there is, in 100 columns."""

import pytest
from gymnasium import spaces

import envs
from envs.__main__ import PIPED_WIDTH, main
from envs.spaces.text import in_brief


@pytest.fixture(scope="module")
def listing():
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main([])
    return out.getvalue()


@pytest.mark.parametrize("env_id", envs.ids())
def test_every_id_is_listed_with_its_floor_its_optimum_and_every_reference(listing, env_id):
    lines = iter(listing.splitlines())
    section = [next(line for line in lines if f" {env_id} " in line)]
    for line in lines:
        if line.startswith("├") or line.startswith("└"):
            break
        section.append(line)
    text = "\n".join(section)
    references = envs.references(env_id)
    for name, policy in references.policies.items():
        assert name in text
        assert f"{policy.expected_return:.4g}" in text
    assert f"{references.floor_policy} (floor)" in text
    assert f"{references.optimal_policy} (optimum)" in text


def test_no_line_is_wider_than_the_page(listing):
    assert max(len(line) for line in listing.splitlines()) <= PIPED_WIDTH


def test_a_box_is_described_by_its_shape_and_type():
    assert in_brief(spaces.Box(0, 255, (64, 64, 3), "uint8")) == "Box[64, 64, 3] uint8"
    assert in_brief(spaces.Discrete(5)) == "Discrete(5)"
