"""real-trade import-data."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .conftest import tree

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli

START = 1_704_067_200_000
HEADER = "timestamp,open,high,low,close,volume\n"
SERIES = ("--venue", "binance", "--market", "spot", "--symbol", "BTCUSDT", "--interval", "1m")


def csv(path: Path, rows: int = 5, **changed: str) -> Path:
    """Write bars, one price of which may be changed: ``row3="nan"`` is the close of row 3."""
    lines = [HEADER]
    for row in range(rows):
        close = changed.get(f"row{row}", "100.1")
        lines.append(f"{START + row * 60_000},100.0,101.0,99.0,{close},5\n")
    path.write_text("".join(lines))
    return path


def test_files_end_up_in_the_store(cli: Cli, tmp_path: Path) -> None:
    ran = cli("import-data", csv(tmp_path / "mine.csv"), *SERIES, "--json")
    assert ran.code == 0
    assert ran.json["inserted"] == 5
    (row,) = cli("list-data", "--json").json["series"]
    assert (row["venue"], row["market"], row["symbol"], row["interval"], row["rows"]) == (
        "binance", "spot", "BTCUSDT", "1m", 5,
    )  # fmt: skip
    again = cli("import-data", tmp_path / "mine.csv", *SERIES)
    assert "5 unchanged" in again.out
    with gzip.open(tmp_path / "two.csv.gz", "wt") as file:
        file.write(HEADER + f"{START + 300_000},100.0,101.0,99.0,100.1,5\n")
    assert cli("import-data", tmp_path / "two.csv.gz", *SERIES, "--json").json["inserted"] == 1


def test_a_file_that_names_itself_needs_no_flags(cli: Cli, tmp_path: Path) -> None:
    csv(tmp_path / "binance_spot_ETHUSDT_1m.csv")
    assert cli("import-data", tmp_path / "binance_spot_ETHUSDT_1m.csv").code == 0
    (row,) = cli("list-data", "--json").json["series"]
    assert (row["venue"], row["symbol"]) == ("binance", "ETHUSDT")


def test_a_series_is_never_assumed(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv(tmp_path / "mine.csv")
    ran = cli("import-data", tmp_path / "mine.csv", "--symbol", "BTCUSDT", "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (2, "series_not_named", "--venue")
    assert ran.error["fix"] == "Add --venue, --market, --interval."
    for name, value in {"EXCHANGE": "binance", "MARKET_TYPE": "spot", "TIMEFRAME": "1m"}.items():
        monkeypatch.setenv(f"RT_{name}", value)
    assert cli("import-data", tmp_path / "mine.csv", "--symbol", "BTCUSDT").code == 0


def test_the_grid_comes_from_a_file_of_facts(cli: Cli, tmp_path: Path) -> None:
    csv(tmp_path / "mine.csv")
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"tick_size": "0.5", "quantity_step": "0.001"}))
    ran = cli("import-data", tmp_path / "mine.csv", *SERIES, "--instrument", facts, "--json")
    assert (ran.code, ran.error["code"]) == (2, "off_grid")
    facts.write_text(json.dumps({"tick_size": "0.1", "quantity_step": "0.001"}))
    ran = cli("import-data", tmp_path / "mine.csv", *SERIES, "--instrument", facts, "--json")
    assert ran.json["instrument"]["source"] == "file"


def broken(folder: Path, kind: str) -> Path:
    """Write a file that must be refused."""
    path = folder / f"{kind}.csv"
    if kind == "nan_price":
        return csv(path, row3="nan")
    if kind == "negative_price":
        return csv(path, row3="-1")
    if kind == "truncated_parquet":
        path = folder / "binance_spot_BTCUSDT_1m.parquet"
        stamps = START + 60_000 * np.arange(1_000)
        prices = np.full(1_000, 100.0)
        columns = dict.fromkeys(("open", "high", "low", "close", "volume"), prices)
        pq.write_table(pa.table({"timestamp": stamps, **columns}), path)
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "words":
        path.write_text("these are no bars\n")
    elif kind == "duplicate":
        csv(path)
        path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    return path


@pytest.mark.parametrize("kind", ["nan_price", "negative_price", "truncated_parquet", "words", "duplicate", "absent"])
def test_what_cannot_be_used_leaves_the_store_as_it_was(cli: Cli, stock: Path, tmp_path: Path, kind: str) -> None:
    good, bad = csv(tmp_path / "good.csv"), broken(tmp_path, kind)
    before = tree(stock)
    ran = cli("import-data", good, bad, *SERIES, "--json")
    assert ran.code == 2
    assert ran.error["message"]
    assert bad.name in ran.error["message"]
    assert tree(stock) == before


def test_a_wrong_interval_names_the_right_one(cli: Cli, tmp_path: Path) -> None:
    ran = cli("import-data", csv(tmp_path / "mine.csv"), *SERIES[:-1], "5m", "--json")
    assert (ran.code, ran.error["field"]) == (2, "--interval")
    assert "1m" in ran.error["fix"]


TRADES = "timestamp,symbol,side,size,price\n" + "".join(
    f"{START / 1000 + second:.4f},BTCUSDT,{'Sell' if second % 3 else 'Buy'},0.25,{42_000 + second / 10:.1f}\n"
    for second in range(90)
)
ARCHIVE = ("--trades", "--venue", "bybit", "--market", "linear")


def test_single_trades_are_kept_beside_the_bars(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT2024-01-01.csv.gz"
    path.write_bytes(gzip.compress(TRADES.encode()))
    ran = cli("import-data", path, *ARCHIVE, "--json")
    assert ran.code == 0
    assert (ran.json["series"], ran.json["rows"], ran.json["replaced"]) == ("bybit/linear/BTCUSDT/trade", 90, 0)
    assert cli("import-data", path, *ARCHIVE[1:], "--interval", "1m").code == 0
    bars, trades = cli("list-data", "--json").json["series"]
    assert (bars["kind"], bars["interval"], bars["rows"]) == ("kline", "1m", 2)
    assert (trades["kind"], trades["interval"], trades["rows"]) == ("trade", None, 90)
    assert (trades["first"], trades["last"]) == ("2024-01-01T00:00:00Z", "2024-01-01T00:01:29Z")
    again = cli("import-data", path, *ARCHIVE)
    assert "90 trades from 1 files, 2024-01-01T00:00:00Z to 2024-01-02T00:00:00Z" in again.out
    assert "90 stored trades" in again.out
    assert [row["rows"] for row in cli("list-data", "--json").json["series"]] == [2, 90]
    assert " trade " in cli("list-data").out


def test_trades_have_no_interval_and_their_series_is_not_assumed(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT2024-01-01.csv"
    path.write_text(TRADES)
    ran = cli("import-data", path, *ARCHIVE, "--interval", "1m", "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (2, "bad_usage", "--interval")
    ran = cli("import-data", path, "--trades", "--json")
    assert (ran.code, ran.error["code"], ran.error["fix"]) == (2, "series_not_named", "Add --venue, --market.")


def test_a_bad_trade_leaves_the_store_as_it_was(cli: Cli, stock: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "BTCUSDT2024-01-01.csv", tmp_path / "more.csv"
    good.write_text(TRADES)
    bad.write_text(TRADES.replace("42003.0", "-1"))
    before = tree(stock)
    ran = cli("import-data", good, bad, *ARCHIVE, "--json")
    assert (ran.code, ran.error["code"]) == (2, "bad_trade")
    assert "more.csv: line 32, column price" in ran.error["message"]
    assert tree(stock) == before
