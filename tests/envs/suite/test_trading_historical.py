"""Episodes stay inside their split, look back inside it too, and are judged by what could be earned there."""

import itertools

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils import seeding

import envs
from envs.suite.market import TradingHistorical, TradingHistoricalParameters
from envs.suite.market.hindsight import Hindsight
from envs.suite.market.portfolio import BUY, HOLD, SELL

ENV_ID = "sweeps/TradingHistorical-v0"
SPLITS = ("train", "validation", "test")


@pytest.fixture
def price_file(tmp_path):
    def write(prices):
        days = np.datetime64("2024-01-01") + np.arange(len(prices))
        lines = ["date,close", *(f"{day},{price}" for day, price in zip(days, prices, strict=True))]
        path = tmp_path / "prices.csv"
        path.write_text("\n".join(lines))
        return str(path)

    return write


def market(**parameters):
    return TradingHistorical(TradingHistoricalParameters(**parameters), 1)


def test_the_splits_share_no_price_and_are_apart_by_the_embargo(price_file):
    path = price_file(range(1, 101))
    ranges = [
        market(path=path, split=split, embargo=3, window=2, max_steps=4).prices[[0, -1]].tolist()
        for split in SPLITS
    ]
    # Prices count the rows: 60 of train, then validation and test without their first three.
    assert ranges == [[1, 60], [64, 80], [84, 100]]


def test_every_episode_and_the_past_it_shows_lie_inside_the_split(price_file):
    trading = market(path=price_file(range(1, 101)), split="validation", embargo=3, window=2, max_steps=4)
    # Rows 63 to 79 of the file: two before a start, four after it.
    assert trading.prices[trading.starts].tolist() == list(range(66, 77))
    drawn = set()
    for seed in range(300):
        trading.begin(np.zeros(1, dtype=np.intp), [seeding.np_random(seed)[0]])
        drawn.add(float(trading.price(trading.lane, trading.time)[0]))
    assert drawn == set(range(66, 77))


def test_the_observation_shows_the_last_returns_in_units_of_the_train_range():
    for split in SPLITS:
        env = gym.make(ENV_ID, split=split, window=3, disable_env_checker=True)
        env.reset(seed=1)
        observation, *_ = env.step(BUY)
        trading = env.unwrapped.dynamics
        row = int(trading.row[0])
        unit = np.diff(np.log(market(split="train").prices)).std()
        returns = np.diff(np.log(trading.prices[row - 3 : row + 1])) / unit
        assert observation[:3] == pytest.approx(np.clip(returns, -5, 5), rel=1e-5)
        assert observation[3] == pytest.approx(1.0, abs=1e-2)
        assert observation[4] == pytest.approx(1 - 1 / 60)


def test_later_prices_do_not_change_what_a_train_episode_shows(price_file):
    rng = np.random.default_rng(0)
    prices = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(200)))
    shown = []
    for later in (1.0, 3.0):
        prices[120:] *= later
        env = gym.make(ENV_ID, path=price_file(prices), max_steps=10, disable_env_checker=True)
        shown.append([env.reset(seed=0)[0], *(env.step(BUY)[0] for _ in range(10))])
    assert (np.array(shown[0]) == np.array(shown[1])).all()


def test_trades_happen_at_the_files_prices(price_file):
    # A window of 1 and 3 steps leave one start in the six rows of train: row 1.
    path = price_file([10, 10, 20, 10, 40, 40, 1, 1, 1, 1])
    trading = market(path=path, window=1, max_steps=4, initial_cash=100.0, fee_rate=0.0)
    trading.begin(np.zeros(1, dtype=np.intp), [np.random.default_rng(0)])
    rewards = [float(trading.advance(slice(None), np.array([a])).rewards[0]) for a in (BUY, SELL, BUY, HOLD)]
    assert rewards == pytest.approx([1.0, 0.0, 6.0, 0.0])
    summary = trading.summarise(np.array([0]))
    assert summary["portfolio_value"].tolist() == [800.0]
    # Buying first and holding makes 400 of 100.
    assert summary["excess_return"].tolist() == [4.0]


@pytest.mark.parametrize("fee_rate", [0.0, 0.03, 0.2])
def test_hindsight_is_the_best_of_all_sequences_of_trades(fee_rate):
    prices = 100 * np.exp(np.cumsum(0.1 * np.random.default_rng(3).standard_normal(8)))
    steps = len(prices) - 1
    best = 0.0
    for positions in itertools.product((0, 1), repeat=steps):
        wealth, before = 1.0, 0
        for t, position in enumerate(positions):
            wealth *= {(0, 1): 1 / (1 + fee_rate), (1, 0): 1 - fee_rate}.get((before, position), 1.0)
            wealth *= prices[t + 1] / prices[t] if position else 1.0
            before = position
        best = max(best, wealth)
    hindsight = Hindsight(prices, steps, fee_rate)
    wealth, holding = 1.0, 0
    for t in range(steps):
        wanted = int(hindsight.invests(np.array([steps - t]), np.array([t]), np.array([holding == 1]))[0])
        wealth *= {(0, 1): 1 / (1 + fee_rate), (1, 0): 1 - fee_rate}.get((holding, wanted), 1.0)
        wealth *= prices[t + 1] / prices[t] if wanted else 1.0
        holding = wanted
    assert wealth == pytest.approx(best)


@pytest.mark.parametrize("split", SPLITS)
def test_every_split_states_references_that_rollouts_confirm(split):
    references = envs.references(ENV_ID, split=split)
    assert references.floor_policy in ("cash", "buy_and_hold")
    assert references.floor >= 0.0
    for name, policy in references.policies.items():
        episodes = envs.roll_out(ENV_ID, policy.act, episodes=600, seed=0, split=split)
        error = abs(episodes.mean - policy.expected_return)
        assert error <= 4 * episodes.standard_error + 1e-3 * references.optimum, name


def test_a_rule_without_foresight_beats_the_floor_and_stays_far_from_hindsight():
    references = envs.references(ENV_ID, split="test")
    score = references.score(references.policies["contrarian"].expected_return)
    assert 0.05 < score < 0.2


def test_prices_that_only_fall_leave_nothing_to_score(price_file):
    with pytest.raises(ValueError, match="every policy is as good as any other"):
        envs.references(ENV_ID, path=price_file(range(300, 0, -1)), initial_cash=1000.0)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"split": "tset"}, "split='tset': expected one of train, validation, test; did you mean 'test'"),
        ({"split": None}, "split=None: expected one of"),
        ({"path": ""}, "path='': expected text"),
        ({"path": "nowhere.csv"}, "path='nowhere.csv': no such file"),
        ({"price_column": "Clse"}, "no column 'Clse'; did you mean 'close'"),
        ({"validation_from": "soon"}, "validation_from 'soon' is not a date"),
        ({"test_from": "2010-01-01"}, "expected train, validation and test in time order"),
        (
            {"validation_from": "1999-01-01", "test_from": "2000-01-01"},
            "split='train' of 'synthetic' is too short: 0",
        ),
        ({"split": "test", "max_steps": 770}, "780 rows of 4000 lie in it, expected 781"),
        ({"embargo": -1}, "embargo=-1: expected a whole number from 0"),
        ({"initial_cash": 100.0}, r"initial_cash=100 buys no share at the price \d+\.?\d* of row \d+"),
    ],
)
def test_what_cannot_be_traded_is_refused_in_one_line(parameters, reason):
    with pytest.raises(ValueError, match=reason) as error:
        gym.make(ENV_ID, **parameters)
    assert "\n" not in str(error.value)


def test_prices_that_never_move_are_refused(price_file):
    with pytest.raises(ValueError, match="never change"):
        gym.make(ENV_ID, path=price_file([10.0] * 300))
