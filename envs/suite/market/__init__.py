"""Trading on a random, a mean-reverting and a recorded market: dynamics, solver, hindsight and picture."""

from envs.suite.market.trading import Trading, TradingEnv, TradingParameters, TradingVectorEnv
from envs.suite.market.trading_historical import (
    TradingHistorical,
    TradingHistoricalEnv,
    TradingHistoricalParameters,
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
