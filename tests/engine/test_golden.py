"""Each ready strategy gives, on a seeded market and on a real month, the numbers that were read and committed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine_markets import SINGLES, instrument_of, random_klines

from real_trade.backtest import backtest
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy

if TYPE_CHECKING:
    from real_trade.model import Klines

GOLDEN = Path(__file__).parent / "golden.json"
# BTCUSDT on Binance spot, May 2024, minutes.
GOLDEN_REAL = Path(__file__).parent / "golden_real.json"
REAL_MONTH = (1_714_521_600_000, 1_717_200_000_000)


def cases() -> dict[str, tuple[str, str, dict[str, object]]]:
    """Return name, market and parameters of each case: every strategy on spot, and its shorting mode on linear."""
    found: dict[str, tuple[str, str, dict[str, object]]] = {}
    for name in SINGLES:
        found[name] = (name, "spot", {})
        if "mode" in load_strategy(name, READY).parameters:
            found[f"{name} long_short"] = (name, "linear", {"mode": "long_short"})
    return found


def outcome(klines: Klines, name: str, market: str, params: dict[str, object]) -> dict[str, object]:
    result = backtest(load_strategy(name, READY), klines, instrument_of(market), params=params)
    return {
        "orders_hash": result.hashes["orders"],
        "orders": len(result.order_rows),
        "fills": len(result.fill_rows),
        "trades": len(result.trade_rows),
        "final_equity_units": int(result.equity_units[-1]),
        "fees_units": int(result.fill_rows["fee"].sum()),
        "lowest_equity_units": int(result.equity_units.min()),
    }


def compare(path: Path, klines: Klines) -> set[str]:
    """Compare every ready strategy with its golden numbers; return what was compared."""
    now = {title: outcome(klines, *case) for title, case in cases().items()}
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
    golden = json.loads(path.read_text(encoding="utf-8"))
    assert set(golden) == set(now), "a ready strategy without golden numbers: run make golden and read the difference"
    for title, numbers in golden.items():
        assert now[title] == numbers, f"{title} changed: if that is meant, run make golden"
        assert numbers["trades"], f"{title} never traded"
    return set(golden)


def test_golden_results() -> None:
    assert compare(GOLDEN, random_klines(2024, 20_000)) == set(cases())


@pytest.mark.shared
def test_golden_results_of_a_real_month(long_klines: Klines) -> None:
    month = long_klines.between(*REAL_MONTH)
    assert len(month) == 44_640
    compare(GOLDEN_REAL, month)


@pytest.mark.parametrize("name", sorted(READY))
def test_a_ready_strategy_is_documented(name: str) -> None:
    described = load_strategy(name, READY).describe()
    assert described["name"] == name
    assert "Source:" in described["doc"]
    assert all(row["doc"] for row in described["parameters"])


def test_memory_that_a_run_frees_is_kept() -> None:
    """On glibc the setting is taken; elsewhere nothing is asked."""
    import platform

    from real_trade.backtest.memory import keep_freed_memory

    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")
