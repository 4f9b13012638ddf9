"""The pages in a browser, where there is one: they draw without complaint and show the results' own numbers."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from real_trade.metrics import METRICS
from real_trade.report.compare import render_comparison
from real_trade.report.formatting import show
from real_trade.report.page import render_page

from .browser import BROWSER, opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from real_trade.backtest.result import BacktestResult

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def test_the_page_draws_itself(small_result: BacktestResult, tmp_path: Path) -> None:
    dom = opened(render_page(small_result), tmp_path)
    assert 'data-ready="1"' in dom
    assert re.search(r'id="trouble"[^>]*hidden', dom)
    notes = dict(re.findall(r'data-note="(\w+)">([^<]*)<', dom))
    close = f"{small_result.close[-1] / 100:,.2f}"
    assert notes["price"].startswith("2023-01-04 12:39")
    assert notes["price"].endswith(f"C {close} USDT")
    assert notes["equity"] == f"Equity {small_result.equity_units[-1] / 10**8:,.2f} USDT"
    assert "Page 1 of 3, 40 rows" in dom
    assert dom.count('class="chosen-by-click"') >= 15


def test_a_page_with_every_trust_section_draws_itself(trusted: Callable[..., BacktestResult], tmp_path: Path) -> None:
    dom = opened(render_page(trusted()), tmp_path)
    assert 'data-ready="1"' in dom
    assert dom.count('<polygon class="band"') == 3
    assert re.search(r'<main>\s*<p class="verdicts"', dom)


def test_the_comparison_shows_the_numbers_of_its_runs(
    build_result: Callable[..., BacktestResult], tmp_path: Path
) -> None:
    results = [build_result(20_000, 60, seed=seed, params={"fast": seed}) for seed in (1, 2, 3)]
    dom = opened(render_comparison(results), tmp_path)
    assert 'data-ready="1"' in dom
    assert re.search(r'id="trouble"[^>]*hidden', dom)
    for name in ("net_profit", "sharpe", "max_drawdown", "trades", "fees"):
        row = re.search(rf'<tr data-figure="{name}">(.*?)</tr>', dom, re.DOTALL)
        assert row
        cells = [unescape(cell) for cell in re.findall(r"<td[^>]*>([^<]*)</td>", row.group(1))]
        assert cells[1:] == [show(METRICS[name], result.stats[name], "USDT") for result in results]
    # What the script drew last, next to each name: growth to the end of the last day.
    shown = re.findall(r'<b data-value="">([^<]*)</b>', dom)
    growth = [float(str(result.stats["net_profit_pct"])) for result in results]
    assert shown == [f"{'+' if value > 0 else ''}{value:,.2f}%" for value in growth]
