"""The spaces that experiments use are sourced, and cannot produce a combination that does not work."""

import itertools

import pytest
from optuna.distributions import FloatDistribution

from search_spaces import model_layouts, ppo

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


@pytest.mark.parametrize("name", ["64x64", "64x64-gelu", "x64-tanh", "64x64-tanh-separate", ""])
def test_a_layout_without_a_meaning_is_refused(name):
    with pytest.raises(ValueError, match="expected widths and activation such as '64x64-tanh'"):
        model_layouts.parse(name)
