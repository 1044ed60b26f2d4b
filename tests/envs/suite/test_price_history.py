"""A price file is read as it is, or refused in one line that names the row to mend."""

from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from envs.suite.market.make_prices import DESTINATION, write
from envs.suite.market.price_history import SYNTHETIC, load_prices, split_rows

SOUND = ["date,close", "2024-01-02,10", "2024-01-03,11.5", "2024-01-05,9"]


def csv_file(folder, lines):
    path = folder / "prices.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def load(path, price_column="close", date_column="date"):
    return load_prices(str(path), price_column, date_column)


def test_a_csv_is_read_row_by_row(tmp_path):
    history = load(csv_file(tmp_path, SOUND))
    assert history.prices.tolist() == [10.0, 11.5, 9.0]
    assert history.dates.astype("datetime64[D]").astype(str).tolist() == [
        "2024-01-02",
        "2024-01-03",
        "2024-01-05",
    ]
    assert history.rows.tolist() == [2, 3, 4]


def test_columns_are_found_by_name_among_others(tmp_path):
    lines = ["Volume,Day,Adj Close", "5,2024-01-02,10", "6,2024-01-03,11"]
    assert load(csv_file(tmp_path, lines), "Adj Close", "Day").prices.tolist() == [10.0, 11.0]


def test_a_byte_order_mark_of_a_spreadsheet_is_no_part_of_a_name(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(SOUND), encoding="utf-8-sig")
    assert load(path).prices.tolist() == [10.0, 11.5, 9.0]


@pytest.mark.parametrize(
    "dates",
    [
        [date(2024, 1, 2), date(2024, 1, 3)],
        [datetime(2024, 1, 2), datetime(2024, 1, 3)],
        ["2024-01-02", "2024-01-03"],
        pa.array([1704153600000000000, 1704240000000000000], pa.timestamp("ns", tz="UTC")),
    ],
    ids=["date", "datetime", "text", "zoned"],
)
def test_parquet_gives_the_same_whatever_type_its_dates_have(tmp_path, dates):
    path = tmp_path / "prices.parquet"
    parquet.write_table(pa.table({"date": dates, "close": [10.0, 11.0]}), path)
    history = load(path)
    assert history.dates.astype("datetime64[D]").astype(str).tolist() == ["2024-01-02", "2024-01-03"]
    assert history.prices.tolist() == [10.0, 11.0]
    assert history.rows.tolist() == [1, 2]


def test_a_missing_price_in_parquet_is_refused_with_its_row(tmp_path):
    path = tmp_path / "prices.parquet"
    parquet.write_table(pa.table({"date": ["2024-01-02", "2024-01-03"], "close": [10.0, None]}), path)
    with pytest.raises(ValueError, match="row 2: close is missing"):
        load(path)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2024-01-04,", "row 4: close is missing; fill it or drop the row"),
        ("2024-01-04", "row 4: close is missing"),
        ("2024-01-04,nan", "row 4: close is missing"),
        (",12", "row 4: date is missing"),
        ("2024-01-04,dear", "row 4: close 'dear' is not a number"),
        ("2024-01-04,0", "row 4: close 0 is not a price: expected a finite number above 0"),
        ("2024-01-04,-3.5", r"row 4: close -3\.5 is not a price"),
        ("2024-01-04,inf", "row 4: close inf is not a price"),
        ("04.01.2024,12", r"row 4: date '04\.01\.2024' is not a date: expected ISO form"),
        ("2024-01-03,12", "row 4: date 2024-01-03 is there twice"),
        ("2024-01-01,12", "row 4: date 2024-01-01 comes after a later one; sort by date"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path, row, reason):
    with pytest.raises(ValueError, match=reason) as error:
        load(csv_file(tmp_path, [*SOUND[:3], row, SOUND[3]]))
    assert str(error.value).startswith("prices.csv, row 4")
    assert "\n" not in str(error.value)


def test_a_missing_column_is_answered_with_the_nearest_and_with_all(tmp_path):
    path = csv_file(tmp_path, SOUND)
    with pytest.raises(ValueError, match=r"no column 'Close'; did you mean 'close'\? It has: date, close"):
        load(path, price_column="Close")


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        load(tmp_path / "nothing.csv")
    (tmp_path / "prices.txt").write_text("date,close\n")
    with pytest.raises(ValueError, match=r"expected a file ending in \.csv or \.parquet"):
        load(tmp_path / "prices.txt")
    (tmp_path / "broken.parquet").write_text("no parquet")
    with pytest.raises(ValueError, match=r"broken\.parquet is not a Parquet file"):
        load(tmp_path / "broken.parquet")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ValueError, match=r"has no column 'close'\. It has: none"):
        load(tmp_path / "empty.csv")


def test_a_file_that_changed_is_read_anew(tmp_path):
    path = csv_file(tmp_path, SOUND)
    first = load(path)
    assert load(path) is first
    csv_file(tmp_path, [*SOUND, "2024-01-08,12"])
    assert load(path).prices.tolist() == [10.0, 11.5, 9.0, 12.0]


def test_the_splits_are_disjoint_in_time_order_and_apart_by_the_embargo():
    history = load(SYNTHETIC)
    splits = split_rows(history, "", "", 20)
    assert splits == {"train": (0, 2400), "validation": (2420, 3200), "test": (3220, 4000)}


def test_a_split_begins_with_the_first_row_on_or_after_its_date():
    history = load(SYNTHETIC)
    # A Saturday: Monday is the first row of validation.
    splits = split_rows(history, "2014-03-15", "2017-03-15", 0)
    validation, test = splits["validation"][0], splits["test"][0]
    assert history.dates[[validation, test]].astype("datetime64[D]").astype(str).tolist() == [
        "2014-03-17",
        "2017-03-15",
    ]
    assert splits["train"] == (0, validation)


def test_splits_out_of_time_order_are_refused():
    with pytest.raises(ValueError, match="expected train, validation and test in time order"):
        split_rows(load(SYNTHETIC), "2018-01-01", "2015-01-01", 0)


def test_the_synthetic_file_is_what_its_script_writes(tmp_path):
    write(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == DESTINATION.read_bytes()
    assert DESTINATION.stat().st_size < 100_000


def test_synthetic_prices_revert_to_their_mean_as_their_script_says():
    x = np.log(load(SYNTHETIC).prices / 100)
    slope, _ = np.polyfit(x[:-1], np.diff(x), 1)
    assert -slope == pytest.approx(0.1, abs=0.03)
    assert np.diff(x).std() == pytest.approx(0.02 * np.sqrt(2 / 1.9), rel=0.05)
