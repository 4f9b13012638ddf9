"""Funding, liquidations, ambiguous fills and inverse markets, from the engine to every file of the report."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_trade.backtest import AccountSettings
from real_trade.backtest.result import FILL_DTYPE, PAYMENT_DTYPE, TRADE_DTYPE
from real_trade.kernels.accounting import worth_of
from real_trade.model.bars import Bars
from real_trade.model.instrument import Market, money
from real_trade.model.order import Flag, OrderStatus, RejectReason
from real_trade.report import series, tables
from real_trade.report.account import account_line, funding_source, setting_rows, units_of
from real_trade.report.files import write_report
from real_trade.report.markdown import render_markdown
from real_trade.report.marks import ambiguous_line, liquidation_line, trade_marks
from real_trade.report.page import render_page
from real_trade.report.summary import summary
from real_trade.report.text import render_text

from .browser import BROWSER, opened
from .test_report_page import Reader, read_equity, read_prices, unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from real_trade.backtest.result import BacktestResult

UNITS = 10**8
# Columns as they were before orders had triggers and accounts had funding: files that people read by place.
OLD_COLUMNS = {
    "orders": "order_id,time,side,type,quantity,price,status,reason,filled,bar,final_bar",
    "fills": "order_id,time,side,price,quantity,fee,liquidity,bar",
    "trades": "entry_time,exit_time,side,quantity,entry_price,exit_price,gross,fees,net,minutes,entry_bar,exit_bar",
}


@pytest.fixture(params=["linear", "inverse"])
def run(request: pytest.FixtureRequest) -> BacktestResult:
    """Return a run that has all that this module is about."""
    result: BacktestResult = request.getfixturevalue(f"{request.param}_run")
    assert result.stats["liquidations"]
    assert result.fill_rows["ambiguous"].any()
    assert result.ledger.position
    assert len(result.payment_rows) > 10
    return result


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def terms_of(result: BacktestResult) -> Any:
    n = len(result.close)
    ticks = (result.time_ms, result.open, result.high, result.low, result.close)
    bars = Bars(*ticks, volume=np.zeros(n), synthetic=np.zeros(n, bool))
    return AccountSettings(leverage=45).terms(result.instrument, bars)


# Figures


def test_the_figures_of_the_account_add_up(run: BacktestResult) -> None:
    stats, ledger = run.stats, run.ledger
    worth = worth_of(ledger.position, int(run.close[-1]), terms_of(run))
    assert money(str(stats["unrealised"])) == worth - ledger.cost
    assert money(str(stats["realised"])) == ledger.realised
    assert money(str(stats["funding"])) == ledger.funding
    parts = [Decimal(str(stats[name])) for name in ("realised", "unrealised", "fees", "funding", "net_profit")]
    assert parts[0] + parts[1] - parts[2] - parts[3] == parts[4]
    assert stats["gross_profit"] == pytest.approx(float(parts[0] + parts[1]), abs=1e-9)


def test_value_is_contracts_over_price_on_inverse(inverse_run: BacktestResult) -> None:
    fills, terms = inverse_run.fill_rows, terms_of(inverse_run)
    columns = zip(fills["lots"].tolist(), fills["price_ticks"].tolist(), strict=True)
    value = sum(abs(worth_of(lots, price, terms)) for lots, price in columns)
    assert inverse_run.stats["volume_traded"] == pytest.approx(value / UNITS, rel=1e-6)


# Marks


def slow_marks(fills: Any, liquidated: set[int]) -> list[tuple[int, bool, bool]]:
    """Walk the fills one by one."""
    trades: list[list[Any]] = []
    position, lost, decided = 0, 0, False
    for fill in fills:
        step, slippage = int(fill["side"] * fill["lots"]), int(fill["slippage"])
        closing = min(abs(step), abs(position)) if step * position < 0 else 0
        first = slippage * closing // abs(step) if 0 < closing < abs(step) else slippage
        decided |= bool(fill["ambiguous"])
        lost += first
        position += step
        if closing and (position == 0 or closing < abs(step)):
            trades.append([lost, decided, int(fill["order_id"]) in liquidated])
            lost, decided = slippage - first, bool(fill["ambiguous"]) and position != 0
    return [tuple(trade) for trade in trades]


moves = st.tuples(st.sampled_from([1, -1]), st.integers(1, 3), st.integers(0, 100), st.booleans())


@given(st.lists(moves, max_size=25))
def test_marks_of_trades_are_those_of_their_fills(
    build_result: Callable[..., BacktestResult], fills: list[tuple[int, int, int, bool]]
) -> None:
    rows = np.zeros(len(fills), FILL_DTYPE)
    for i, (side, lots, slippage, decided) in enumerate(fills):
        values = {"order_id": i + 1, "side": side, "lots": lots, "slippage": slippage, "ambiguous": decided}
        for name, value in values.items():
            rows[name][i] = value
    expected = slow_marks(rows, set())
    result = build_result(5, 0, fill_rows=rows, trade_rows=np.zeros(len(expected), TRADE_DTYPE))
    assert list(zip(*(column.tolist() for column in trade_marks(result)), strict=True)) == expected


def test_marks_of_a_run(run: BacktestResult) -> None:
    orders = run.order_rows
    closing = (orders["reason"] == RejectReason.LIQUIDATION) & (orders["status"] == OrderStatus.FILLED)
    expected = slow_marks(run.fill_rows, set(orders["order_id"][closing].tolist()))
    assert list(zip(*(column.tolist() for column in trade_marks(run)), strict=True)) == expected
    assert sum(liquidated for _, _, liquidated in expected) == run.stats["liquidations"]


# Files


@pytest.fixture(scope="module")
def folders(
    linear_run: BacktestResult, inverse_run: BacktestResult, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Path]]:
    made = {"linear": linear_run, "inverse": inverse_run}
    return {name: write_report(result, tmp_path_factory.mktemp(name)) for name, result in made.items()}


@pytest.fixture
def written(run: BacktestResult, folders: dict[str, dict[str, Path]]) -> dict[str, Path]:
    return folders[run.instrument.market]


def test_old_columns_keep_their_place(written: dict[str, Path]) -> None:
    for name, columns in OLD_COLUMNS.items():
        assert written[name].read_text().startswith(f"{columns},")


def test_funding_is_written_exactly(run: BacktestResult, written: dict[str, Path]) -> None:
    rows = rows_of(written["funding"])
    assert list(rows[0]) == ["time", "position", "mark_price", "rate", "amount", "bar"]
    for row, payment in zip(rows, run.payment_rows, strict=True):
        assert run.instrument.lots(row["position"]) == payment["lots"]
        assert run.instrument.ticks(row["mark_price"]) == payment["price_ticks"]
        assert Decimal(row["rate"]) * 10**9 == int(payment["rate"])
        assert money(row["amount"]) == payment["amount"]
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal(run.ledger.funding) / UNITS
    # What was paid on the position still open is in no closed trade.
    trades = rows_of(written["trades"])
    assert sum(money(row["funding"]) for row in trades) == run.trade_rows["funding"].sum()
    for row in trades:
        assert Decimal(row["gross"]) - Decimal(row["fees"]) - Decimal(row["funding"]) == Decimal(row["net"])


def test_what_the_policy_decided_and_the_venue_closed_is_written(run: BacktestResult, written: dict[str, Path]) -> None:
    fills, trades = rows_of(written["fills"]), rows_of(written["trades"])
    assert [row["ambiguous"] for row in fills] == ["yes" if v else "no" for v in run.fill_rows["ambiguous"].tolist()]
    assert [money(row["slippage"]) for row in fills] == run.fill_rows["slippage"].tolist()
    assert sum(row["reason"] == "liquidation" for row in fills) == run.stats["liquidations"]
    closed = {row["exit_bar"] for row in trades if row["reason"] == "liquidation"}
    assert closed == {row["bar"] for row in fills if row["reason"] == "liquidation"}
    assert {row["reason"] for row in fills + trades} == {"", "liquidation"}
    assert {row["ambiguous"] for row in trades} == {"yes", "no"}


def test_orders_have_their_triggers_conditions_and_entries(run: BacktestResult, written: dict[str, Path]) -> None:
    rows = rows_of(written["orders"])
    stops = [row for row in rows if row["type"] == "stop"]
    assert stops
    for row in stops:
        assert row["trigger"] == row["price"]
        assert row["flags"] == "reduce_only"
        assert int(row["entry_id"]) < int(row["order_id"])
        assert row["expire"] == ""
    assert all(row["flags"] == row["trigger"] == row["entry_id"] == "" for row in rows if row["type"] == "market")


def test_conditions_and_ends_in_words(build_result: Callable[..., BacktestResult]) -> None:
    result = build_result(50, 2)
    result.order_rows["flags"][:3] = [Flag.IOC, Flag.POST_ONLY | Flag.REDUCE_ONLY, Flag.CLOSE]
    result.order_rows["expire_ms"][0] = 1_672_534_800_000
    table = tables.orders_table(result)
    assert table["flags"] == ["ioc", "post_only reduce_only", "close", ""]
    assert table["expire"] == ["2023-01-01T01:00:00Z", "", "", ""]


def test_the_document_has_the_new_figures_and_settings(run: BacktestResult) -> None:
    document = summary(run)
    names = ("funding", "liquidations", "realised", "unrealised", "ambiguous_fills", "slippage")
    assert all(document["stats"][name] is not None for name in names)
    expected = {"margin": "isolated", "latency_ms": 250, "funding_rate": None, "leverage": 45}
    assert document["settings"].items() >= expected.items()


# Words


def test_a_liquidation_is_named_above_the_figures(run: BacktestResult) -> None:
    line = liquidation_line(run)
    assert line.startswith("Liquidated ")
    page = render_page(run)
    assert f'<p class="liquidated" role="alert">{line}</p>' in page
    assert page.index(line) < page.index('<dl class="key">')
    text = render_text(run).splitlines()
    assert text.index(line) < text.index(next(row for row in text if row.startswith("+")))
    assert f"**{line}**" in render_markdown(run).splitlines()


def test_once_and_more_than_once(build_result: Callable[..., BacktestResult]) -> None:
    result = build_result(3000, 4)
    assert liquidation_line(result) == ""
    assert 'class="liquidated"' not in render_page(result)
    result.order_rows["reason"][3] = RejectReason.LIQUIDATION
    assert liquidation_line(result).startswith("Liquidated once, at 2023-01-0")
    result.order_rows["reason"][7] = RejectReason.LIQUIDATION
    line = liquidation_line(result)
    assert line.startswith("Liquidated 2 times, first at 2023-01-0")
    assert ", last at " in line
    # An order that went with the position was no liquidation.
    result.order_rows["status"][7] = OrderStatus.CANCELED
    assert liquidation_line(result).startswith("Liquidated once")


def test_ambiguous_fills_are_counted_in_one_line(run: BacktestResult, build_result: Callable[..., Any]) -> None:
    line, fills = ambiguous_line(run), run.fill_rows
    assert line.startswith(f"{np.count_nonzero(fills['ambiguous'])} of {len(fills)} fills (")
    assert "the policy (pessimistic) decided" in line
    assert line in render_text(run).splitlines()
    assert line in " ".join(Reader(render_page(run)).text)
    assert "fills" in render_markdown(run)
    assert ambiguous_line(build_result(300, 3)) == ""


def test_units_are_those_of_the_market(linear_run: BacktestResult, inverse_run: BacktestResult) -> None:
    assert units_of(linear_run.instrument)[:3] == ("USDT", "USDT", "BTC")
    assert units_of(inverse_run.instrument) == ("BTC", "USD", "contracts", "100 USD")
    by_ten = replace(linear_run.instrument, contract_value=Decimal(10))
    assert units_of(by_ten) == ("USDT", "USDT", "contracts", "10 BTC")
    text, page = render_text(inverse_run), " ".join(Reader(render_page(inverse_run)).text)
    assert "30 contracts |" in text
    assert "money in BTC, prices in USD, quantities in contracts" in text
    assert "Money in BTC, prices in USD, quantities in contracts." in page
    assert "0.1 USD, 1 contracts" in page
    assert "USDT" not in page


def test_the_settings_say_margin_latency_and_where_funding_came_from(
    run: BacktestResult, build_result: Callable[..., BacktestResult]
) -> None:
    rows = dict(setting_rows(run))
    assert (rows["Margin"], rows["Latency"], rows["Funding"]) == ("isolated", "250 ms", "stored rates")
    page, markdown = " ".join(" ".join(Reader(render_page(run)).text).split()), render_markdown(run)
    for label in ("Margin", "Latency", "Funding", "Policy of ambiguous bars"):
        assert f"{label} {rows[label]}" in page
        assert f"| {label} | {rows[label]} |" in markdown
    assert account_line(run) in render_text(run).splitlines()
    assert "leverage 45, isolated margin, funding: stored rates, latency 250 ms" in account_line(run)
    none = replace(run, payment_rows=np.zeros(0, PAYMENT_DTYPE))
    assert funding_source(none) == "none charged"
    stated = replace(run, settings={**run.settings, "funding_rate": "0.0001"})
    assert funding_source(stated) == "stated rate of 0.0001 a settlement"
    spot = build_result(300, 3, settings=run.settings, instrument=replace(run.instrument, market=Market.SPOT))
    assert not {"Margin", "Funding", "Leverage"} & set(dict(setting_rows(spot)))
    assert "margin" not in account_line(spot)


# The page


@pytest.fixture
def data(run: BacktestResult) -> dict[str, Any]:
    return json.loads(next(text for kind, text in Reader(render_page(run)).scripts if kind == "application/json"))


def test_trades_and_funding_come_back_exactly(run: BacktestResult, data: dict[str, Any]) -> None:
    gross, fees, funding = (unpack(data["trades"][name]) for name in ("gross", "fees", "funding"))
    assert (gross - fees - funding).tolist() == run.trade_rows["net"].tolist()
    marks = trade_marks(run)
    assert unpack(data["trades"]["ambiguous"]).tolist() == marks.ambiguous.astype(int).tolist()
    assert unpack(data["trades"]["liquidated"]).tolist() == marks.liquidated.astype(int).tolist()
    assert unpack(data["fills"]["liquidation"]).sum() == run.stats["liquidations"]
    assert unpack(data["funding"]["paid"]).tolist() == np.cumsum(run.payment_rows["amount"]).tolist()
    assert unpack(data["funding"]["bar"]).tolist() == run.payment_rows["bar"].tolist()
    for name in ("trigger_ticks", "flags", "expire_ms", "entry_id", "price_ticks"):
        assert unpack(data["orders"][name]).tolist() == run.order_rows[name].tolist()


@pytest.mark.parametrize("budget", [series.PRICE_BUDGET, 5_000])
def test_equity_comes_back_exactly_on_every_market(
    run: BacktestResult, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "PRICE_BUDGET", budget)
    packed = series.chart_data(run)
    size, close = packed["bucket"], read_prices(packed["prices"])[3]
    assert (size == 1) == (budget > 5_000)
    equity = read_equity(packed["equity"], close, run.fill_rows, size, inverse=packed["inverse"])
    assert equity.tolist() == series.last_of(run.equity_units, size).tolist()
    if size == 1:  # only fills and funding are left to say
        changes = np.count_nonzero(unpack(packed["equity"]["rest"]))
        assert changes <= len(run.fill_rows) + len(run.payment_rows)


def test_a_long_series_of_funding_keeps_its_end(run: BacktestResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "FUNDING_POINTS", 7)
    packed = series.chart_data(run)["funding"]
    assert packed["total"] == len(run.payment_rows)
    assert len(unpack(packed["paid"])) == 7
    assert unpack(packed["paid"])[-1] == run.ledger.funding


def test_tables_at_their_limit_leave_less_room_for_prices(build_result: Callable[..., BacktestResult]) -> None:
    result = build_result(1_402_480, 60_000)
    result.order_rows["expire_ms"] = result.order_rows["time_ms"] + 7 * np.arange(len(result.order_rows))
    result.order_rows["trigger_ticks"] = result.order_rows["price_ticks"]
    result.fill_rows["slippage"] = result.fill_rows["fee"] // 3
    assert len(render_page(result)) < 10_000_000


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_the_page_draws_funding_and_the_end_of_the_account(run: BacktestResult, tmp_path: Path) -> None:
    dom = opened(render_page(run), tmp_path)
    assert 'data-ready="1"' in dom
    currency = run.instrument.settle
    notes = dict(part.split('">', 1) for part in dom.split('data-note="')[1:])
    notes = {name: text.partition("<")[0] for name, text in notes.items()}
    equity = float(str(run.stats["final_equity"]))
    shown = f"{equity:,.2f}" if equity >= 1 else f"{equity:.4g}"
    assert notes["equity"].startswith(f"Equity {shown[:6]}")
    assert notes["equity"].endswith(currency)
    assert notes["funding"].startswith("Funding paid so far ")
    assert notes["price"].endswith(run.instrument.quote)
    assert '<option value="liquidated"' in dom
    for heading in ("Funding", "Note"):
        assert f">{heading}</button>" in dom
