"""The files of a report: exact, complete, and the same document everywhere."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from real_trade.backtest.result import DataFacts
from real_trade.metrics import METRICS
from real_trade.model.errors import StorageError
from real_trade.model.instrument import money
from real_trade.report.files import write_report
from real_trade.report.formatting import exact
from real_trade.report.summary import SCHEMA, summary
from real_trade.utils.registry import RESULT_REPORT, resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from real_trade.backtest.result import BacktestResult


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def written(small_result: BacktestResult, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_report(small_result, tmp_path_factory.mktemp("report") / "new" / "folder")


def test_every_file_is_there(written: dict[str, Path]) -> None:
    names = {kind: path.name for kind, path in written.items()}
    assert names == {
        "html": "report.html",
        "json": "summary.json",
        "markdown": "report.md",
        "text": "report.txt",
        "trades": "trades.csv",
        "fills": "fills.csv",
        "orders": "orders.csv",
        "funding": "funding.csv",
        "equity": "equity.csv",
    }
    assert {path.name for path in written["html"].parent.iterdir()} == set(names.values())


@pytest.mark.parametrize("name", RESULT_REPORT)
def test_the_registry_leads_to_every_way_of_showing_a_result(
    name: str, small_result: BacktestResult, tmp_path: Path
) -> None:
    made = resolve(RESULT_REPORT, name)
    shown = made(small_result, tmp_path) if name == "files" else made(small_result)
    assert "sma_cross" in (shown["text"].read_text() if name == "files" else shown)


def test_the_json_file_is_the_document(written: dict[str, Path], small_result: BacktestResult) -> None:
    document = json.loads(written["json"].read_text())
    assert document == summary(small_result, written["html"])
    assert document == json.loads(json.dumps(document, allow_nan=False))
    assert document["schema"] == SCHEMA
    assert set(document["hashes"]) == {"data", "code", "config", "orders"}
    assert list(document["stats"]) == list(METRICS)
    assert document["report"] == str(written["html"])
    assert document["stats"]["trades"] == len(small_result.trade_rows)


def test_the_document_names_the_gaps(small_result: BacktestResult) -> None:
    data = summary(small_result)["data"]
    assert (data["gaps"], data["missing_bars"]) == (1, 80)
    gap = {"from": "2023-01-02T09:20:00Z", "to": "2023-01-02T10:40:00Z", "missing": 80}
    assert data["gap_list"] == [gap]
    assert (data["from"], data["bars"]) == ("2023-01-01T00:00:00Z", 5000)


def test_odd_values_become_json(build_result: Callable[..., BacktestResult]) -> None:
    odd = {
        "a": Decimal("0.10"),
        "b": float("nan"),
        "c": np.int64(7),
        "d": np.float64(0.5),
        "e": (1, {"f": None}),
        "g": True,
        "h": float("inf"),
    }
    document = summary(build_result(100, 2, params=odd))
    expected = {"a": "0.10", "b": "nan", "c": 7, "d": 0.5, "e": [1, {"f": None}], "g": True, "h": "inf"}
    assert json.loads(json.dumps(document["params"], allow_nan=False)) == expected
    assert document["report"] is None


def test_fills_are_exact(written: dict[str, Path], small_result: BacktestResult) -> None:
    rows = rows_of(written["fills"])
    fills, instrument = small_result.fill_rows, small_result.instrument
    assert len(rows) == len(fills)
    for row, fill in zip(rows, fills, strict=True):
        assert instrument.ticks(row["price"]) == fill["price_ticks"]
        assert instrument.lots(row["quantity"]) == fill["lots"]
        assert money(row["fee"]) == fill["fee"]
        assert Decimal(row["fee"]) * 10**8 == int(fill["fee"])
        assert row["side"] == ("buy" if fill["side"] > 0 else "sell")
        assert row["liquidity"] == ("maker" if fill["maker"] else "taker")
    assert rows[0]["time"].endswith(":00Z")


def test_orders_are_complete(written: dict[str, Path], small_result: BacktestResult) -> None:
    rows = rows_of(written["orders"])
    assert len(rows) == len(small_result.order_rows) == 85
    market = [row for row in rows if row["type"] == "market"]
    limit = [row for row in rows if row["type"] == "limit"]
    assert market
    assert not any(row["price"] for row in market)
    assert all(Decimal(row["price"]) > 0 for row in limit)
    assert [row["reason"] for row in rows if row["status"] == "rejected"] == ["insufficient_funds"] * 2
    assert [row["reason"] for row in rows if row["status"] == "canceled"] == ["by_strategy"] * 3
    assert all(row["reason"] == "" for row in rows if row["status"] == "filled")


def test_trades_add_up(written: dict[str, Path], small_result: BacktestResult) -> None:
    rows = rows_of(written["trades"])
    assert sum(Decimal(row["net"]) for row in rows) * 10**8 == int(small_result.trade_rows["net"].sum())
    for row in rows:
        assert Decimal(row["gross"]) - Decimal(row["fees"]) == Decimal(row["net"])
        assert len(row["entry_price"].partition(".")[2]) <= 6
    assert [row["exit_time"] for row in rows] == sorted(row["exit_time"] for row in rows)


def test_equity_ends_each_day(written: dict[str, Path], small_result: BacktestResult) -> None:
    rows = rows_of(written["equity"])
    assert [row["day"] for row in rows] == ["2023-01-01", "2023-01-02", "2023-01-03", "2023-01-04"]
    assert money(rows[-1]["equity"]) == small_result.equity_units[-1]
    assert money(rows[0]["equity"]) == small_result.equity_units[1439]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("0.01", ["-0.07", "0.00", "12.34"]),
        ("0.0005", ["-0.0035", "0.0000", "0.6170"]),
        ("25", ["-175", "0", "30850"]),
        ("1E+2", ["-700", "0", "123400"]),
        ("0.10", ["-0.70", "0.00", "123.40"]),
    ],
)
def test_exact_decimals(step: str, expected: Any) -> None:
    assert exact(np.array([-7, 0, 1234]), Decimal(step)) == expected


def test_a_second_report_replaces_the_first(build_result: Callable[..., BacktestResult], tmp_path: Path) -> None:
    write_report(build_result(500, 5), tmp_path)
    write_report(build_result(500, 9), tmp_path)
    assert len(rows_of(tmp_path / "trades.csv")) == 9
    assert len(list(tmp_path.iterdir())) == 9


def test_a_place_that_cannot_be_written_is_named(small_result: BacktestResult, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(StorageError) as caught:
        write_report(small_result, tmp_path / "taken")
    assert caught.value.to_dict()["field"] == "report"
    assert str(tmp_path / "taken") in caught.value.message
    assert caught.value.fix


def test_markdown_cannot_be_broken_by_names(build_result: Callable[..., BacktestResult]) -> None:
    text = resolve(RESULT_REPORT, "files")  # the registry's way and the direct one are the same
    assert text is write_report
    from real_trade.report.markdown import render_markdown

    shown = render_markdown(build_result(200, 2, strategy="a|b\n# <x>", params={"k|": "`v`"}))
    assert "# a\\|b \\# \\<x\\>:" in shown
    assert "| k\\| | \\`v\\` |" in shown


def test_a_result_with_nothing_in_it_is_written(build_result: Callable[..., BacktestResult], tmp_path: Path) -> None:
    bars = build_result(1, 0)
    empty = {name: getattr(bars, name)[:0] for name in ("time_ms", "open", "high", "low", "close", "equity_units")}
    facts = DataFacts("bybit", "linear", "BTCUSDT", "1m", 1_672_531_200_000, 1_672_531_200_000, 0, (), 0, "")
    for result in (bars, build_result(1, 0, data=facts, **empty)):
        files = write_report(result, tmp_path)
        assert json.loads(files["json"].read_text())["stats"]["trades"] == 0
        assert rows_of(files["trades"]) == []
