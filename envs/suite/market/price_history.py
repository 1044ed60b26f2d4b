"""Reader of a user's price file, and its cut into train, validation and test."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from envs.validation import did_you_mean

SYNTHETIC = "synthetic"
"""The path that stands for the file that comes with the package."""
_SYNTHETIC_FILE = Path(__file__).with_name("synthetic_prices.csv")

Split = Literal["train", "validation", "test"]
SPLITS: tuple[str, ...] = get_args(Split)
DEFAULT_SHARES = (0.6, 0.8)
"""Where validation and test begin when no dates are given, as shares of all rows."""

Row = tuple[int, Any, Any]
"""Number in the file (the header of a CSV is row 1), date and price as they stand there."""


@dataclass(frozen=True, eq=False)
class PriceHistory:
    """Prices in time order."""

    dates: NDArray[np.datetime64]
    """[R], strictly ascending, to the microsecond, in UTC where the file states a time zone."""
    prices: NDArray[np.float64]
    """[R], finite and above 0."""
    rows: NDArray[np.int64]
    """The row of the file that each price comes from, [R]."""


def load_prices(path: str, price_column: str, date_column: str) -> PriceHistory:
    """Reads a CSV or Parquet file; one that has not changed is read once.

    Args:
        path: The file, ending in .csv or .parquet, or "synthetic".
        price_column: The name of the column of prices.
        date_column: The name of the column of dates: ISO 8601 text, or a date type in Parquet.

    Raises:
        ValueError: The file, a column or a row is not what it must be.
    """
    file = _SYNTHETIC_FILE if path == SYNTHETIC else Path(path)
    if not file.is_file():
        raise ValueError(f"path={path!r}: no such file; give a .csv or .parquet file or {SYNTHETIC!r}")
    if file.suffix.lower() not in (".csv", ".parquet"):
        raise ValueError(f"path={path!r}: expected a file ending in .csv or .parquet")
    return _load(file.resolve(), file.stat().st_mtime_ns, price_column, date_column)


def split_rows(
    history: PriceHistory, validation_from: str, test_from: str, embargo: int
) -> dict[str, tuple[int, int]]:
    """Cuts a history into train, validation and test, in time order.

    Args:
        history: The prices, R of them.
        validation_from: First date of the validation range; empty for that of row 0.6 R.
        test_from: First date of the test range; empty for that of row 0.8 R.
        embargo: Rows left out at the start of the later two.

    Returns:
        The first row of each split and the row after its last; a split may be empty.

    Raises:
        ValueError: The ranges are not in time order.
    """
    total = len(history.prices)
    validation, test = (
        int(history.dates.searchsorted(np.datetime64(parse_date(given, "date"))))
        if given
        else int(share * total)
        for given, share in zip((validation_from, test_from), DEFAULT_SHARES, strict=True)
    )
    if test < validation:
        raise ValueError(
            f"validation_from={validation_from!r} lies after test_from={test_from!r} (empty is 60 % and 80 % "
            "of the rows): expected train, validation and test in time order"
        )
    return {
        "train": (0, validation),
        "validation": (validation + embargo, test),
        "test": (test + embargo, total),
    }


@lru_cache(maxsize=8)
def _load(file: Path, changed: int, price_column: str, date_column: str) -> PriceHistory:
    del changed  # a part of the key only: a changed file is read anew
    read = _read_csv if file.suffix.lower() == ".csv" else _read_parquet
    numbers: list[int] = []
    dates: list[datetime] = []
    prices: list[float] = []
    for number, raw_date, raw_price in read(file, price_column, date_column):
        where = f"{file.name}, row {number}"
        moment = parse_date(raw_date, f"{where}: {date_column}")
        if dates and moment == dates[-1]:
            raise ValueError(f"{where}: {date_column} {raw_date} is there twice; keep one row a date")
        if dates and moment < dates[-1]:
            raise ValueError(f"{where}: {date_column} {raw_date} comes after a later one; sort by date")
        numbers.append(number)
        dates.append(moment)
        prices.append(_parse_price(raw_price, f"{where}: {price_column}"))
    history = PriceHistory(
        np.array(dates, dtype="datetime64[us]"), np.array(prices), np.array(numbers, dtype=np.int64)
    )
    for array in (history.dates, history.prices, history.rows):
        array.flags.writeable = False  # shared by every environment on this file
    return history


def _read_csv(file: Path, price_column: str, date_column: str) -> Iterator[Row]:
    # Spreadsheets put a byte order mark before the first column's name.
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        reader = csv.DictReader(lines)
        _check_columns(file, reader.fieldnames or (), price_column, date_column)
        for row in reader:
            yield reader.line_num, row[date_column], row[price_column]


def _read_parquet(file: Path, price_column: str, date_column: str) -> Iterator[Row]:
    # Only those who keep their prices in Parquet need pyarrow.
    import pyarrow as pa
    from pyarrow import parquet

    try:
        names = parquet.read_schema(file).names
    except pa.ArrowInvalid as error:
        raise ValueError(f"{file.name} is not a Parquet file: {error}") from error
    _check_columns(file, names, price_column, date_column)
    table = parquet.read_table(file, columns=[date_column, price_column])
    columns = (table.column(name).to_pylist() for name in (date_column, price_column))
    for number, (raw_date, raw_price) in enumerate(zip(*columns, strict=True), start=1):
        yield number, raw_date, raw_price


def _check_columns(file: Path, names: Sequence[str], *wanted: str) -> None:
    for name in wanted:
        if name not in names:
            hint = did_you_mean(name, names, likeness=0.5)
            raise ValueError(f"{file.name} has no column {name!r}{hint} It has: {', '.join(names) or 'none'}")


def parse_date(raw: Any, where: str) -> datetime:
    """Makes a time without a zone out of what a file or a user gives.

    Args:
        raw: ISO text, a date or a time.
        where: What to call it in an error.

    Raises:
        ValueError: It is none of these.
    """
    if raw is None or raw == "" or raw != raw:  # only a missing time differs from itself
        raise ValueError(f"{where} is missing")
    if isinstance(raw, str):
        try:
            raw = datetime.fromisoformat(raw.strip())
        except ValueError:
            raise ValueError(f"{where} {raw!r} is not a date: expected ISO form, as 2024-12-31") from None
    elif isinstance(raw, date) and not isinstance(raw, datetime):
        raw = datetime(raw.year, raw.month, raw.day)
    if not isinstance(raw, datetime):
        raise ValueError(f"{where} {raw!r} is not a date: expected ISO text or a date type")
    return raw if raw.tzinfo is None else raw.astimezone(UTC).replace(tzinfo=None)


def _parse_price(raw: Any, where: str) -> float:
    if raw is None or raw == "":
        raise ValueError(f"{where} is missing; fill it or drop the row")
    try:
        price = float(raw)
    except (TypeError, ValueError):
        raise ValueError(f"{where} {raw!r} is not a number") from None
    if math.isnan(price):
        raise ValueError(f"{where} is missing; fill it or drop the row")
    if not 0 < price < math.inf:
        raise ValueError(f"{where} {raw} is not a price: expected a finite number above 0")
    return price
