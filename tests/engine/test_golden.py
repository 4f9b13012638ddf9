"""Each ready strategy gives, on one seeded market, the numbers that were read and committed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from engine_markets import instrument_of, random_klines

from real_trade.backtest import backtest
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy

GOLDEN = Path(__file__).parent / "golden.json"


def outcome(name: str) -> dict[str, object]:
    result = backtest(load_strategy(name, READY), random_klines(2024, 20_000), instrument_of("spot"))
    return {
        "orders_hash": result.hashes["orders"],
        "orders": len(result.order_rows),
        "fills": len(result.fill_rows),
        "trades": len(result.trade_rows),
        "final_equity_units": int(result.equity_units[-1]),
        "fees_units": int(result.fill_rows["fee"].sum()),
        "lowest_equity_units": int(result.equity_units.min()),
    }


def test_golden_results() -> None:
    now = {name: outcome(name) for name in sorted(READY)}
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert set(golden) == set(READY), "a ready strategy without golden numbers: run make golden and read the difference"
    for name, numbers in golden.items():
        assert now[name] == numbers, f"{name} changed: if that is meant, run make golden"


@pytest.mark.parametrize("name", sorted(READY))
def test_a_ready_strategy_is_documented_and_trades(name: str) -> None:
    strategy = load_strategy(name, READY)
    described = strategy.describe()
    assert described["name"] == name
    assert "Source:" in described["doc"]
    assert all(row["doc"] for row in described["parameters"])
    assert outcome(name)["trades"]
