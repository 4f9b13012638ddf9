"""real-trade list-data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli


def test_it_lists_what_is_stored(cli: Cli, stock: Path) -> None:
    ran = cli("list-data", "--json")
    assert ran.code == 0
    assert ran.json["data_dir"] == str(stock)
    (row,) = ran.json["series"]
    assert (row["venue"], row["market"], row["symbol"], row["kind"], row["interval"]) == (
        "bybit", "linear", "BTCUSDT", "kline", "1m",
    )  # fmt: skip
    assert row["first"] == "2024-01-01T00:00:00Z"
    assert 9_000 < row["rows"] <= 7 * 1440
    text = cli("list-data", "--data-dir", stock).out
    assert "BTCUSDT" in text
    assert str(row["rows"]) in text


def test_an_empty_store_is_no_error(cli: Cli, tmp_path: Path) -> None:
    ran = cli("list-data", "--data-dir", tmp_path / "nothing", "--json")
    assert (ran.code, ran.json["series"]) == (0, [])
    assert "holds no data yet" in cli("list-data", "--data-dir", tmp_path / "nothing").out
