"""Run a plan over bars in memory: compiled, as plain Python, or through the readable reference path."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from real_trade.backtest import bar_loop, trade_loop
from real_trade.backtest.codegen import compiled_loop, decisions_of, plain_loop, row_type, types_of
from real_trade.backtest.diagnosis import explain_failure
from real_trade.backtest.memory import keep_freed_memory
from real_trade.backtest.plan import MINUTE_MS, Feed, Leg, Mandate, Plan, closes_at, only_mandate, tier_table
from real_trade.backtest.reference import run_reference, too_many_orders, too_much_money
from real_trade.backtest.reference_trades import run_reference_trades
from real_trade.backtest.result import FILL_DTYPE, ORDER_DTYPE, PAYMENT_DTYPE
from real_trade.kernels.accounting import opening
from real_trade.kernels.jit import jit_is_on
from real_trade.kernels.tables import (
    FILL_COLUMNS,
    ORDER_COLUMNS,
    PAYMENT_COLUMNS,
    REQUEST_COLUMNS,
    REQUEST_ROWS,
    WORKING_COLUMNS,
)
from real_trade.model.bars import Bar
from real_trade.model.errors import StrategyError
from real_trade.trading.session import point_value_of
from real_trade.trading.strategy import NAMES_TAKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from real_trade.backtest.bar_loop import Shape
    from real_trade.kernels.accounting import Ledger, Terms
    from real_trade.model.bars import Bars
    from real_trade.trading.strategy import Strategy

Runner = Literal["compiled", "python", "reference"]
RUNNERS: tuple[Runner, ...] = ("compiled", "python", "reference")

_FIRST_ROWS = 1024
# Rows turned into Python objects at a time by the plain runner: bounds its memory.
_CHUNK = 4_096


@dataclass(frozen=True, slots=True)
class LegTables:
    """What a run leaves of one leg: orders, fills, funding payments, and the ledger at its end."""

    orders: NDArray[Any]
    fills: NDArray[Any]
    payments: NDArray[Any]
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class PlanOutcome:
    """What a run leaves: tables per leg, in the plan's order, and the equity of each mandate at each close."""

    legs: tuple[LegTables, ...]
    equity: tuple[NDArray[np.int64], ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a run of one strategy in one instrument leaves; equity at each close in money units."""

    orders: NDArray[Any]
    fills: NDArray[Any]
    equity: NDArray[np.int64]
    payments: NDArray[Any] = field(default_factory=lambda: np.empty(0, PAYMENT_DTYPE))
    ledger: Ledger = field(default_factory=lambda: opening(0))


def simulate(
    strategy: type[Strategy],
    bars: Bars,
    params: Any,
    terms: Terms,
    cash_units: int,
    runner: Runner = "compiled",
    *,
    feed: Feed | None = None,
    tiers: NDArray[np.int64] | None = None,
    features: Mapping[str, NDArray[Any]] | None = None,
    span_ms: int = MINUTE_MS,
) -> Simulation:
    """Run one strategy over the bars of one instrument.

    Args:
        strategy: its class.
        bars: columns in ticks.
        params: as ``strategy.resolve_params`` gives them.
        terms: as ``AccountSettings.terms`` gives them.
        cash_units: starting cash in money units.
        runner: the three give the same orders, fills and equity to the last bit.
        feed: the same bars with funding, mark prices and finer bars; None knows none of them.
        tiers: as `plan.tier_table` gives them; None takes a flat rate.
        features: as `compute_features` gives them; None computes them.
        span_ms: length of a bar.

    Raises:
        StrategyError: the strategy fails, in a trader's words.
    """
    known = compute_features(strategy, bars, params) if features is None else features
    leg = Leg(0, terms, tier_table() if tiers is None else tiers)
    mandate = Mandate(strategy, params, known, (leg,), cash_units)
    done = run_plan(Plan((feed or Feed(bars),), (mandate,), span_ms), runner)
    tables = done.legs[0]
    return Simulation(tables.orders, tables.fills, done.equity[0], tables.payments, tables.ledger)


def run_plan(plan: Plan, runner: Runner = "compiled") -> PlanOutcome:
    """Run a plan; the runners give the same to the last bit.

    Raises:
        StrategyError: a strategy fails, in a trader's words.
    """
    keep_freed_memory()
    on_trades = any(mandate.strategy.decides_on_trades() for mandate in plan.mandates)
    if runner == "reference":
        legs, equity = run_reference_trades(plan) if on_trades else run_reference(plan)
        return PlanOutcome(tuple(_typed(*tables) for tables in legs), tuple(equity))
    plain = runner == "python" or not jit_is_on()
    return _run_trades(plan, plain=plain) if on_trades else _run_bars(plan, plain=plain)


def _typed(orders: list[Any], fills: list[Any], payments: list[Any], ledger: Ledger) -> LegTables:
    return LegTables(
        np.array(orders, dtype=ORDER_DTYPE),
        np.array(fills, dtype=FILL_DTYPE),
        np.array(payments, dtype=PAYMENT_DTYPE),
        ledger,
    )


def compute_features(strategy: type[Strategy], bars: Bars | tuple[Bars, ...], params: Any) -> dict[str, NDArray[Any]]:
    """Return the strategy's features as contiguous arrays of one value per bar.

    Raises:
        StrategyError: it failed, or an array of another length or type.
    """
    try:
        given = strategy.features(bars, params)  # type: ignore[arg-type]  # a tuple for a strategy of several symbols
    except Exception as error:  # border: a strategy's own code may raise anything
        raise explain_failure(strategy, "features", error) from error
    close = bars.close if strategy.symbols == 1 else bars[0].close  # type: ignore[union-attr]
    features: dict[str, NDArray[Any]] = {}
    for name, values in given.items():
        if name in NAMES_TAKEN:
            raise StrategyError(
                f"A feature of {strategy.__name__} is named {name}, which is what the desk does.",
                field=f"features.{name}",
                fix="Give it another name.",
            )
        array = np.ascontiguousarray(values)
        if array.shape != close.shape or array.dtype.kind not in "fiub":
            raise StrategyError(
                f"Feature {name!r} of {strategy.__name__} has shape {array.shape} and type {array.dtype}.",
                field=f"features.{name}",
                value=str(array.shape),
                fix=f"Return one number per bar: {len(close)} of them.",
            )
        wide = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.bool_}[array.dtype.kind]
        features[name] = array.astype(wide, copy=False)
    return features


def _run_bars(plan: Plan, *, plain: bool) -> PlanOutcome:
    shape = bar_loop.shape_of(plan)
    text = bar_loop.render(shape, plain=plain)
    names: dict[str, Any] = {}
    decide: dict[str, Any] = {}
    for s, (strategy, features) in enumerate(zip(shape.strategies, shape.features, strict=True)):
        names |= types_of(s, strategy, features)
        decide[f"decide_{s}"] = decisions_of(strategy)["bar"]
    loop = plain_loop(text, names | decide) if plain else compiled_loop(shape.strategies, text, names, decide)
    values = _arguments(plan, shape, plain=plain)
    legs = _run(loop, [values[name] for name in bar_loop.argument_names(shape, plain=plain)], plan)
    return PlanOutcome(legs, tuple(values[f"equity_{s}"] for s in range(len(plan.mandates))))


def _run_trades(plan: Plan, *, plain: bool) -> PlanOutcome:
    mandate, feed = only_mandate(plan)
    strategy, names = mandate.strategy, tuple(mandate.features)
    text = trade_loop.render(strategy, names, plain=plain)
    types = types_of(0, strategy, names)
    decide = {f"decide_{event}": function for event, function in decisions_of(strategy).items()}
    loop = plain_loop(text, types | decide) if plain else compiled_loop((strategy,), text, types, decide)
    values = _trade_arguments(plan, mandate, feed)
    legs = _run(loop, [values[name] for name in trade_loop.argument_names(strategy, names)], plan)
    return PlanOutcome(legs, (values["equity"],))


def _run(loop: Callable[..., Any], arguments: list[Any], plan: Plan) -> tuple[LegTables, ...]:
    strategies = [mandate.strategy for mandate in plan.mandates]
    try:
        last_bar, legs = loop(*arguments)
    except Exception as error:  # border: a strategy's own code may raise anything
        strategy = _at_fault(strategies, error)
        raise explain_failure(strategy, "on_bar" if strategy.symbols == 1 else "on_bars", error) from error
    for (number, _), (counts, *_rest) in zip(plan.legs, legs, strict=True):
        if counts.failure == 1:
            raise too_many_orders(strategies[number], last_bar)
        if counts.failure == 2:
            raise too_much_money(strategies[number], last_bar)
    return tuple(_leg_tables(*leg) for leg in legs)


def _at_fault(strategies: list[type[Strategy]], error: Exception) -> type[Strategy]:
    """Return the strategy whose code an exception names; the first where none is named."""
    import inspect
    import traceback

    files = {frame.filename for frame in traceback.extract_tb(error.__traceback__)}
    named = [s for s in strategies if inspect.getsourcefile(s) in files or s.__name__ in str(error)]
    return named[0] if named else strategies[0]


def _leg_tables(
    counts: Any, ledger: Ledger, orders: NDArray[Any], fills: NDArray[Any], payments: NDArray[Any]
) -> LegTables:
    return LegTables(
        orders[: counts.orders].view(ORDER_DTYPE)[:, 0],
        fills[: counts.fills].copy().view(FILL_DTYPE)[:, 0],
        payments[: counts.payments].copy().view(PAYMENT_DTYPE)[:, 0],
        ledger,
    )


def _arguments(plan: Plan, shape: Shape, *, plain: bool) -> dict[str, Any]:
    n = len(plan.time_ms)
    due = [feed.settlements.bar for feed in plan.feeds]
    values: dict[str, Any] = {
        "time_ms": np.ascontiguousarray(plan.time_ms),
        "span_ms": plan.span_ms,
        "stops": np.append(np.unique(np.concatenate(due)), n),
    }
    for k, feed in enumerate(plan.feeds):
        values |= _feed_arguments(k, feed, n)
        if plain:
            values[f"rows_{k}"] = rows_of(feed.bars)
    for s, mandate in enumerate(plan.mandates):
        values |= {f"feature_{s}_{f}": column for f, column in enumerate(mandate.features.values())}
        values |= {f"param_{s}_{p}": value for p, value in enumerate(mandate.params)}
        values |= {f"cash_{s}": mandate.cash_units, f"equity_{s}": np.empty(n, np.int64)}
        if plain:
            values[f"x_rows_{s}"] = feature_rows_of(mandate.features, n)
    for shown, (_, leg) in zip(shape.legs, plan.legs, strict=True):
        values |= _leg_arguments(shown.j, leg)
    return values


def _trade_arguments(plan: Plan, mandate: Mandate, feed: Feed) -> dict[str, Any]:
    tape = feed.tape
    assert tape is not None
    n = len(plan.time_ms)
    values = {name.removesuffix("_0"): value for name, value in _feed_arguments(0, feed, n).items()}
    values["open_"] = values["open"]
    values |= {name.removesuffix("_0"): value for name, value in _leg_arguments(0, mandate.legs[0]).items()}
    values |= {f"feature_{f}": column for f, column in enumerate(mandate.features.values())}
    values |= {f"param_{p}": value for p, value in enumerate(mandate.params)}
    values |= {f"tape_{name}": np.ascontiguousarray(column) for name, column in zip(_TAPE, tape, strict=True)}
    return values | {
        "time_ms": np.ascontiguousarray(plan.time_ms),
        "span_ms": plan.span_ms,
        "closes_at": closes_at(plan, tape),
        "cash": mandate.cash_units,
        "equity": np.empty(n, np.int64),
    }


_TAPE = ("time", "price", "size", "side")


def _feed_arguments(k: int, feed: Feed, n: int) -> dict[str, Any]:
    columns = [np.ascontiguousarray(column) for column in feed.bars]
    names = (f"open_{k}", f"high_{k}", f"low_{k}", f"close_{k}", f"volume_{k}", f"synthetic_{k}")
    values: dict[str, Any] = dict(zip(names, columns[1:], strict=True))
    mark_low, mark_high = (np.ascontiguousarray(column) for column in feed.marks)
    values |= {
        f"mark_high_{k}": mark_high,
        f"mark_low_{k}": mark_low,
        # One row more, which no bar reaches: the loop need not look for the end.
        f"due_bar_{k}": np.append(feed.settlements.bar, n),
        f"due_rate_{k}": np.append(feed.settlements.rate, 0),
        f"due_price_{k}": np.append(feed.settlements.price_ticks, 0),
        f"present_{k}": np.ones(n, np.bool_) if feed.present is None else feed.present,
    }
    if feed.finer is not None:
        fine = feed.finer
        pairs = zip(("time", "open", "high", "low", "close", "volume", "first", "span"), fine, strict=True)
        values |= {f"fine_{name}_{k}": value for name, value in pairs}
    return values


def _leg_arguments(j: int, leg: Leg) -> dict[str, Any]:
    return {
        f"terms_{j}": leg.terms,
        f"tiers_{j}": np.ascontiguousarray(leg.tiers),
        f"requests_{j}": np.zeros((REQUEST_ROWS, REQUEST_COLUMNS), np.int64),
        f"orders_{j}": np.zeros((_FIRST_ROWS, ORDER_COLUMNS), np.int64),
        f"working_{j}": np.zeros((_FIRST_ROWS, WORKING_COLUMNS), np.int64),
        f"fills_{j}": np.zeros((_FIRST_ROWS, FILL_COLUMNS), np.int64),
        f"payments_{j}": np.zeros((_FIRST_ROWS, PAYMENT_COLUMNS), np.int64),
        f"point_value_{j}": point_value_of(leg.terms),
    }


def rows_of(bars: Bars) -> Iterator[Bar]:
    """Return bars as Python objects, a chunk of columns at a time."""
    # The tuple's own constructor: a named tuple's is written in Python and takes half as long again.
    return _tuples(Bar, list(bars), len(bars.close))


def feature_rows_of(features: Mapping[str, NDArray[Any]], n: int) -> Iterator[Any]:
    """Return rows of features as Python objects, a chunk of columns at a time."""
    return _tuples(row_type(tuple(features)), list(features.values()) or [np.zeros(n, np.int64)], n)


def _tuples(kind: type[Any], columns: list[NDArray[Any]], n: int) -> Iterator[Any]:
    def chunk(start: int) -> Iterator[Any]:
        lists = (column[start : start + _CHUNK].tolist() for column in columns)
        return map(tuple.__new__, repeat(kind), zip(*lists, strict=True))

    return chain.from_iterable(map(chunk, range(0, n, _CHUNK)))
