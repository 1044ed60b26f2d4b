"""The spaces that experiments use are sourced, and cannot produce a combination that does not work."""

import itertools

import pytest
from optuna.distributions import FloatDistribution

from search_spaces import model_layouts, ppo
from search_spaces.baselines import RLLIB_DEFAULTS, rllib_defaults

EVERYTHING = ppo.CORE | ppo.BATCH | model_layouts.MLP


@pytest.mark.parametrize("hyperparameter", EVERYTHING.hyperparameters, ids=lambda h: h.name)
def test_every_bound_states_its_source(hyperparameter):
    assert len(hyperparameter.source) > 20


def test_every_combination_of_batch_and_minibatches_divides_evenly():
    sizes, counts = (ppo.BATCH[name].domain.choices for name in ("batch_size", "num_minibatches"))
    for size, count in itertools.product(sizes, counts):
        assert size % count == 0
        assert size // count >= 16


def test_what_spans_orders_of_magnitude_is_searched_on_a_log_scale():
    for h in EVERYTHING:
        if isinstance(h.domain, FloatDistribution) and h.domain.low > 0:
            assert h.domain.log == (h.domain.high / h.domain.low >= 10), h.name


@pytest.mark.parametrize("name", model_layouts.MLP["layout"].domain.choices)
def test_every_layout_of_the_space_has_a_meaning(name):
    layout = model_layouts.parse(name)
    assert all(width > 0 for width in layout.widths)


def test_a_layouts_name_says_all_of_it():
    layout = model_layouts.parse("128x64x32-silu-shared")
    assert layout == model_layouts.Layout(widths=(128, 64, 32), activation="silu", shared=True)
    assert not model_layouts.parse("256-relu").shared
    assert model_layouts.parse("512x256x128-elu").activation == "elu"


def test_a_stack_is_named_by_its_channels_too():
    layout = model_layouts.parse("cnn-16x32x64-256-shared")
    assert layout.filters == ((16, 4, 2), (32, 4, 2), (64, 4, 2))
    assert (layout.widths, layout.activation, layout.shared) == ((256,), "relu", True)


@pytest.mark.parametrize(
    "name", ["64x64", "64x64-gelu", "x64-tanh", "64x64-tanh-separate", "cnn-0x8-64", "cnn-8x-64", ""]
)
def test_a_layout_without_a_meaning_is_refused(name):
    with pytest.raises(ValueError, match="expected widths and activation such as '64x64-tanh'"):
        model_layouts.parse(name)


@pytest.mark.parametrize("name", model_layouts.TILES["layout"].domain.choices)
@pytest.mark.parametrize("size", [24, 32, 40, 64])
def test_every_layout_for_tiles_fits_every_image_of_tiles(name, size):
    model_layouts.check_fits(name, (size, size, 3))


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("64x64-tanh", (24, 24, 3), "does not fit images of 24x24x3: expected a stack such as"),
        ("cnn-tile4-64", (4,), "does not fit vectors of 4: expected widths such as"),
        ("cnn-small-128", (6, 6, 3), "its convolution 1 looks at 8x8 but is shown 6"),
        ("cnn-nature-64", (8, 8, 3), "its convolution 2 looks at 4x4 but is shown 2"),
        ("cnn-16x32x64-64", (8, 8, 3), "its convolution 3 looks at 4x4 but is shown 2"),
    ],
)
def test_a_layout_that_cannot_see_the_observation_is_refused(name, shape, message):
    with pytest.raises(ValueError, match=message):
        model_layouts.check_fits(name, shape)


def test_rllibs_baseline_gets_a_network_that_can_see_images():
    assert rllib_defaults(ppo.CORE | model_layouts.TILES)["layout"] == "cnn-tile4-128"
    assert rllib_defaults(ppo.CORE | model_layouts.MLP) == dict(RLLIB_DEFAULTS)
