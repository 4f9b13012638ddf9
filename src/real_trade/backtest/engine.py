"""Run one strategy over bars in memory: compiled, as plain Python, or through the readable reference path."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from real_trade.backtest.codegen import compiled_loop, plain_loop, row_type
from real_trade.backtest.diagnosis import explain_failure
from real_trade.backtest.memory import keep_freed_memory
from real_trade.backtest.reference import run_reference, too_many_orders, too_much_money
from real_trade.backtest.result import FILL_DTYPE, ORDER_DTYPE
from real_trade.kernels.book import FILL_COLUMNS, ORDER_COLUMNS, REQUEST_COLUMNS, REQUEST_ROWS, SHOWN_ORDER_COLUMNS
from real_trade.kernels.jit import compiled_part, jit_is_on
from real_trade.model.bars import Bar
from real_trade.model.errors import StrategyError
from real_trade.model.instrument import MONEY_UNIT
from real_trade.trading.strategy import NAMES_TAKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from real_trade.kernels.accounting import Terms
    from real_trade.model.bars import Bars
    from real_trade.trading.strategy import Strategy

Runner = Literal["compiled", "python", "reference"]
RUNNERS: tuple[Runner, ...] = ("compiled", "python", "reference")

_FIRST_ROWS = 1024
# Rows turned into Python objects at a time by the plain runner: bounds its memory.
_CHUNK = 4_096


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a run leaves: the order and fill tables and the equity at each close, in money units."""

    orders: NDArray[Any]
    fills: NDArray[Any]
    equity: NDArray[np.int64]


def simulate(
    strategy: type[Strategy], bars: Bars, params: Any, terms: Terms, cash_units: int, runner: Runner = "compiled"
) -> Simulation:
    """Run a strategy over bars.

    Args:
        strategy: its class.
        bars: columns in ticks.
        params: as ``strategy.resolve_params`` gives them.
        terms: as ``AccountSettings.terms`` gives them.
        cash_units: starting cash in money units.
        runner: the three give the same orders, fills and equity to the last bit.

    Raises:
        StrategyError: the strategy fails, in a trader's words.
    """
    keep_freed_memory()
    features = compute_features(strategy, bars, params)
    if runner == "reference":
        orders, fills, equity = run_reference(strategy, bars, features, params, terms, cash_units)
        return Simulation(np.array(orders, dtype=ORDER_DTYPE), np.array(fills, dtype=FILL_DTYPE), equity)
    run = _run_compiled if runner == "compiled" and jit_is_on() else _run_plain
    return run(strategy, bars, features, params, terms, cash_units)


def compute_features(strategy: type[Strategy], bars: Bars, params: Any) -> dict[str, NDArray[Any]]:
    """Return the strategy's features as contiguous arrays of one value per bar.

    Raises:
        StrategyError: it failed, or an array of another length or type.
    """
    try:
        given = strategy.features(bars, params)
    except Exception as error:  # border: a strategy's own code may raise anything
        raise explain_failure(strategy, "features", error) from error
    features: dict[str, NDArray[Any]] = {}
    for name, values in given.items():
        if name in NAMES_TAKEN:
            raise StrategyError(
                f"A feature of {strategy.__name__} is named {name}, which is what the desk does.",
                field=f"features.{name}",
                fix="Give it another name.",
            )
        array = np.ascontiguousarray(values)
        if array.shape != bars.close.shape or array.dtype.kind not in "fiub":
            raise StrategyError(
                f"Feature {name!r} of {strategy.__name__} has shape {array.shape} and type {array.dtype}.",
                field=f"features.{name}",
                value=str(array.shape),
                fix=f"Return one number per bar: {len(bars.close)} of them.",
            )
        wide = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.bool_}[array.dtype.kind]
        features[name] = array.astype(wide, copy=False)
    return features


def _run_compiled(
    strategy: type[Strategy], bars: Bars, features: dict[str, NDArray[Any]], params: Any, terms: Terms, cash_units: int
) -> Simulation:
    loop = loop_of(strategy, tuple(features))
    columns = [np.ascontiguousarray(column) for column in bars]
    arguments = (*columns, *features.values(), cash_units, terms)
    return _finish(strategy, loop, arguments, bars, params, terms)


def loop_of(strategy: type[Strategy], feature_names: tuple[str, ...]) -> Callable[..., Any]:
    """Return the compiled loop of a strategy, made once per process."""
    key = (strategy, feature_names)
    if key not in _LOOPS:
        _LOOPS[key] = compiled_loop(strategy, feature_names, compiled_part(strategy.on_bar))
    return _LOOPS[key]


_LOOPS: dict[tuple[type[Any], tuple[str, ...]], Callable[..., Any]] = {}


def _run_plain(
    strategy: type[Strategy], bars: Bars, features: dict[str, NDArray[Any]], params: Any, terms: Terms, cash_units: int
) -> Simulation:
    arguments = (*bars[:6], rows_of(bars, features), cash_units, terms)
    return _finish(strategy, plain_loop(strategy, tuple(features)), arguments, bars, params, terms)


def rows_of(bars: Bars, features: dict[str, NDArray[Any]]) -> Iterator[tuple[Bar, Any]]:
    """Return pairs of bar and feature row as Python objects, a chunk of columns at a time."""
    row = row_type(tuple(features))
    n = len(bars.close)
    columns = [np.zeros(n, np.int64)] if not features else list(features.values())

    def chunk(start: int) -> Iterator[tuple[Bar, Any]]:
        stop = start + _CHUNK
        bar_columns = (column[start:stop].tolist() for column in bars)
        row_columns = (column[start:stop].tolist() for column in columns)
        # The tuple's own constructor: a named tuple's is written in Python and takes half as long again.
        bar_rows = map(tuple.__new__, repeat(Bar), zip(*bar_columns, strict=True))
        feature_rows = map(tuple.__new__, repeat(row), zip(*row_columns, strict=True))
        return zip(bar_rows, feature_rows, strict=True)

    return chain.from_iterable(map(chunk, range(0, n, _CHUNK)))


def _finish(
    strategy: type[Strategy],
    loop: Callable[..., Any],
    arguments: tuple[Any, ...],
    bars: Bars,
    params: Any,
    terms: Terms,
) -> Simulation:
    requests = np.zeros((REQUEST_ROWS, REQUEST_COLUMNS), np.int64)
    orders = np.zeros((_FIRST_ROWS, ORDER_COLUMNS), np.int64)
    working = np.zeros((_FIRST_ROWS, 1), np.int64)
    fills = np.zeros((_FIRST_ROWS, FILL_COLUMNS), np.int64)
    equity = np.empty(len(bars.close), np.int64)
    point_value = terms.value_numerator / terms.value_denominator * float(MONEY_UNIT)
    try:
        counts, _, orders, fills, last_bar = loop(
            *arguments, requests, orders, working, fills, equity, point_value, *params
        )
    except Exception as error:  # border: a strategy's own code may raise anything
        raise explain_failure(strategy, "on_bar", error) from error
    if counts.failure == 1:
        raise too_many_orders(strategy, last_bar)
    if counts.failure == 2:
        raise too_much_money(strategy, last_bar)
    return Simulation(
        np.ascontiguousarray(orders[: counts.orders, :SHOWN_ORDER_COLUMNS]).view(ORDER_DTYPE)[:, 0],
        fills[: counts.fills].copy().view(FILL_DTYPE)[:, 0],
        equity,
    )
