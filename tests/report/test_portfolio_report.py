"""The report of a portfolio: every form says the same, sums are sums, and the page is harmless, small and fast."""

from __future__ import annotations

import csv
import json
import re
import time
from dataclasses import replace
from decimal import Decimal
from html import unescape
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines
from hypothesis import given
from hypothesis import strategies as st

from real_trade.backtest import AccountSettings, backtest
from real_trade.backtest.portfolio import Allocation, backtest_portfolio
from real_trade.metrics import METRICS
from real_trade.model.errors import InputError
from real_trade.report import tables as single_tables
from real_trade.report.compare import comparison_text, render_comparison
from real_trade.report.comparison import compare_runs
from real_trade.report.files import write_report
from real_trade.report.forms import forms_of
from real_trade.report.portfolio import words
from real_trade.report.portfolio.correlation import daily_correlations
from real_trade.report.portfolio.curves import STRETCHES, curve, kept_points
from real_trade.report.portfolio.markdown import render_portfolio_markdown
from real_trade.report.portfolio.page import render_portfolio_page
from real_trade.report.portfolio.sides import FIGURES, Side, names_of, sides_of
from real_trade.report.portfolio.summary import portfolio_summary
from real_trade.report.portfolio.text import render_portfolio_text
from real_trade.report.runs import read_runs, run_of
from real_trade.report.trust import findings, first_line, overall_word, trust_rows
from real_trade.strategies.momentum_atr import MomentumAtr
from real_trade.strategies.sma_cross import SmaCross

from .browser import BROWSER, opened
from .test_report_page import EVIL, Reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.backtest.result import BacktestResult

NAMES = ["momentum_atr BTCUSDT", "pair_reversion ETHUSDT+BTCUSDT", "sma_cross ETHUSDT #1", "sma_cross ETHUSDT #2"]
UNITS = 10**8


@pytest.fixture(scope="module")
def folder(portfolio_run: PortfolioResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("portfolio")
    write_report(portfolio_run, made)
    return made


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cells_of(page: str, table: str) -> list[list[str]]:
    body = re.search(rf'id="{table}">.*?<tbody>(.*?)</tbody>', page, re.DOTALL).group(1)
    rows = re.findall(r"<tr.*?>(.*?)</tr>", body, re.DOTALL)
    cells = [re.findall(r"<td.*?</td>", row) for row in rows]
    return [[unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in cells]


def trust_of(result: PortfolioResult, trusted: Callable[..., BacktestResult], **changes: Any) -> PortfolioResult:
    """Return the portfolio with every section that its trust checks may have."""
    whole = dict(trusted().trust or {})
    passed = {"ok": True, "bars_checked": 40, "findings": []}
    checks = [{"name": mandate.name, "lookahead": passed, "warmup": passed} for mandate in result.mandates]
    shares = {"median_share": 0.002, "p95_share": 0.03, "max_share": 0.417, "worst": []}
    capacity = [
        {"name": mandate.name, "symbol": leg.symbol, **shares} for mandate in result.mandates for leg in mandate.legs
    ]
    sections = {name: whole[name] for name in ("range", "costs", "monte_carlo", "trials")}
    return replace(result, trust={"mandates": checks, "capacity": capacity, **sections} | changes)


# Figures


def test_a_strategy_alone_has_the_figures_of_its_backtest() -> None:
    """Of a market with holes in nothing, every figure that is shown of a portfolio is the single report's."""
    klines, instrument = random_klines(3, 6000, volatility=2e-3), instrument_of("linear")
    account = AccountSettings(Decimal(5_000), leverage=10)
    params = {"mode": "long_short", "threshold": 3.0, "stop": 2.0, "goal": 2.0, "size": "0.3"}
    alone = backtest(MomentumAtr, klines, instrument, params=params, settings=account)
    allocations = [Allocation(MomentumAtr, ("BTCUSDT",), None, params)]
    together = backtest_portfolio(allocations, {"BTCUSDT": (klines, instrument)}, settings=account)
    for side in sides_of(together):
        assert {name: side.stats[name] for name in FIGURES} == {name: alone.stats[name] for name in FIGURES}
    assert set(METRICS) - set(FIGURES) == {"market_change", "buy_and_hold", "exposure", "open_position"}


def test_figures_of_the_account_are_those_of_all_its_legs(portfolio_run: PortfolioResult) -> None:
    account, *strategies = sides_of(portfolio_run)
    for name in ("net_profit", "fees", "funding", "slippage", "volume_traded", "realised", "unrealised"):
        total = sum(float(side.stats[name]) for side in strategies)
        assert account.stats[name] == pytest.approx(total, abs=1e-6), name
    for name in ("fills", "trades", "orders", "liquidations", "wins", "losses"):
        assert account.stats[name] == sum(side.stats[name] for side in strategies), name
    assert account.stats["liquidations"] == len(account.liquidated_ms) > 0
    for side in (account, *strategies):
        assert round(side.stats["unrealised"] * UNITS) == side.sums.unrealised
        assert round(side.stats["final_equity"] * UNITS) == side.sums.equity
        net = [leg.trade_rows["net"].sum() for leg in side.legs]
        assert side.stats["expectancy"] == pytest.approx(sum(net) / side.stats["trades"] / UNITS)


def test_strategies_of_one_name_are_told_apart(portfolio_run: PortfolioResult) -> None:
    assert names_of(portfolio_run) == NAMES


def test_correlations_are_those_of_daily_profits(portfolio_run: PortfolioResult) -> None:
    strategies = sides_of(portfolio_run)[1:]
    found = np.array(daily_correlations(strategies))
    day = (portfolio_run.time_ms // 86_400_000).tolist()
    last = [max(i for i, d in enumerate(day) if d == one) for one in sorted(set(day))]
    profits = [np.diff(side.equity_units[last], prepend=side.initial_units) for side in strategies]
    np.testing.assert_allclose(found, np.corrcoef(profits), atol=1e-12)
    still = replace(strategies[0], equity_units=np.full_like(strategies[0].equity_units, strategies[0].initial_units))
    assert daily_correlations([strategies[1], still]) == [[pytest.approx(1.0), None], [None, None]]
    assert daily_correlations(strategies[:1]) == []


# Words


def test_the_last_ledger_is_the_sum_of_the_others(portfolio_run: PortfolioResult) -> None:
    rows = words.ledger_rows(sides_of(portfolio_run))
    assert [row.name for row in rows] == [*NAMES[:2], "ETHUSDT", "BTCUSDT", *NAMES[2:], "Account"]
    parts = [row for row in rows if row.is_part]
    whole = [row for row in rows[:-1] if not row.is_part]
    for place, head in enumerate(words.LEDGER):
        numbers = [float(row.cells[place].replace(",", "")) for row in whole]
        assert float(rows[-1].cells[place].replace(",", "")) == pytest.approx(sum(numbers), abs=0.03), head
        if head not in {"Initial", "Equity"}:
            of_parts = sum(float(row.cells[place].replace(",", "")) for row in parts)
            assert of_parts == pytest.approx(numbers[1], abs=0.03), head
    assert [row.cells[0] for row in parts] == ["", ""]
    account = portfolio_run.sums
    assert rows[-1].cells[5] == f"{(account.equity - account.initial) / UNITS:,.2f}"
    assert rows[-1].cells[7] == f"{account.margin / UNITS:,.2f}"


def test_small_currencies_have_more_decimals() -> None:
    facts = {"tick": "0.1", "step": "1", "contract_value": Decimal(100)}
    inverse = replace(instrument_of("inverse", **facts), symbol="BTCUSD", quote="USD", settle="BTC")
    klines = random_klines(3, 3000, 0.1, volatility=2e-3)
    result = backtest_portfolio(
        [Allocation(SmaCross, ("BTCUSD",), None, {"size": "30", "mode": "long_short"})],
        {"BTCUSD": (klines, inverse)},
        settings=AccountSettings(Decimal("0.5"), leverage=5),
    )
    assert result.currency == "BTC"
    text = render_portfolio_text(result)
    assert f"{result.sums.fees / UNITS:.8f}" in text
    assert "money in BTC" in text
    # One strategy is called by its name.
    assert text.splitlines()[1] == "sma_cross BTCUSD"


def test_the_liquidations_stand_in_red_above_the_figures(portfolio_run: PortfolioResult, page: str) -> None:
    line = words.liquidation_line(sides_of(portfolio_run))
    count = sides_of(portfolio_run)[0].stats["liquidations"]
    assert line.startswith(f"Liquidated {count} times (pair_reversion ETHUSDT+BTCUSDT), first at 2024-01-01 ")
    assert render_portfolio_text(portfolio_run).splitlines()[1] == line
    body = page[page.index("<body>") :]
    assert body.index(f'<p class="liquidated" role="alert">{line}</p>') < body.index('<dl class="key">')
    assert f'<td class="down">{count}</td>' in body
    calm = replace(portfolio_run, mandates=portfolio_run.mandates[2:])
    assert words.liquidation_line(sides_of(calm)) == ""
    assert 'role="alert">Liq' not in render_portfolio_page(calm)


def test_fees_that_differ_stand_with_the_symbols(portfolio_run: PortfolioResult) -> None:
    shown = dict(words.setting_rows(portfolio_run))
    assert (shown["Taker fee"], shown["Maker fee"]) == ("by symbol", "0.0002")
    assert (shown["Margin"], shown["Leverage"], shown["Funding"]) == ("isolated", "25", "stored rates")
    fees = {row[0]: row[7] for row in words.symbol_rows(portfolio_run)}
    assert fees == {"BTCUSDT": "0.0005", "ETHUSDT": "0.0006"}
    missing = {row[0]: row[2] for row in words.symbol_rows(portfolio_run)}
    assert missing["BTCUSDT"] == "none"
    assert missing["ETHUSDT"].startswith("89 in ")


# Files


def test_every_file_is_written_and_says_the_same(portfolio_run: PortfolioResult, folder: Path, page: str) -> None:
    written = {path.name for path in folder.iterdir()}
    names = {"orders", "fills", "trades", "funding", "equity"}
    assert written == {"report.html", "report.md", "report.txt", "summary.json", *(f"{name}.csv" for name in names)}
    document = json.loads((folder / "summary.json").read_text())
    assert document == portfolio_summary(portfolio_run, folder / "report.html")
    text, markdown = (folder / "report.txt").read_text(), (folder / "report.md").read_text()
    net = f"{document['ledger']['net']:,.2f}"
    for form in (text, markdown, page):
        assert net in form
        assert "Portfolio of 4 strategies" in form
        assert "ambiguous" in form
        for warning in portfolio_run.warnings:
            assert warning.split("%")[0] in unescape(form).replace("\\", "")
    ledgers = words.ledger_rows(sides_of(portfolio_run))
    assert [row[1:] for row in cells_of(page, "ledgers")] == [list(row.cells) for row in ledgers]
    for row in ledgers:
        assert " | ".join(row.cells) in markdown


def test_the_document_adds_up(portfolio_run: PortfolioResult) -> None:
    document = portfolio_summary(portfolio_run)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["schema"] == "real_trade.portfolio/1"
    for name, total in document["ledger"].items():
        assert total == pytest.approx(sum(one["ledger"][name] for one in document["strategies"]), abs=1e-6)
    for one in document["strategies"]:
        ledger = one["ledger"]
        spent = ledger["fees"] + ledger["funding"]
        assert ledger["net"] == pytest.approx(ledger["realised"] + ledger["unrealised"] - spent, abs=1e-7)
        for name in ("realised", "fees", "funding", "margin"):
            assert ledger[name] == pytest.approx(sum(leg["ledger"][name] for leg in one["legs"]), abs=1e-7)
    assert [one["share"] for one in document["strategies"]] == ["0.4", "0.2", "0.2", "0.2"]
    assert document["data"]["symbol"] == "BTCUSDT+ETHUSDT"
    assert [one["bars"] for one in document["data"]["symbols"]] == [9000, 8911]
    assert document["data"]["symbols"][1]["fee_taker"] == "0.0006"
    held = [leg.ledger.position * leg.instrument.quantity_step for leg in portfolio_run.legs]
    assert [Decimal(leg["position"]) for one in document["strategies"] for leg in one["legs"]] == held
    assert any(held)


def test_rows_of_all_strategies_lie_in_order_of_time(portfolio_run: PortfolioResult, folder: Path) -> None:
    for name, time_column in (("orders", "time"), ("fills", "time"), ("trades", "exit_time"), ("funding", "time")):
        rows = rows_of(folder, name)
        assert list(rows[0])[:2] == ["strategy", "symbol"]
        assert [row[time_column] for row in rows] == sorted(row[time_column] for row in rows)
        for strategy, mandate in zip(NAMES, portfolio_run.mandates, strict=True):
            for leg in mandate.legs:
                mine = [row for row in rows if (row["strategy"], row["symbol"]) == (strategy, leg.symbol)]
                table = getattr(single_tables, f"{name}_table")(leg)
                columns = [[str(value) for value in column] for column in table.values()]
                assert [list(row.values())[2:] for row in mine] == [list(row) for row in zip(*columns, strict=True)]
    fees = sum(Decimal(row["fee"]) for row in rows_of(folder, "fills"))
    paid = sum(Decimal(row["amount"]) for row in rows_of(folder, "funding"))
    assert (fees * UNITS, paid * UNITS) == (portfolio_run.sums.fees, portfolio_run.sums.funding)


def test_the_equity_of_a_day_is_the_sum_of_the_strategies(portfolio_run: PortfolioResult, folder: Path) -> None:
    rows = rows_of(folder, "equity")
    assert list(rows[0]) == ["day", "account", *NAMES]
    for row in rows:
        assert Decimal(row["account"]) == sum(Decimal(row[name]) for name in NAMES)
    assert Decimal(rows[-1]["account"]) * UNITS == portfolio_run.sums.equity


# Curves


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=200), st.integers(1, 60))
def test_thinned_curves_keep_what_the_eye_would_see(levels: list[int], stretches: int) -> None:
    equity = np.repeat(np.array(levels, dtype=np.float64), stretches)
    falls = np.maximum.accumulate(equity) - equity
    kept = kept_points(equity, falls)
    assert (np.diff(kept) > 0).all()
    assert kept[-1] == len(equity) - 1
    assert len(kept) <= 4 * STRETCHES
    for values, choose in ((equity, np.min), (equity, np.max), (falls, np.max)):
        assert choose(values[kept]) == choose(values)


def test_a_long_curve_keeps_each_stretch_s_extremes() -> None:
    equity = np.cumsum(np.random.default_rng(5).normal(size=100_003))
    falls = np.maximum.accumulate(equity) - equity
    kept, size = kept_points(equity, falls), -(-100_003 // STRETCHES)
    assert len(kept) <= 4 * STRETCHES
    for start in range(0, 100_003, size):
        inside = kept[(kept >= start) & (kept < start + size)]
        part = slice(start, start + size)
        assert (equity[inside].min(), equity[inside].max()) == (equity[part].min(), equity[part].max())
        assert falls[inside].max() == falls[part].max()


def test_curves_begin_with_the_cash_and_end_with_the_equity(portfolio_run: PortfolioResult) -> None:
    for side in sides_of(portfolio_run):
        drawn = curve(side)
        assert (drawn["equity"][0], drawn["drawdown"][0]) == (side.initial_units / UNITS, 0.0)
        assert drawn["equity"][-1] == pytest.approx(side.sums.equity / UNITS, abs=1e-8)
        assert -min(drawn["drawdown"]) == pytest.approx(side.stats["max_drawdown"], abs=1e-8)
        assert (min(drawn["equity"]), max(drawn["equity"])) == (
            pytest.approx(side.stats["min_equity"], abs=1e-8),
            pytest.approx(max(side.stats["max_equity"], side.stats["initial_equity"]), abs=1e-8),
        )
        assert drawn["time"][-1] == portfolio_run.time_ms[-1] + 60_000
        assert len(drawn["liquidated"]) == side.stats["liquidations"]


# Page


def test_the_page_loads_nothing(page: str) -> None:
    reader = Reader(page)
    assert reader.loads == ["data:,"]
    assert reader.handlers == []
    assert not {"img", "iframe", "object", "embed", "base", "form"} & set(reader.tags)
    assert not re.search(r"https?://|url\(|@import|fetch\(", page)


def test_names_are_harmless(portfolio_run: PortfolioResult, tmp_path: Path) -> None:
    def cursed(leg: Any) -> Any:
        return replace(
            leg,
            instrument=replace(leg.instrument, symbol=EVIL, settle=EVIL),
            data=replace(leg.data, venue=EVIL, interval=EVIL, sha256=EVIL),
        )

    mandates = tuple(
        replace(one, strategy=EVIL, params={EVIL: EVIL}, legs=tuple(map(cursed, one.legs)))
        for one in portfolio_run.mandates
    )
    finding = dict.fromkeys(("bar", "time", "kind", "name", "detail"), EVIL)
    check = {"ok": False, "findings": [finding]}
    trust = {"mandates": [{"name": EVIL, "lookahead": check}], "capacity": [{"name": EVIL, "symbol": EVIL}]}
    changes = {"settings": {EVIL: EVIL}, "hashes": {"data": EVIL}, "runner": EVIL, "warnings": (EVIL,), "trust": trust}
    evil = replace(portfolio_run, mandates=mandates, **changes)
    shown, plain = Reader(render_portfolio_page(evil)), Reader(render_portfolio_page(portfolio_run))
    assert shown.tags.count("script") == plain.tags.count("script") == 2
    assert shown.tags.count("img") == 0
    assert shown.handlers == []
    assert EVIL in "".join(shown.text)
    assert json.loads(next(text for kind, text in shown.scripts if kind == "application/json"))["currency"] == EVIL
    write_report(evil, tmp_path)
    assert {row["symbol"] for row in rows_of(tmp_path, "fills")} == {EVIL}
    assert "\n" not in render_portfolio_markdown(evil).splitlines()[0]


def test_a_long_portfolio_is_small_and_quick(portfolio_run: PortfolioResult, tmp_path: Path) -> None:
    bars = 1_402_480
    rng = np.random.default_rng(2)
    times = portfolio_run.time_ms[0] + np.arange(bars, dtype=np.int64) * 60_000
    mandates = []
    for one in portfolio_run.mandates:
        steps = rng.normal(0, 10**6, bars).astype(np.int64)
        mandates.append(replace(one, equity_units=one.cash_units + np.cumsum(steps)))
    long = replace(portfolio_run, mandates=tuple(mandates), time_ms=times)
    started = time.perf_counter()
    written = write_report(long, tmp_path)
    assert time.perf_counter() - started < 20
    assert written["html"].stat().st_size < 2_500_000
    assert "Of 1169 bars each the lowest, highest and last are drawn." in written["html"].read_text()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_the_page_draws_itself(portfolio_run: PortfolioResult, page: str, tmp_path: Path) -> None:
    dom = opened(page, tmp_path)
    assert 'data-ready="1"' in dom
    assert re.search(r'id="trouble"[^>]*hidden', dom)
    notes = dict(re.findall(r'data-note="(\w+)">([^<]*)<', dom))
    assert notes["equity"] == "2024-01-07 06:00"
    sides = sides_of(portfolio_run)
    shown = re.findall(r'<b data-value="">([^<]*)</b>', dom)
    assert shown == [f"{'+' if side.net_units > 0 else ''}{side.net_units / UNITS:,.2f} USDT" for side in sides]
    last = [curve(side)["drawdown"][-1] for side in sides]
    words_of = zip(["Account", "1", "2", "3", "4"], last, strict=True)
    assert notes["drawdown"] == "Drawdown  " + "  ".join(f"{name} {100 * value:,.2f}%" for name, value in words_of)


# Trust


def test_the_checks_of_every_strategy_stand_first(
    portfolio_run: PortfolioResult, trusted: Callable[..., BacktestResult]
) -> None:
    result = trust_of(portfolio_run, trusted)
    line = (
        "Trial 14 of this portfolio on this data; deflated Sharpe 0.62: not distinguishable from luck. "
        "Look-ahead check passed for every strategy. Warm-up check passed for every strategy."
    )
    text, page = render_portfolio_text(result), render_portfolio_page(result)
    assert text.splitlines()[0] == line
    assert render_portfolio_markdown(result).splitlines()[0] == line
    shown = " ".join(" ".join(Reader(page).text).split())
    assert line.replace(". ", ".") in shown.replace(". ", ".")
    for title in ("Checks of the strategies", "Monte Carlo of the trades", "Scenarios, not a bound", "Trials and luck"):
        assert title in shown
    assert "41.70%" in shown
    for name in NAMES:
        assert f"Look-ahead check, {name}" in text
    assert "max, pair_reversion ETHUSDT+BTCUSDT in ETHUSDT" in text
    assert portfolio_summary(result)["trust"]["mandates"][0]["name"] == NAMES[0]
    without = render_portfolio_page(portfolio_run)
    assert "Checks of the strategies" not in without
    assert "Trust checks: not run." in without


def test_what_failed_is_named_with_its_strategy(
    portfolio_run: PortfolioResult, trusted: Callable[..., BacktestResult]
) -> None:
    passed = {"ok": True, "findings": []}
    failed = {
        "ok": False,
        "findings": [{"bar": 7, "time": "2024-01-01", "kind": "feature", "name": "tomorrow", "detail": "It moved."}],
    }
    checks = [{"name": one.name, "lookahead": passed, "warmup": passed} for one in portfolio_run.mandates]
    checks[3] = {"name": checks[3]["name"], "lookahead": failed}
    result = trust_of(portfolio_run, trusted, mandates=checks)
    verdicts = {verdict.text: verdict.tone for verdict in first_line("x", result.trust)}
    assert verdicts["Look-ahead check FAILED for sma_cross ETHUSDT #2."] == "down"
    assert verdicts["Warm-up check: not run for sma_cross ETHUSDT #2."] == ""
    assert [overall_word(result.trust, name) for name in ("lookahead", "warmup")] == ["FAILED", "not run"]
    (finding,) = findings(result.trust)
    assert str(finding).startswith("Look-ahead check of sma_cross ETHUSDT #2, bar 7 (2024-01-01), feature tomorrow")
    for form in (render_portfolio_text(result), render_portfolio_page(result), render_portfolio_markdown(result)):
        assert "Look-ahead check of sma" in form.replace("\\", "")
    assert ("Look-ahead check, sma_cross ETHUSDT #2", "FAILED") in trust_rows(result.trust)


# Comparison


def test_a_portfolio_is_compared_with_a_backtest(
    portfolio_run: PortfolioResult, trusted: Callable[..., BacktestResult], folder: Path, tmp_path: Path
) -> None:
    alone = trusted()
    write_report(alone, tmp_path)
    for runs in ([run_of(portfolio_run), run_of(alone)], read_runs([folder, tmp_path])):
        document = compare_runs(runs)
        figures = {row["name"]: row["values"] for row in document["figures"]}
        net = portfolio_run.sums.equity - portfolio_run.sums.initial
        assert figures["net_profit"] == [pytest.approx(net / UNITS), alone.stats["net_profit"]]
        assert figures["exposure"][0] is None
        assert runs[0].equity[-1] == pytest.approx(portfolio_run.sums.equity / UNITS)
        names = {row["name"] for row in document["parameters"]}
        assert {"sma_cross ETHUSDT #2: fast", "momentum_atr BTCUSDT: share", "fast"} <= names
        assert "The data differ" in document["warnings"][0]
    page = render_comparison([portfolio_run, trust_of(portfolio_run, trusted)])
    assert "Trial 14 of this portfolio on this data" in page
    assert "All runs placed the same orders." in comparison_text(compare_runs([run_of(portfolio_run)] * 2))
    odd = {"strategies": [1, {"name": 2, "params": 3}], "trust": {"mandates": [1, {}]}}
    assert render_comparison([replace(run_of(alone), document=odd), run_of(portfolio_run)])


def test_another_currency_is_not_compared(portfolio_run: PortfolioResult, inverse_run: BacktestResult) -> None:
    with pytest.raises(InputError, match="different currencies"):
        render_comparison([portfolio_run, inverse_run])


def test_a_side_s_forms_are_made_when_called(portfolio_run: PortfolioResult, small_result: BacktestResult) -> None:
    for result, schema in ((portfolio_run, "real_trade.portfolio/1"), (small_result, "real_trade.backtest/1")):
        forms = forms_of(result)
        assert forms.document(None)["schema"] == schema
        assert "<!doctype html>" in forms.page()[:20]
        assert set(forms.tables) == {"trades", "fills", "orders", "funding", "equity"}
    assert isinstance(sides_of(portfolio_run)[0], Side)
