"""The checks know all that a run knows: funding, mark prices, finer bars, tiers, holes, trades, the length of bars."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import MINUTE, START, instrument_of, random_klines

from real_trade.backtest import AccountSettings, BacktestResult, backtest
from real_trade.backtest.engine import simulate
from real_trade.backtest.material import Extras, prepare
from real_trade.backtest.plan import Feed, on_timeline
from real_trade.backtest.portfolio import Allocation, backtest_portfolio
from real_trade.backtest.trust import check_lookahead, check_warmup
from real_trade.backtest.trust.evidence import liquidations
from real_trade.backtest.trust.lookahead import lookahead_of
from real_trade.backtest.trust.subject import Subject, cut
from real_trade.model import Klines
from real_trade.model.bars import bars_from_klines
from real_trade.model.instrument import money
from real_trade.model.interval import Interval
from real_trade.model.series import FundingRates, Trades
from real_trade.model.tiers import MarginTiers
from real_trade.strategies.momentum_atr import MomentumAtr
from real_trade.trading import Bar, Desk, Int, Quantity, Strategy

if TYPE_CHECKING:
    from real_trade.model import Instrument

TIERS = MarginTiers.of(
    [(Decimal(5_000), Decimal("0.005"), Decimal(100)), (Decimal(10**8), Decimal("0.02"), Decimal(50))],
    as_of="2026-01-01",
    source="made up",
)
WILD = {"mode": "long_short", "threshold": 3.0, "stop": 8.0, "goal": 8.0}
BARS = 3_000


def market(kind: str) -> tuple[Instrument, dict[str, object], Decimal]:
    """Return an instrument with hourly funding, a size for it, and cash that a liquidation may take."""
    facts: dict[str, Any] = {"funding_interval_minutes": 60}
    if kind == "linear":
        return instrument_of(kind, **facts), {"size": "0.1"}, Decimal(2_000)
    facts |= {"contract_value": Decimal(100), "taker_fee": Decimal("0.0005")}
    instrument = replace(instrument_of(kind, "0.1", "1", **facts), settle="BTC")
    return instrument, {"size": "30"}, Decimal("0.1")


def hourly(seed: int, stop: int = BARS) -> FundingRates:
    stamps = np.arange(START, START + stop * MINUTE, 60 * MINUTE, dtype=np.int64)
    return FundingRates(stamps, np.random.default_rng(seed).normal(1e-4, 5e-3, len(stamps)).round(8))


def marks_of(klines: Klines) -> Klines:
    columns = (np.round(getattr(klines, name) * 1.0007, 2) for name in ("open", "high", "low", "close"))
    return Klines.of(klines.timestamp, *columns, np.zeros(len(klines)))


def run(kind: str, extras: Extras, **rules: Any) -> BacktestResult:
    instrument, size, cash = market(kind)
    klines = random_klines(12, BARS, float(instrument.tick_size), volatility=2e-3)
    account = {"cash": cash, "leverage": 45, "margin": "isolated", "slippage": "basis_points:1"} | rules
    return backtest(
        MomentumAtr, klines, instrument, params=WILD | size, settings=AccountSettings(**account), extras=extras,
        runner="python", trust=True,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["linear", "inverse"])
@pytest.mark.parametrize("margin", ["isolated", "cross"])
@pytest.mark.parametrize("latency", [0, 250])
def test_a_leveraged_run_with_funding_is_not_accused(kind: str, margin: str, latency: int) -> None:
    result = run(kind, Extras(funding=hourly(1), tiers=TIERS), margin=margin, latency_ms=latency)
    assert len(result.payment_rows) > 10
    assert liquidations(result.order_rows).any() or margin == "cross"
    assert result.trust is not None
    assert result.trust["lookahead"] == {"ok": True, "bars_checked": 50, "findings": []}
    assert result.trust["warmup"]["ok"]


def test_mark_prices_are_cut_with_the_bars() -> None:
    instrument, _, _ = market("linear")
    klines = random_klines(12, BARS, float(instrument.tick_size), volatility=2e-3)
    result = run("linear", Extras(funding=hourly(1), mark=marks_of(klines)))
    without = run("linear", Extras(funding=hourly(1)))
    assert result.hashes["orders"] != without.hashes["orders"]
    assert result.trust is not None and result.trust["lookahead"]["ok"]


class Holder(Strategy):
    """Is long for twenty bars, and flat for ten, with a bracket that most bars may reach."""

    size = Quantity("0.1")
    distance = Int(3_000, 1, 10**9)

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        return {"turn": bars.time_ms // MINUTE % 30}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if x.turn == 0 and desk.position == 0:
            entry = desk.buy(p.size)
            desk.attach_stop(entry, bar.close - p.distance)
            desk.attach_target(entry, bar.close + p.distance)
        elif x.turn == 20:
            desk.cancel_all()
            desk.target(0)
        return state


def five_minutes_of(klines: Klines) -> Klines:
    table = {name: getattr(klines, name).reshape(-1, 5) for name in ("timestamp", "open", "high", "low", "close")}
    columns = (table["open"][:, 0], table["high"].max(1), table["low"].min(1), table["close"][:, -1])
    return Klines.of(table["timestamp"][:, 0], *columns, np.full(len(table["open"]), 50.0))


@pytest.mark.parametrize("latency", [0, 90_000])
def test_finer_bars_are_cut_with_the_bars(latency: int) -> None:
    fine = random_klines(4, 5_000)
    account = AccountSettings(Decimal(5_000), leverage=5, policy="finer", latency_ms=latency)
    results = [
        backtest(
            Holder, five_minutes_of(fine), instrument_of("linear"), interval="5m", settings=account, runner="python",
            trust=True, extras=Extras(finer=finer, finer_span_ms=MINUTE),
        )
        for finer in (fine, None)
    ]  # fmt: skip
    assert results[0].hashes["orders"] != results[1].hashes["orders"]
    for result in results:
        assert result.trust is not None and result.trust["lookahead"]["ok"], result.trust["lookahead"]


def test_the_length_of_the_bars_is_known() -> None:
    """An order that is late by half an hour meets half of an hour's bar, in a portfolio and alone."""
    klines, instrument = five_minutes_of(random_klines(4, 5_000)), instrument_of("linear")
    hours = Klines.of(START + np.arange(len(klines)) * 60 * MINUTE, *(getattr(klines, n) for n in OHLCV))
    account = AccountSettings(Decimal(5_000), leverage=5, latency_ms=30 * MINUTE)
    given: dict[str, Any] = {"interval": "1h", "settings": account, "runner": "python"}
    alone = backtest(Holder, hours, instrument, trust=True, **given)
    together = backtest_portfolio([Allocation(Holder, ("A",))], {"A": (hours, instrument)}, **given)
    np.testing.assert_array_equal(alone.fill_rows, together.legs[0].fill_rows)
    in_time = backtest(Holder, hours, instrument, **given | {"settings": replace(account, latency_ms=0)})
    assert alone.hashes["orders"] != in_time.hashes["orders"]
    assert alone.trust is not None and alone.trust["lookahead"]["ok"]


OHLCV = ("open", "high", "low", "close", "volume")


class Peeks(Strategy):
    """Holds when the next bar will close higher."""

    size = Quantity("0.1")

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        return {"rises": np.append(bars.close[1:], 0) > bars.close}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        desk.target(p.size if x.rises else 0)
        return state


def test_a_leak_is_found_on_margin_too() -> None:
    klines, instrument = random_klines(12, BARS, volatility=2e-3), instrument_of("linear")
    result = backtest(
        Peeks, klines, instrument, settings=AccountSettings(leverage=20), extras=Extras(funding=hourly(1)),
        runner="python", trust=True,
    )  # fmt: skip
    assert result.trust is not None
    assert "rises" in [finding["name"] for finding in result.trust["lookahead"]["findings"]]


class OnTrades(Strategy):
    """Trades on single trades, and knows the mean of the closed bars."""

    size = Quantity("0.01")

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        return {"mean": np.convolve(bars.close, np.full(5, 0.2))[: len(bars.close)]}

    @staticmethod
    def on_trade(trade: Any, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if desk.position == 0 and desk.open_orders == 0 and trade.price > x.mean:
            desk.buy(p.size)
        elif desk.position > 0 and trade.price < x.mean and desk.open_orders == 0:
            desk.target(0)
        return state


class OnTradesPeeks(OnTrades):
    """As above, and yet the mean is that of the bars to come."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        return {"mean": np.convolve(bars.close[::-1], np.full(5, 0.2))[: len(bars.close)][::-1].copy()}


def test_a_strategy_that_sees_single_trades_is_checked() -> None:
    rng = np.random.default_rng(3)
    stamps = START + np.sort(rng.integers(0, 300 * MINUTE, 30_000))
    price = np.round(30_000 + np.cumsum(rng.normal(0, 0.5, 30_000)), 2)
    trades = Trades.of(stamps, price, np.ones(30_000), rng.choice([-1, 1], 30_000))
    instrument = instrument_of("linear")
    results = [backtest(each, trades, instrument, runner="python", trust=True) for each in (OnTrades, OnTradesPeeks)]
    clean, leaky = (result.trust["lookahead"] for result in results if result.trust is not None)
    assert (results[0].fill_rows["bar"] == results[0].order_rows["bar"][results[0].fill_rows["order_id"] - 1]).any()
    assert clean == {"ok": True, "bars_checked": 50, "findings": []}
    assert "mean" in [finding["name"] for finding in leaky["findings"]]
    assert results[0].trust["range"]["label"] == "bound"


def test_the_doors_take_feed_and_tiers() -> None:
    instrument, size, cash = market("linear")
    klines = random_klines(12, BARS, volatility=2e-3)
    account = AccountSettings(cash, leverage=45, margin="isolated")
    material = prepare(klines, instrument, Interval("1m"), account, Extras(hourly(1), tiers=TIERS), verify=False)
    _, params = MomentumAtr.resolve_params(WILD | size, instrument)
    terms = account.terms(instrument, material.bars, TIERS)
    own: dict[str, Any] = {"feed": material.feed, "tiers": material.tier_rows()}
    full = simulate(MomentumAtr, material.bars, params, terms, money(cash), "python", **own)
    given = (MomentumAtr, material.bars, params, terms, money(cash))
    assert check_lookahead(*given, full=full, runner="python", **own).ok
    assert check_warmup(*given, full=full, runner="python", **own).ok
    bare = check_lookahead(*given, full=full, runner="python")
    assert [finding.name for finding in bare.findings] == ["run"], "a run without funding is another one"


@pytest.mark.parametrize(("start", "stop"), [(0, 40), (0, 0), (13, 37), (30, 60)])
def test_a_feed_is_cut_as_if_no_more_had_been_known(start: int, stop: int) -> None:
    """What is prepared from a part of the data is what is cut from the whole, but for what a part cannot know."""
    klines, fine = random_klines(6, 60), random_klines(6, 300)
    coarse = five_minutes_of(fine)
    account = AccountSettings(policy="finer")
    instrument = instrument_of("linear", funding_interval_minutes=60)
    rates = FundingRates(klines.timestamp[::7].copy() * 5 - 4 * START, np.arange(len(klines.timestamp[::7])) * 1e-5)
    extras = Extras(rates, marks_of(coarse), fine, MINUTE)
    whole = prepare(coarse, instrument, Interval("5m"), account, extras, verify=False).feed
    found = cut(whole, start, stop, 5 * MINUTE)
    part = coarse.take(slice(start, stop))
    assert len(found.bars.close) == len(part)
    if not len(part):
        assert len(found.settlements.bar) == len(found.finer.open) == 0  # type: ignore[union-attr]
        return
    expected = prepare(part, instrument, Interval("5m"), account, extras, verify=False).feed
    for mine, theirs in zip(found.bars, expected.bars, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(found.settlements, expected.settlements, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(found.mark_low, expected.mark_low)
    np.testing.assert_array_equal(found.mark_high, expected.mark_high)
    assert found.finer is not None and expected.finer is not None
    for mine, theirs in zip(found.finer, expected.finer, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_run_on_the_first_rows_is_the_first_part_of_the_run() -> None:
    """With holes in the bars and funding, whatever the row."""
    instrument = instrument_of("linear", funding_interval_minutes=60)
    klines = random_klines(12, 400, volatility=2e-3)
    holed = klines.take(np.random.default_rng(1).random(400) > 0.1)
    account = AccountSettings(Decimal(2_000), leverage=45, margin="isolated")
    extras, timeline = Extras(hourly(1, 400)), klines.timestamp[3:]
    feed = prepare(holed, instrument, Interval("1m"), account, extras, verify=False, timeline=timeline).feed
    assert feed.present is not None
    _, params = MomentumAtr.resolve_params(WILD | {"size": "0.1", "lookback": 10, "length": 10}, instrument)
    terms = account.terms(instrument, feed.bars)
    subject = Subject.of_one(MomentumAtr, params, feed, terms, None, money(account.cash), MINUTE, "python")
    full = subject.run()
    assert len(full.legs[0].payments) > 1 and len(full.legs[0].fills) > 10
    for row in range(0, 397, 7):
        short = subject.run(row + 1)
        np.testing.assert_array_equal(short.equity[0], full.equity[0][: row + 1])
    assert lookahead_of(subject, full).ok


def test_a_timeline_of_which_a_symbol_lacks_bars_is_kept() -> None:
    instrument = instrument_of("linear")
    klines = random_klines(12, 300)
    bars = bars_from_klines(klines.take(np.arange(300) % 5 != 3), instrument)
    feed = Feed(*on_timeline(bars, klines.timestamp))
    part = cut(feed, 10, 20, MINUTE)
    np.testing.assert_array_equal(part.present, np.arange(10, 20) % 5 != 3)
