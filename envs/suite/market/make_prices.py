"""Generator of the synthetic price file, which it writes again the same to the byte.

    python -m envs.suite.market.make_prices

Fifteen years of weekdays (4,000). The log-price reverts to its mean by 10 % a day under Gaussian noise of 2 %
a day, so that yesterday's moves tell something of tomorrow's and a policy can learn it; nothing else is there
to be known.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np

DESTINATION = Path(__file__).with_name("synthetic_prices.csv")
FIRST_DAY = date(2005, 1, 3)
DAYS = 4_000
MEAN_PRICE = 100.0
MEAN_REVERSION = 0.1
VOLATILITY = 0.02
SEED = 2005


def make_rows() -> list[tuple[str, str]]:
    """Makes dates in ISO form and prices to the cent, one weekday after the other."""
    noise = np.random.default_rng(SEED).standard_normal(DAYS)
    rows = []
    day, log_price = FIRST_DAY, 0.0
    for shock in noise.tolist():
        rows.append((day.isoformat(), f"{MEAN_PRICE * float(np.exp(log_price)):.2f}"))
        log_price += -MEAN_REVERSION * log_price + VOLATILITY * shock
        day += timedelta(days=3 if day.weekday() == 4 else 1)
    return rows


def write(destination: Path) -> None:
    """Writes the file, with a header."""
    with destination.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("date", "close"))
        writer.writerows(make_rows())


if __name__ == "__main__":
    write(DESTINATION)
