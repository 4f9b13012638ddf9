"""Seeded results of any size, whose orders, fills, trades and equity agree with each other exactly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import MINUTE, instrument_of, random_klines
from engine_markets import START as ENGINE_START

from real_trade.backtest import AccountSettings, backtest
from real_trade.backtest.material import Extras
from real_trade.backtest.portfolio import Allocation, backtest_portfolio
from real_trade.backtest.result import (
    FILL_DTYPE,
    ORDER_DTYPE,
    PAYMENT_DTYPE,
    TRADE_DTYPE,
    BacktestResult,
    DataFacts,
)
from real_trade.kernels.accounting import opening
from real_trade.model.instrument import Instrument, Market
from real_trade.model.order import OrderStatus, OrderType, RejectReason
from real_trade.model.series import FundingRates
from real_trade.strategies.momentum_atr import MomentumAtr
from real_trade.strategies.pair_reversion import PairReversion
from real_trade.strategies.sma_cross import SmaCross

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.backtest.portfolio_result import PortfolioResult

START = 1_672_531_200_000  # 2023-01-01
# Money units per tick and lot: 0.01 * 0.00001 / 1e-8.
GRID = 10


def make_bars(rng: np.random.Generator, bars: int, gap: tuple[int, int] | None) -> tuple[np.ndarray, ...]:
    """Return time and OHLC in ticks: a walk with volatility clusters, and one gap (bar, missing bars)."""
    clusters = np.exp(np.repeat(rng.normal(0, 0.5, bars // 240 + 1), 240)[:bars])
    steps = rng.standard_t(4, bars) * clusters * 0.0005
    close = np.rint(np.exp(np.cumsum(steps)) * 1_700_000).astype(np.int64) + 1
    open_ = np.concatenate([close[:1], close[:-1]])
    reach = np.abs(rng.normal(0, 0.0003, (2, bars))) * clusters * close
    high = np.maximum(open_, close) + reach[0].astype(np.int64)
    low = np.maximum(np.minimum(open_, close) - reach[1].astype(np.int64), 1)
    time_ms = START + np.arange(bars, dtype=np.int64) * MINUTE
    if gap:
        time_ms[gap[0] :] += gap[1] * MINUTE
    return time_ms, open_, high, low, close


def make_fills(rng: np.random.Generator, time_ms: np.ndarray, open_: np.ndarray, trades: int) -> tuple[np.ndarray, ...]:
    """Return orders, fills and trades: entries and exits at the open of distinct bars, both sides, 0.1 % fee."""
    bars = np.sort(rng.choice(np.arange(1, len(time_ms)), 2 * trades, replace=False))
    side = rng.choice([1, -1], trades)
    lots = rng.integers(100, 3000, trades)
    sides = np.column_stack([side, -side]).ravel()
    fills = np.zeros(2 * trades, dtype=FILL_DTYPE)
    fills["order_id"] = np.arange(1, 2 * trades + 1)
    fills["bar"], fills["time_ms"], fills["side"] = bars, time_ms[bars], sides
    fills["price_ticks"], fills["lots"] = open_[bars], np.repeat(lots, 2)
    fills["maker"] = rng.integers(0, 2, 2 * trades)
    value = fills["price_ticks"] * fills["lots"] * GRID
    fills["fee"] = np.rint(value * np.where(fills["maker"] > 0, 0.0002, 0.0005)).astype(np.int64)
    orders = np.zeros(2 * trades, dtype=ORDER_DTYPE)
    for name in ("order_id", "side", "lots"):
        orders[name] = fills[name]
    orders["bar"], orders["time_ms"] = bars - 1, time_ms[bars - 1]
    orders["type"] = np.where(fills["maker"] > 0, OrderType.LIMIT, OrderType.MARKET)
    orders["price_ticks"] = np.where(fills["maker"] > 0, fills["price_ticks"], 0)
    orders["status"], orders["filled_lots"], orders["final_bar"] = OrderStatus.FILLED, fills["lots"], bars
    entry, exit_ = fills[0::2], fills[1::2]
    rows = np.zeros(trades, dtype=TRADE_DTYPE)
    rows["entry_bar"], rows["exit_bar"] = entry["bar"], exit_["bar"]
    rows["entry_ms"], rows["exit_ms"] = entry["time_ms"], exit_["time_ms"]
    rows["side"], rows["lots"] = side, lots
    rows["entry_price"], rows["exit_price"] = entry["price_ticks"] * 0.01, exit_["price_ticks"] * 0.01
    rows["gross"] = side * lots * GRID * (exit_["price_ticks"] - entry["price_ticks"])
    rows["fees"] = entry["fee"] + exit_["fee"]
    rows["net"] = rows["gross"] - rows["fees"]
    return orders, fills, rows


def reject_some(orders: np.ndarray, count: int) -> np.ndarray:
    """Return the orders with so many rejected and canceled ones after them."""
    extra = np.zeros(count, dtype=ORDER_DTYPE)
    extra["order_id"] = np.arange(len(orders) + 1, len(orders) + count + 1)
    extra["side"], extra["lots"], extra["price_ticks"] = 1, 500, 1_650_000
    extra["type"] = OrderType.LIMIT
    extra["time_ms"] = START
    extra["status"] = np.where(np.arange(count) % 2, OrderStatus.REJECTED, OrderStatus.CANCELED)
    extra["reason"] = np.where(np.arange(count) % 2, RejectReason.INSUFFICIENT_FUNDS, RejectReason.BY_STRATEGY)
    return np.concatenate([orders, extra])


def make_result(
    bars: int = 5000,
    trades: int = 40,
    *,
    seed: int = 1,
    gap: tuple[int, int] | None = None,
    rejected: int = 0,
    cash: int = 10_000,
    **changes: Any,
) -> BacktestResult:
    """Return a result of so many one-minute bars and closed trades."""
    rng = np.random.default_rng(seed)
    time_ms, open_, high, low, close = make_bars(rng, bars, gap)
    orders, fills, rows = make_fills(rng, time_ms, open_, trades)
    position, cash_units = np.zeros(bars, dtype=np.int64), np.full(bars, cash * 10**8, dtype=np.int64)
    signed = fills["side"] * fills["lots"]
    flow = np.zeros(bars, dtype=np.int64)
    np.add.at(position, fills["bar"], signed)
    np.add.at(flow, fills["bar"], -signed * fills["price_ticks"] * GRID - fills["fee"])
    equity = cash_units + np.cumsum(flow) + np.cumsum(position) * close * GRID
    gaps = ((int(time_ms[gap[0] - 1]) + MINUTE, int(time_ms[gap[0]]), gap[1]),) if gap else ()
    end = int(time_ms[-1]) + MINUTE if bars else START
    values: dict[str, Any] = {
        "strategy": "sma_cross",
        "params": {"fast": 20, "slow": 100, "size": "0.01", "mode": "long_short"},
        "instrument": Instrument(
            "bybit",
            "BTCUSDT",
            Market.LINEAR,
            "BTC",
            "USDT",
            "USDT",
            Decimal("0.01"),
            Decimal("0.00001"),
            Decimal("0.00001"),
        ),
        "data": DataFacts("bybit", "linear", "BTCUSDT", "1m", START, end, bars, gaps, 0, "ab" * 32),
        "settings": {"cash": str(cash), "cash_units": cash * 10**8, "fee_taker": "0.0005", "fee_maker": "0.0002"},
        "hashes": {"data": "ab" * 32, "code": "cd" * 32, "config": "ef" * 32, "orders": "01" * 32},
        "runner": "compiled",
        "time_ms": time_ms,
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "equity_units": equity,
        "order_rows": reject_some(orders, rejected),
        "fill_rows": fills,
        "payment_rows": np.zeros(0, PAYMENT_DTYPE),
        "ledger": opening(int(equity[-1]) if bars else cash * 10**8)._replace(
            realised=int(rows["gross"].sum()), fees=int(fills["fee"].sum())
        ),
        "trade_rows": rows,
    }
    return BacktestResult(**(values | changes))


def run_leveraged(market: str, bars: int = 6000, **settings: Any) -> BacktestResult:
    """Return a run on hourly funding with liquidations, ambiguous fills and, at its end, an open position."""
    facts: dict[str, Any] = {"funding_interval_minutes": 60}
    instrument, params = instrument_of(market, **facts), {"mode": "long_short", "size": "0.1"}
    account = {"cash": Decimal(10_000), "leverage": 45, "margin": "isolated", "latency_ms": 250} | settings
    if market == "inverse":
        facts |= {"contract_value": Decimal(100), "maker_fee": Decimal("0.0002"), "taker_fee": Decimal("0.0005")}
        instrument = replace(instrument_of(market, "0.1", "1", **facts), symbol="BTCUSD", quote="USD", settle="BTC")
        params["size"], account["cash"] = "30", account["cash"] / 20_000
    rng, hour = np.random.default_rng(3), 60 * MINUTE
    stamps = np.arange(ENGINE_START, ENGINE_START + bars * MINUTE, hour, dtype=np.int64)
    return backtest(
        MomentumAtr,
        random_klines(12, bars, float(instrument.tick_size), volatility=2e-3),
        instrument,
        params=params | {"threshold": 3.0, "stop": 2.5, "goal": 3.0},
        settings=AccountSettings(slippage="basis_points:1", **account),
        extras=Extras(funding=FundingRates(stamps, np.round(rng.normal(1e-4, 2e-4, len(stamps)), 8))),
    )


def run_portfolio_of(allocations: list[Allocation], bars: int = 9000, **settings: Any) -> PortfolioResult:
    """Return a run over two symbols, the second with holes, with hourly funding."""
    hour = 60 * MINUTE
    stamps = np.arange(ENGINE_START, ENGINE_START + bars * MINUTE, hour, dtype=np.int64)
    data, extras = {}, {}
    for number, symbol in enumerate(("BTCUSDT", "ETHUSDT")):
        rng = np.random.default_rng(number)
        klines = random_klines(12 + number, bars, price=(30_000.0, 2_000.0)[number], volatility=1e-3)
        if number:
            klines = klines.take(np.append(rng.random(bars - 1) > 0.01, True))
        fees = {"maker_fee": Decimal("0.0002"), "taker_fee": Decimal(("0.0005", "0.0006")[number])}
        instrument = replace(instrument_of("linear", **fees, funding_interval_minutes=60), symbol=symbol)
        data[symbol] = (klines, instrument)
        extras[symbol] = Extras(funding=FundingRates(stamps, np.round(rng.normal(1e-4, 2e-4, len(stamps)), 8)))
    account = AccountSettings(**({"cash": Decimal(10_000), "leverage": 25, "margin": "isolated"} | settings))
    return backtest_portfolio(allocations, data, settings=account, extras=extras)


def make_trust(result: BacktestResult) -> dict[str, Any]:
    """Return every section of the trust checks, with numbers that fit the result."""
    net, gross, fees = (float(result.trade_rows[name].sum()) / 1e8 for name in ("net", "gross", "fees"))
    initial = result.initial_units / 1e8
    share = np.linspace(0, 1, 50)

    def spread(middle: float, width: float) -> dict[str, float]:
        return {f"p{part}": middle + width * (part - 50) / 50 for part in (5, 25, 50, 75, 95)}

    def method(width: float, loss: float) -> dict[str, Any]:
        middle = initial + net * share
        band = {"p5": middle - width * share, "p50": middle, "p95": middle + width * share}
        return {
            "final_equity": spread(initial + net, width),
            "max_drawdown": spread(0.1, 0.05),
            "loss_probability": loss,
            "equity_band": {"share": share.tolist(), **{name: values.tolist() for name, values in band.items()}},
        }

    def scenario(profit: float, trades: int, liquidations: int = 0) -> dict[str, Any]:
        return {
            "net_profit": profit,
            "final_equity": initial + profit,
            "max_drawdown": 0.052,
            "trades": trades,
            "liquidations": liquidations,
            "ambiguous_fills": 4,
        }

    return {
        "lookahead": {"ok": True, "bars_checked": 50, "findings": []},
        "warmup": {"ok": True, "bars_needed": 100, "findings": []},
        "trials": {
            "count": 14,
            "sharpe": 1.21,
            "deflated_sharpe": 0.62,
            "expected_max_sharpe": 1.05,
            "first": "2024-01-01T00:00:00Z",
            "last": "2024-02-01T00:00:00Z",
        },
        "costs": {
            "gross": gross + 3.0,
            "fees": fees,
            "slippage": 3.0,
            "funding": 1.5,
            "net": net - 1.5,
            "break_even_bps": 3.4,
            "net_if_costs_double": net - fees - 6.0,
        },
        "monte_carlo": {
            "runs": 400,
            "seed": 7,
            "methods": {"shuffle": method(0, 0), "skip": method(50, 0.01), "block_bootstrap": method(200, 0.2)},
        },
        "capacity": {
            "median_share": 0.0021,
            "p95_share": 0.034,
            "max_share": 0.41,
            "worst": [{"time": "2023-01-01T12:00:00Z", "share": 0.41}],
        },
        "clock": {
            "by_minute_of_hour": [float(minute - 30) for minute in range(60)],
            "around_funding": {
                name: {"trades": count, "net": count * 0.5}
                for name, count in (("before_60m", 3), ("after_60m", 4), ("other", 33))
            },
        },
        "range": {
            "pessimistic": scenario(-12.3, 38, 1),
            "central": scenario(54.9, 40),
            "optimistic": scenario(141.0, 41),
            "ambiguous_share": 0.13,
            "width_share": 2.792,
            "label": "scenarios",
            "why": "A position was liquidated.",
        },
    }


@pytest.fixture(scope="session")
def trusted() -> Callable[..., BacktestResult]:
    """Return the maker of results of 2000 bars with every trust section; keywords replace sections."""

    def make(strategy: str = "sma_cross", seed: int = 1, trades: int = 40, **sections: Any) -> BacktestResult:
        result = make_result(2000, trades, seed=seed, strategy=strategy)
        return replace(result, trust=make_trust(result) | sections)

    return make


@pytest.fixture(scope="session")
def build_result() -> Callable[..., BacktestResult]:
    """Return the maker of seeded results."""
    return make_result


@pytest.fixture(scope="session")
def linear_run() -> BacktestResult:
    """Return a run of the engine on a linear market; see `run_leveraged`."""
    return run_leveraged("linear")


@pytest.fixture(scope="session")
def inverse_run() -> BacktestResult:
    """Return a run of the engine on an inverse market; see `run_leveraged`."""
    return run_leveraged("inverse")


@pytest.fixture(scope="session")
def portfolio_run() -> PortfolioResult:
    """Return a run of four strategies, two of one name, one of two symbols, with liquidations and open positions."""
    wild = {"mode": "long_short", "threshold": 3.0, "stop": 2.5, "goal": 3.0, "size": "0.15"}
    return run_portfolio_of(
        [
            Allocation(MomentumAtr, ("BTCUSDT",), Decimal("0.4"), wild),
            Allocation(PairReversion, ("ETHUSDT", "BTCUSDT"), None, {"size": "3"}),
            Allocation(SmaCross, ("ETHUSDT",), None, {"mode": "long_short", "size": "2"}),
            Allocation(SmaCross, ("ETHUSDT",), None, {"fast": 5, "size": "1"}),
        ],
        slippage="basis_points:1",
    )


@pytest.fixture(scope="session")
def small_result() -> BacktestResult:
    """Return a result of 5000 bars with a gap, 40 trades and rejected orders."""
    return make_result(gap=(2000, 80), rejected=5, warnings=("1 gap: 80 bars are missing.",))


@pytest.fixture(scope="session")
def large_result() -> BacktestResult:
    """Return a result of 1.4 million bars and 20,000 trades with every trust section."""
    result = make_result(1_402_480, 20_000, gap=(118_000, 80), rejected=100)
    return replace(result, trust=make_trust(result))
