"""One backtest from a store, or from klines in memory, to a result."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.backtest.account import AccountSettings
from real_trade.backtest.codegen import code_hash
from real_trade.backtest.engine import RUNNERS, LegTables, Runner, compute_features, run_plan
from real_trade.backtest.facts import data_warnings
from real_trade.backtest.material import Extras, load_material, prepare
from real_trade.backtest.plan import Leg, Mandate, Plan
from real_trade.backtest.result import TRADE_DTYPE, BacktestResult
from real_trade.model.clock import format_time
from real_trade.model.errors import InputError
from real_trade.model.instrument import Market, money
from real_trade.model.interval import Interval
from real_trade.model.series import SeriesKey
from real_trade.portfolio.round_trips import round_trips
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from real_trade.backtest.material import Material
    from real_trade.kernels.accounting import Terms
    from real_trade.model.instrument import Instrument
    from real_trade.model.series import Klines, Trades
    from real_trade.storage.ports import TimeSeriesStore
    from real_trade.trading.strategy import Strategy


def run_backtest(
    strategy_spec: str,
    *,
    store: TimeSeriesStore,
    venue: str,
    market: str,
    symbol: str,
    interval: str,
    from_ms: int | None = None,
    to_ms: int | None = None,
    params: Mapping[str, object] | None = None,
    settings: AccountSettings | None = None,
    strict: bool = False,
    runner: Runner = "compiled",
    instrument: Instrument | None = None,
    trust: bool = True,
) -> BacktestResult:
    """Backtest a strategy over stored bars.

    Args:
        strategy_spec: name of a ready strategy, or ``FILE[:Class]``.
        store: where the bars are.
        venue, market, symbol, interval: the series.
        from_ms, to_ms: span ``[from, to)``; None takes all that is stored.
        params: the strategy's parameters; those not given take their defaults.
        settings: cash, fees and leverage.
        strict: a gap in the data ends the run.
        runner: ``compiled``, ``python`` or ``reference``; all give the same result.
        instrument: its facts; None takes the store's, else the table's, else the tick is inferred from prices.
        trust: also check the strategy for look-ahead and warm-up, and say how sure the result is.

    Raises:
        InputError: nothing stored for the span, or parameters or settings that do not fit.
        JobFailed: ``strict`` and the data have a gap.
    """
    strategy = load_strategy(strategy_spec, READY)
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise InputError(
            f"--from {format_time(from_ms)} is not before --to {format_time(to_ms)}.",
            code="reversed_range",
            field="from",
            value=format_time(from_ms),
            fix="Exchange them.",
        )
    key = SeriesKey(venue, Market.parse(market), symbol, Interval.parse(interval))
    settings = settings or AccountSettings()
    on_trades = strategy.decides_on_trades()
    material = load_material(store, key, from_ms, to_ms, settings, instrument, on_trades=on_trades)
    return _run(strategy, material, params=params, settings=settings, strict=strict, runner=runner, trust=trust)


def backtest(
    strategy: type[Strategy],
    data: Klines | Trades,
    instrument: Instrument,
    *,
    interval: Interval | str = "1m",
    from_ms: int | None = None,
    to_ms: int | None = None,
    params: Mapping[str, object] | None = None,
    settings: AccountSettings | None = None,
    strict: bool = False,
    runner: Runner = "compiled",
    verify: bool = False,
    trust: bool = False,
    extras: Extras | None = None,
) -> BacktestResult:
    """Backtest a strategy over klines, or trades, in memory.

    Of trades, bars are made; a strategy that looks at single trades needs them. Arguments are those of `run_backtest`;
    ``verify`` also runs every check of the data, for the result's certificate; ``extras`` has funding, mark prices,
    finer bars and margin tiers, which are otherwise unknown; ``trust`` is off unless it is asked for.
    """
    settings = settings or AccountSettings()
    extras = extras or Extras()
    material = prepare(data, instrument, Interval.parse(interval), settings, extras, from_ms, to_ms, verify=verify)
    return _run(strategy, material, params=params, settings=settings, strict=strict, runner=runner, trust=trust)


def _run(
    strategy: type[Strategy],
    material: Material,
    *,
    params: Mapping[str, object] | None,
    settings: AccountSettings,
    strict: bool,
    runner: Runner,
    trust: bool,
) -> BacktestResult:
    if runner not in RUNNERS:
        raise InputError(
            f"Unknown runner {runner!r}.", field="runner", value=runner, fix=f"Use one of {', '.join(RUNNERS)}."
        )
    if strategy.symbols != 1:
        raise InputError(
            f"{strategy.name()} trades {strategy.symbols} symbols.",
            code="wrong_symbols",
            field="symbol",
            value=material.instrument.symbol,
            fix="Name them all: --symbol A,B; in a program, backtest_portfolio or run_portfolio.",
        )
    bars, facts, instrument = material.bars, material.facts, material.instrument
    warnings = data_warnings(facts, strict=strict) + material.notes
    if instrument.inferred:
        warnings += (f"The tick {instrument.tick_size} was inferred from prices.",)
    values, core_params = strategy.resolve_params(params or {}, instrument)
    terms = settings.terms(instrument, bars, material.tiers)
    cash_units = money(settings.cash)
    features = compute_features(strategy, bars, core_params)
    leg = Leg(0, terms, material.tier_rows())
    mandate = Mandate(strategy, core_params, features, (leg,), cash_units)
    plan = Plan((material.feed,), (mandate,), Interval.parse(facts.interval).length_ms)
    outcome = run_plan(plan, runner)
    tables = outcome.legs[0]
    shown = shown_settings(settings, terms, cash_units)
    config = {"strategy": strategy.name(), "params": values, "settings": shown, "instrument": _facts_of(instrument)}
    result = BacktestResult(
        strategy=strategy.name(),
        params=values,
        instrument=instrument,
        data=facts,
        settings=shown,
        hashes={
            "data": facts.sha256,
            "code": code_hash(strategy),
            "config": hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest(),
            "orders": orders_hash(tables.orders, tables.fills),
        },
        runner=runner,
        time_ms=bars.time_ms,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        equity_units=outcome.equity[0],
        order_rows=tables.orders,
        fill_rows=tables.fills,
        payment_rows=tables.payments,
        trade_rows=trade_rows(tables, terms, instrument),
        ledger=tables.ledger,
        warnings=warnings,
    )
    if not trust:
        return result
    from real_trade.backtest.judgement import judge

    return judge(result, plan, outcome, runner)


def shown_settings(settings: AccountSettings, terms: Terms, cash_units: int) -> dict[str, object]:
    """Return the account's settings as a result shows them."""
    return {
        "cash": str(settings.cash),
        "cash_units": cash_units,
        "fee_taker": str(Decimal(terms.taker_rate).scaleb(-9).normalize()),
        "fee_maker": str(Decimal(terms.maker_rate).scaleb(-9).normalize()),
        "fee_tier": settings.fee_tier,
        "leverage": terms.leverage,
        "queue": settings.queue,
        "volume_share": str(settings.volume_share),
        "policy": settings.policy,
        "slippage": settings.slippage,
        "margin": settings.margin,
        "latency_ms": settings.latency_ms,
        "fee_liquidation": str(Decimal(terms.liquidation_rate).scaleb(-9).normalize()),
        "funding_rate": None if settings.funding_rate is None else str(settings.funding_rate),
    }


def _facts_of(instrument: Instrument) -> dict[str, str]:
    names = (
        "venue",
        "symbol",
        "market",
        "tick_size",
        "quantity_step",
        "min_quantity",
        "min_notional",
        "contract_value",
    )
    return {name: str(getattr(instrument, name)) for name in names}


def orders_hash(orders: NDArray[Any], fills: NDArray[Any]) -> str:
    """Return sha256 over orders and fills."""
    digest = hashlib.sha256(b"real_trade.orders/1\0")
    digest.update(len(orders).to_bytes(8, "little"))
    digest.update(np.ascontiguousarray(orders).tobytes())
    digest.update(np.ascontiguousarray(fills).tobytes())
    return digest.hexdigest()


def trade_rows(tables: LegTables, terms: Terms, instrument: Instrument) -> NDArray[Any]:
    """Return the closed round trips of a run."""
    rows = np.array(round_trips(tables.fills, terms, tables.payments), dtype=TRADE_DTYPE)
    tick = float(instrument.tick_size)
    rows["entry_price"] *= tick
    rows["exit_price"] *= tick
    return rows
