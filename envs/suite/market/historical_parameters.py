"""Parameters of trading at recorded prices: the file, the split by date, the observed past, and the trader's."""

from __future__ import annotations

from dataclasses import dataclass

from envs.suite.market.portfolio import TraderParameters
from envs.suite.market.price_history import SPLITS, SYNTHETIC, Split, parse_date
from envs.validation import did_you_mean


@dataclass(frozen=True, kw_only=True)
class TradingHistoricalParameters(TraderParameters):
    """Parameters of the environment: which prices, which part of them, how much of the past is observed."""

    path: str = SYNTHETIC
    """A .csv or .parquet file with one price a row, in time order; "synthetic" is the one that comes along."""
    price_column: str = "close"
    """The column of prices, in currency units."""
    date_column: str = "date"
    """The column of dates, in ISO form (2024-12-31)."""
    split: Split = "train"
    """The range of dates that episodes are drawn from: train, validation or test."""
    validation_from: str = ""
    """First date of the validation range, in ISO form; empty for that of the row after 60 % of the rows."""
    test_from: str = ""
    """First date of the test range, in ISO form; empty for that of the row after 80 % of the rows."""
    embargo: int = 20
    """Rows left out at the start of validation and test, so that what lingers after the range before is no
    help; 0 or more."""
    window: int = 10
    """k, how many of the last log-returns are observed; 1 to 1,000."""
    initial_cash: float = 100_000.0
    """Cash at the start, in currency units; enough for a share at the split's highest price."""
    max_steps: int = 60
    """Steps of an episode; one step is one row."""
    fee_rate: float = 0.001
    """Share of every trade's value that is paid as a fee; 0 to 0.5."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("embargo", 0, 1_000_000)
        self.check("window", 1, 1_000)
        for name in ("path", "price_column", "date_column"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise ValueError(f"TradingHistorical {name}={value!r}: expected text")
        if self.split not in SPLITS:
            hint = did_you_mean(str(self.split), SPLITS)
            raise ValueError(
                f"TradingHistorical split={self.split!r}: expected one of {', '.join(SPLITS)}{hint}"
            )
        for name in ("validation_from", "test_from"):
            if (value := getattr(self, name)) != "":
                parse_date(value, f"TradingHistorical {name}")
