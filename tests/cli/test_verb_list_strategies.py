"""real-trade list-strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.strategies.catalogue import READY

if TYPE_CHECKING:
    from .conftest import Cli


def test_it_lists_every_ready_strategy_with_its_parameters(cli: Cli) -> None:
    ran = cli("list-strategies", "--json")
    assert ran.code == 0
    listed = {row["name"]: row for row in ran.json["strategies"]}
    assert set(listed) == set(READY)
    fast = next(row for row in listed["sma_cross"]["parameters"] if row["name"] == "fast")
    assert (fast["default"], fast["kind"]) == (20, "int")
    text = cli("list-strategies").out
    for name in READY:
        assert f"{name}\n" in text
    assert "long_flat | long_short" in text


def test_an_unknown_one_gets_a_suggestion(cli: Cli) -> None:
    ran = cli("list-strategies", "--strategy", "sma_cros", "--json")
    assert ran.code == 2
    assert ran.error["field"] == "--strategy"
    assert "sma_cross" in ran.error["fix"]
