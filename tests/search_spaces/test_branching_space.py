"""A space that branches: some names count only with certain values of another."""

import json

import pytest

from search_spaces import choice, model_layouts, ppo, uniform


@pytest.fixture
def deep():
    return model_layouts.deep_mlp(depths=(1, 2, 3), widths=(32, 64, 128))


def test_depth_decides_how_many_widths_there_are(deep):
    for depth in (1, 2, 3):
        config = deep.configuration({"depth": depth, "width_1": 128, "width_3": 32})
        widths = [name for name in config if name.startswith("width")]
        assert widths == [f"width_{layer}" for layer in range(1, depth + 1)]
        assert deep.contains(config)
        assert len(model_layouts.parse(model_layouts.derived(config)["layout"]).widths) == depth


def test_the_untuned_configuration_is_the_literatures(deep):
    assert model_layouts.derived(deep.defaults) == {"layout": "64x64-tanh"}
    assert deep.contains(deep.defaults)


@pytest.mark.parametrize(
    "config",
    [
        {"activation": "tanh", "depth": 2, "width_1": 32},
        {"activation": "tanh", "depth": 1, "width_1": 32, "width_2": 32},
        {"activation": "tanh", "depth": 1, "width_1": 33},
        {"activation": "tanh", "width_1": 32},
    ],
)
def test_a_configuration_has_exactly_the_names_that_count(deep, config):
    assert not deep.contains(config)


def test_narrowing_drops_what_could_never_count(deep):
    shallow = (ppo.CORE | deep).narrow(depth=(1, 2))
    assert "width_3" not in shallow.names
    assert shallow.branches
    assert shallow["width_2"].when == ("depth", (2,))
    assert not deep.narrow(depth=(1,)).branches
    assert deep.narrow(depth=(2, 3))["width_3"].when == ("depth", (3,))


def test_a_name_that_others_depend_on_cannot_be_left_out_alone(deep):
    with pytest.raises(ValueError, match="width_2 depends on depth: leave both out, or neither"):
        deep.without("depth")
    assert deep.without("depth", "width_2", "width_3").names == ("activation", "width_1")


def test_the_manifest_says_when_a_name_counts(deep):
    written = json.loads(json.dumps((ppo.BATCH | deep).to_json()))
    assert written["width_3"]["when"] == {"depth": [3]}
    assert "when" not in written["width_1"]
    assert "when" not in written["batch_size"]


def test_any_name_may_branch():
    space = choice("optimiser", "adam", "sgd", default="adam", source="x").branch(
        uniform("momentum", 0.0, 1.0, default=0.9, source="x"), optimiser=("sgd",)
    )
    assert space.defaults == {"optimiser": "adam"}
    assert space.configuration({"optimiser": "sgd"}) == {"optimiser": "sgd", "momentum": 0.9}
    assert space.misfits({"optimiser": "sgd", "momentum": 2.0}) == {"momentum": "0 to 1"}


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({}, "a branch depends on one hyperparameter, not 0"),
        ({"depth": (1,), "activation": ("tanh",)}, "one hyperparameter, not 2"),
        ({"depth": (7,)}, "expected values inside one of 1, 2, 3"),
        ({"depth": ()}, "expected values inside"),
    ],
)
def test_a_branch_that_makes_no_sense_is_refused(deep, when, message):
    with pytest.raises(ValueError, match=message):
        deep.branch(choice("more", 1, 2, default=1, source="x"), **when)


def test_a_branch_on_a_name_that_is_not_there_names_the_nearest(deep):
    with pytest.raises(KeyError, match="did you mean 'depth'"):
        deep.branch(choice("more", 1, 2, default=1, source="x"), deph=(1,))


def test_depths_have_a_limit():
    with pytest.raises(ValueError, match="expected 1 to 6"):
        model_layouts.deep_mlp(depths=(1, 7))
