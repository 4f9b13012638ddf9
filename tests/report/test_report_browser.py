"""The page in a browser, where there is one: it draws without complaint and shows the result's own numbers."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from real_trade.report.page import render_page

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.backtest.result import BacktestResult

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=8000",
    "--dump-dom",
)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_the_page_draws_itself(small_result: BacktestResult, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render_page(small_result), encoding="utf-8")
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "CONSOLE" not in done.stderr
    dom = done.stdout
    assert 'data-ready="1"' in dom
    assert re.search(r'id="trouble"[^>]*hidden', dom)
    notes = dict(re.findall(r'data-note="(\w+)">([^<]*)<', dom))
    close = f"{small_result.close[-1] / 100:,.2f}"
    assert notes["price"].startswith("2023-01-04 12:39")
    assert notes["price"].endswith(f"C {close}")
    assert notes["equity"] == f"Equity {small_result.equity_units[-1] / 10**8:,.2f} USDT"
    assert "Page 1 of 3, 40 rows" in dom
    assert dom.count('class="chosen-by-click"') >= 15
