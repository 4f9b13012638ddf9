"""What the look-ahead and warm-up checks share: findings, columns compared, and decisions made again on a few bars."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from real_trade.backtest.engine import simulate
from real_trade.backtest.result import FILL_DTYPE, ORDER_DTYPE
from real_trade.model.bars import Bars
from real_trade.model.errors import RealTradeError
from real_trade.model.order import OrderType, Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from real_trade.kernels.accounting import Terms
    from real_trade.trading.strategy import Strategy

Features = dict[str, "NDArray[Any]"]

# Rounding that depends on how many rows are summed or transformed at a time reaches some 1e-12 of a column's size; what
# a strategy can act upon is far larger.
_DUST = 1e-9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        bar, time: where it shows; opening time of that bar, ISO 8601.
        kind: a feature's value, or a decision.
        name: the feature, or what decided.
        detail: one or two sentences.
    """

    bar: int
    time: str
    kind: Literal["feature", "decision"]
    name: str
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


class Difference(NamedTuple):
    """Where two columns of one feature part.

    Attributes:
        row: first row that differs.
        was, now: the two values there.
        is_dust: they differ by rounding alone, in every row.
        is_missing: wherever they differ by more, the second has no value (NaN) and the first has.
    """

    row: int
    was: Any
    now: Any
    is_dust: bool
    is_missing: bool


def difference(was: NDArray[Any], now: NDArray[Any]) -> Difference | None:
    """Return where two columns of equal length part, bit for bit with NaN equal to NaN; None if nowhere."""
    if was.dtype == now.dtype and np.array_equal(_bits(was), _bits(now)):
        return None
    rows = np.flatnonzero(unequal(was, now))
    if not len(rows):
        return None
    first, second = was[rows].astype(np.float64), now[rows].astype(np.float64)
    is_float = was.dtype.kind == "f" and now.dtype.kind == "f"
    size = _typical_size(was) if is_float else 0.0
    allowed = _DUST * np.maximum(np.maximum(np.abs(first), np.abs(second)), size) if is_float else np.zeros(len(rows))
    large = ~(np.isfinite(first) & np.isfinite(second) & (np.abs(first - second) <= allowed))
    is_missing = bool(large.any() and np.isnan(second[large]).all())
    row = int(rows[large][0] if large.any() else rows[0])
    return Difference(row, was[row].item(), now[row].item(), not large.any(), is_missing)


def _bits(column: NDArray[Any]) -> NDArray[Any]:
    return column.view(np.int64) if column.dtype == np.float64 else column


def unequal(was: NDArray[Any], now: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the rows that differ, NaN being equal to NaN."""
    differs: NDArray[np.bool_] = was != now
    if was.dtype.kind == "f" and now.dtype.kind == "f":
        differs &= ~(np.isnan(was) & np.isnan(now))
    return differs


def _typical_size(column: NDArray[Any]) -> float:
    finite = np.abs(column[np.isfinite(column)])
    return float(finite.mean()) if len(finite) else 0.0


def own_copies(features: Features) -> Features:
    """Return features that a later call cannot write to, as one could that keeps its arrays and fills them again."""
    return {name: column.copy() for name, column in features.items()}


def window_of(bars: Bars, start: int, stop: int) -> Bars:
    """Return views of the bars ``[start, stop)``."""
    return Bars._make(column[start:stop] for column in bars)


class Decisions(NamedTuple):
    """What a strategy did on a few bars: its orders and fills, and why it failed, if it did."""

    orders: NDArray[Any]
    fills: NDArray[Any]
    failure: str

    def differ(self, other: Decisions) -> tuple[int, str, str] | None:
        """Return the first bar at which two runs part, and what each did there in words; None if nowhere."""
        if self.failure != other.failure:
            return 0, self.failure or "went on", other.failure or "went on"
        if np.array_equal(self.orders, other.orders) and np.array_equal(self.fills, other.fills):
            return None
        bars = [
            min(_row_bar(table, row), _row_bar(against, row))
            for table, against in ((self.orders, other.orders), (self.fills, other.fills))
            if (row := _first_row(table, against)) is not None
        ]
        bar = min(bars)
        return bar, self.at(bar), other.at(bar)

    def at(self, bar: int) -> str:
        """Return in words what was asked for at a bar's close."""
        rows = self.orders[self.orders["bar"] == bar]
        return ", ".join(_order_words(row) for row in rows) or "nothing"


def _first_row(table: NDArray[Any], other: NDArray[Any]) -> int | None:
    shared = min(len(table), len(other))
    unequal = np.flatnonzero(table[:shared] != other[:shared])
    if len(unequal):
        return int(unequal[0])
    return shared if len(table) != len(other) else None


def _row_bar(table: NDArray[Any], row: int) -> int:
    return int(table["bar"][row]) if row < len(table) else 2**62


def _order_words(row: Any) -> str:
    price = f" at {row['price_ticks']} ticks" if row["price_ticks"] else ""
    kind = OrderType(int(row["type"])).name.lower().replace("_", "-")
    return f"{Side(int(row['side'])).name.lower()} {kind} {row['lots']} lots{price}"


def decider(
    strategy: type[Strategy], params: Any, terms: Terms, cash_units: int
) -> Callable[[Bars, Features], Decisions]:
    """Return a function that runs ``on_bar`` over a few bars with features that are handed in.

    It starts flat, with the strategy's first state, and runs as plain Python: compiled code has frozen what a module
    held when it was compiled, plain code sees what is there now.
    """
    handed: Features = {}
    names = {"features": staticmethod(lambda bars, p: handed), "__module__": strategy.__module__}  # noqa: ARG005
    twin = type(strategy.__name__, (strategy,), names)

    def decide(bars: Bars, features: Features) -> Decisions:
        handed.clear()
        handed.update(features)
        try:
            done = simulate(twin, bars, params, terms, cash_units, "python")
        except RealTradeError as error:
            return Decisions(np.empty(0, ORDER_DTYPE), np.empty(0, FILL_DTYPE), error.message)
        return Decisions(done.orders, done.fills, "")

    return decide


def shown(value: Any) -> str:
    """Return a feature's value as a person reads it.

    >>> shown(1234.56789012), shown(True), shown(float("nan"))
    ('1234.56789', 'True', 'no value')
    """
    if isinstance(value, float):
        return "no value" if np.isnan(value) else f"{value:.9g}"
    return str(value)
