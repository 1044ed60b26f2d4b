"""The default with its batch adapted to a budget is a stated rule that stays inside the space."""

import pytest

from search_spaces import model_layouts, ppo
from search_spaces.baselines import ENOUGH_UPDATES, adapted_defaults
from search_spaces.space import choice, integer

SPACE = ppo.CORE | ppo.BATCH | model_layouts.MLP
BATCH_ALONE = ppo.BATCH.without("num_minibatches")


@pytest.mark.parametrize(
    ("steps", "batch", "count"),
    [
        (4_096, 512, 8),  # 8 updates are the most that the space allows
        (16_384, 512, 8),
        (40 * 512, 512, 8),
        (40 * 1024 - 1, 512, 8),
        (40 * 1024, 1024, 16),
        (40 * 2048 - 1, 1024, 16),
        (40 * 2048, 2048, 32),
        (10**7, 2048, 32),  # never larger than the default's
    ],
)
def test_the_batch_is_the_largest_that_leaves_updates_enough_and_the_minibatch_stays_the_same(
    steps, batch, count
):
    adapted = adapted_defaults(SPACE, steps=steps, lanes=8)
    assert adapted == SPACE.defaults | {"batch_size": batch, "num_minibatches": count}
    assert SPACE.contains(adapted)
    assert batch / count == 64
    assert steps // batch >= ENOUGH_UPDATES or batch in (512, 2048)


def test_a_batch_has_a_step_of_every_lane():
    assert adapted_defaults(SPACE, steps=4_096, lanes=1024)["batch_size"] == 1024
    assert adapted_defaults(SPACE, steps=4_096, lanes=4096) == SPACE.defaults


def test_a_space_that_has_no_smaller_batch_keeps_its_default():
    assert adapted_defaults(ppo.CORE, steps=4_096, lanes=8) == ppo.CORE.defaults
    narrow = SPACE.narrow(batch_size=(2048, 4096))
    assert adapted_defaults(narrow, steps=4_096, lanes=8) == narrow.defaults


@pytest.mark.parametrize(
    ("fixed", "batch"),
    [({}, 96), ({"num_minibatches": 10}, 100), ({"minibatch_size": 120}, 120), ({"num_minibatches": 7}, 98)],
)
def test_a_range_of_batches_is_searched_for_one_that_the_fixed_minibatches_divide(fixed, batch):
    space = integer("batch_size", 64, 512, default=512, source="a paper")
    assert adapted_defaults(space, steps=4_000, lanes=8, fixed=fixed) == {"batch_size": batch}


def test_of_the_numbers_of_minibatches_only_those_count_that_divide_the_batch():
    batch = choice("batch_size", 300, 2000, default=2000, source="a paper")
    counts = choice("num_minibatches", 4, 7, 10, default=10, source="a paper")
    adapted = adapted_defaults(batch | counts, steps=4_000, lanes=8)
    assert adapted == {"batch_size": 300, "num_minibatches": 4}
