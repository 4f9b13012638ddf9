"""One backtest from a store, or from klines in memory, to a result."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.backtest.account import AccountSettings
from real_trade.backtest.codegen import code_hash
from real_trade.backtest.engine import RUNNERS, Runner, simulate
from real_trade.backtest.facts import data_facts, data_warnings
from real_trade.backtest.result import TRADE_DTYPE, BacktestResult, DataFacts
from real_trade.data.instruments import resolve_instrument
from real_trade.model.bars import bars_from_klines
from real_trade.model.clock import format_time
from real_trade.model.errors import InputError
from real_trade.model.instrument import Instrument, Market, money
from real_trade.model.interval import Interval
from real_trade.model.series import Klines, SeriesKey
from real_trade.portfolio.round_trips import round_trips
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from real_trade.kernels.accounting import Terms
    from real_trade.model.bars import Bars
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
    trust: bool = False,
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
    material = _load(store, key, from_ms, to_ms, instrument)
    return _run(strategy, material, params=params, settings=settings, strict=strict, runner=runner, trust=trust)


def backtest(
    strategy: type[Strategy],
    klines: Klines,
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
) -> BacktestResult:
    """Backtest a strategy over klines in memory.

    Arguments are those of `run_backtest`; ``verify`` also runs every check of the data, for the result's certificate.
    """
    facts = data_facts(klines, instrument, Interval.parse(interval), from_ms, to_ms, verify=verify)
    material = _Material(bars_from_klines(klines, instrument), facts, instrument)
    return _run(strategy, material, params=params, settings=settings, strict=strict, runner=runner, trust=trust)


class _Material(NamedTuple):
    """What a strategy is run over; the float prices it was made from are no longer needed."""

    bars: Bars
    facts: DataFacts
    instrument: Instrument


def _load(
    store: TimeSeriesStore, key: SeriesKey, from_ms: int | None, to_ms: int | None, instrument: Instrument | None
) -> _Material:
    klines = store.read_klines(key, from_ms, to_ms)
    if not len(klines) or key.interval is None:
        raise InputError(
            f"Nothing is stored for {key} in that span.",
            code="no_data",
            field="symbol",
            value=key.symbol,
            fix="Run download-data or import-data first; list-data shows what there is.",
        )
    if instrument is None:
        instrument, _ = resolve_instrument(key.venue, key.market, key.symbol, store=store, klines=klines)
    facts = data_facts(klines, instrument, key.interval, from_ms, to_ms, verify=True)
    return _Material(bars_from_klines(klines, instrument), facts, instrument)


def _run(
    strategy: type[Strategy],
    material: _Material,
    *,
    params: Mapping[str, object] | None,
    settings: AccountSettings | None,
    strict: bool,
    runner: Runner,
    trust: bool,
) -> BacktestResult:
    if runner not in RUNNERS:
        raise InputError(
            f"Unknown runner {runner!r}.", field="runner", value=runner, fix=f"Use one of {', '.join(RUNNERS)}."
        )
    bars, facts, instrument = material
    settings = settings or AccountSettings()
    warnings = data_warnings(facts, strict=strict)
    if instrument.inferred:
        warnings += (f"The tick {instrument.tick_size} was inferred from prices.",)
    values, core_params = strategy.resolve_params(params or {}, instrument)
    terms = settings.terms(instrument, bars)
    cash_units = money(settings.cash)
    simulation = simulate(strategy, bars, core_params, terms, cash_units, runner)
    shown = _shown_settings(settings, terms, cash_units)
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
            "orders": _orders_hash(simulation.orders, simulation.fills),
        },
        runner=runner,
        time_ms=bars.time_ms,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        equity_units=simulation.equity,
        order_rows=simulation.orders,
        fill_rows=simulation.fills,
        trade_rows=_trade_rows(simulation.fills, terms, instrument),
        warnings=warnings,
    )
    if not trust:
        return result
    from real_trade.backtest.judgement import judge

    return judge(result, strategy, bars, core_params, terms)


def _shown_settings(settings: AccountSettings, terms: Terms, cash_units: int) -> dict[str, object]:
    return {
        "cash": str(settings.cash),
        "cash_units": cash_units,
        "fee_taker": str(Decimal(terms.taker_rate).scaleb(-9).normalize()),
        "fee_maker": str(Decimal(terms.maker_rate).scaleb(-9).normalize()),
        "leverage": terms.leverage,
        "queue": settings.queue,
        "volume_share": str(settings.volume_share),
        "policy": settings.policy,
        "slippage": settings.slippage,
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


def _orders_hash(orders: NDArray[Any], fills: NDArray[Any]) -> str:
    digest = hashlib.sha256(b"real_trade.orders/1\0")
    digest.update(len(orders).to_bytes(8, "little"))
    digest.update(np.ascontiguousarray(orders).tobytes())
    digest.update(np.ascontiguousarray(fills).tobytes())
    return digest.hexdigest()


def _trade_rows(fills: NDArray[Any], terms: Terms, instrument: Instrument) -> NDArray[Any]:
    rows = np.array(round_trips(fills, terms), dtype=TRADE_DTYPE)
    tick = float(instrument.tick_size)
    rows["entry_price"] *= tick
    rows["exit_price"] *= tick
    return rows
