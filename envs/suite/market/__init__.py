"""Stock trading on a random, a mean-reverting and a recorded market: dynamics, solvers and picture."""

from envs.suite.market.historical_parameters import TradingHistoricalParameters
from envs.suite.market.trading import Trading, TradingEnv, TradingParameters, TradingVectorEnv
from envs.suite.market.trading_historical import (
    TradingHistorical,
    TradingHistoricalEnv,
    TradingHistoricalVectorEnv,
)

__all__ = [
    "Trading",
    "TradingEnv",
    "TradingHistorical",
    "TradingHistoricalEnv",
    "TradingHistoricalParameters",
    "TradingHistoricalVectorEnv",
    "TradingParameters",
    "TradingVectorEnv",
]
