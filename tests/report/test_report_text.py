"""The text block: what stands in it, and that it is a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from real_trade.metrics import METRICS
from real_trade.report.formatting import minutes_text, money_text, show
from real_trade.report.text import render_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.backtest.result import BacktestResult


@pytest.fixture(scope="module")
def text(small_result: BacktestResult) -> str:
    return render_text(small_result)


def test_it_is_an_aligned_table_in_ascii(text: str) -> None:
    assert text.isascii()
    table = [line for line in text.splitlines() if line.startswith(("|", "+"))]
    assert len({len(line) for line in table}) == 1
    assert len({line.index("|", 1) for line in table if line.startswith("|")}) == 1


def test_it_says_what_was_run_on_what(text: str) -> None:
    lines = text.splitlines()
    assert lines[1] == "sma_cross fast=20 slow=100 size=0.01 mode=long_short"
    assert "Data: bybit linear BTCUSDT 1m, 5,000 bars, 1 gap (80 bars missing), sha256 abababababababab" in lines
    assert lines[-1] == "Warning: 1 gap: 80 bars are missing."


def row(text: str, label: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {label} ")]
    return line.split("|")[2].strip()


def test_its_figures_are_those_of_the_result(text: str, small_result: BacktestResult) -> None:
    stats = small_result.stats
    assert row(text, "From") == "2023-01-01 00:00"
    assert row(text, "To") == "2023-01-04 12:40"
    assert row(text, "Trades / per day") == f"40 / {stats['trades_per_day']:.2f}"
    assert row(text, "Start balance") == "10,000.00 USDT"
    assert row(text, "Final balance") == f"{stats['final_equity']:,.2f} USDT"
    assert row(text, "Rejected / canceled") == "2 / 3"
    assert row(text, "Wins / draws / losses") == f"{stats['wins']} / {stats['draws']} / {stats['losses']}"
    assert row(text, "Max drawdown").startswith(f"{stats['max_drawdown'] * 100:.2f}%")
    assert row(text, "Drawdown from") == stats["max_drawdown_start"][:16].replace("T", " ")


@pytest.mark.parametrize(
    "label",
    [
        "Net profit",
        "Fees",
        "CAGR",
        "Sharpe / Sortino",
        "Calmar / Omega",
        "Profit factor",
        "Expectancy (ratio)",
        "Exposure",
        "Long / short trades",
        "Best / worst trade",
        "Best / worst day",
        "Days won / flat / lost",
        "Holding, wins",
        "Holding, losses",
        "Longest run, wins / losses",
        "Time under water",
        "Drawdown low",
        "Drawdown recovered",
        "Market change",
    ],
)
def test_what_traders_look_for_is_there(label: str, text: str) -> None:
    assert row(text, label)


def test_a_run_without_trades_shows_dashes(build_result: Callable[..., BacktestResult]) -> None:
    shown = render_text(build_result(10, 0))
    assert row(shown, "Win rate") == "-"
    assert row(shown, "Best / worst trade") == "- / -"
    assert "no gaps" in shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0.00"), (1234567.891, "1,234,567.89"), (-0.5, "-0.5000"), (1e-8, "0.00000001"), (0.05, "0.05000")],
)
def test_money_keeps_its_meaning_when_small(value: float, expected: Any) -> None:
    assert money_text(value) == expected


@pytest.mark.parametrize(("minutes", "expected"), [(0, "0 min"), (90, "1 h 30 min"), (4321, "3 d 0 h")])
def test_minutes_are_told_in_the_units_people_use(minutes: float, expected: Any) -> None:
    assert minutes_text(minutes) == expected


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_shown(name: str, small_result: BacktestResult) -> None:
    shown = show(METRICS[name], small_result.stats[name], "USDT")
    assert shown
    assert show(METRICS[name], None) == "-"
    assert ("USDT" in shown) == (METRICS[name].unit == "money")
