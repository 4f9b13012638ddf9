"""What the look-ahead and warm-up checks share: findings, and the comparison of columns and of decisions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from real_trade.model.bars import Bars
from real_trade.model.order import OrderStatus, OrderType, RejectReason, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.backtest.engine import LegTables

Features = dict[str, "NDArray[Any]"]
# The bars of each symbol, on one timeline.
World = tuple[Bars, ...]

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


def windows_of(world: World, start: int, stop: int) -> World:
    """Return views of the bars ``[start, stop)`` of each symbol."""
    return tuple(window_of(bars, start, stop) for bars in world)


def copy_of(world: World, rows: int | None = None) -> World:
    """Return the first so many bars of each symbol in memory of their own; None takes all."""
    return tuple(Bars._make(column[:rows].copy() for column in bars) for bars in world)


def liquidations(orders: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell of each order whether it is the one by which the venue closed a position: a strategy did not decide it."""
    # The orders that a liquidation cancels carry its reason too; the one that closes the position is filled.
    closing: NDArray[np.bool_] = (orders["reason"] == RejectReason.LIQUIDATION) & (
        orders["status"] == OrderStatus.FILLED
    )
    return closing


class Decisions(NamedTuple):
    """What a strategy did on a few bars: the tables of each symbol, and why it failed, if it did."""

    legs: tuple[LegTables, ...]
    failure: str

    @property
    def orders(self) -> int:
        """Return how many orders there are."""
        return sum(len(leg.orders) for leg in self.legs)

    def differ(self, other: Decisions) -> tuple[int, str, str] | None:
        """Return the first bar at which two runs part, and what each did there in words; None if nowhere."""
        if self.failure != other.failure:
            return 0, self.failure or "went on", other.failure or "went on"
        bars = [
            min(_row_bar(table, row), _row_bar(against, row))
            for mine, theirs in zip(self.legs, other.legs, strict=True)
            for table, against in ((mine.orders, theirs.orders), (mine.fills, theirs.fills))
            if (row := _first_row(table, against)) is not None
        ]
        if not bars:
            return None
        bar = min(bars)
        return bar, self.at(bar), other.at(bar)

    def at(self, bar: int) -> str:
        """Return in words what was asked for at a bar's close."""
        words = []
        for symbol, leg in enumerate(self.legs):
            asked = leg.orders[(leg.orders["bar"] == bar) & ~liquidations(leg.orders)]
            where = f" of symbol {symbol}" if len(self.legs) > 1 else ""
            words += [_order_words(row, where) for row in asked]
        return ", ".join(words) or "nothing"


def _first_row(table: NDArray[Any], other: NDArray[Any]) -> int | None:
    shared = min(len(table), len(other))
    parted = np.flatnonzero(table[:shared] != other[:shared])
    if len(parted):
        return int(parted[0])
    return shared if len(table) != len(other) else None


def _row_bar(table: NDArray[Any], row: int) -> int:
    return int(table["bar"][row]) if row < len(table) else 2**62


def _order_words(row: Any, where: str) -> str:
    price = f" at {row['price_ticks']} ticks" if row["price_ticks"] else ""
    kind = OrderType(int(row["type"])).name.lower().replace("_", "-")
    return f"{Side(int(row['side'])).name.lower()} {kind} {row['lots']} lots{where}{price}"


def shown(value: Any) -> str:
    """Return a feature's value as a person reads it.

    >>> shown(1234.56789012), shown(True), shown(float("nan"))
    ('1234.56789', 'True', 'no value')
    """
    if isinstance(value, float):
        return "no value" if np.isnan(value) else f"{value:.9g}"
    return str(value)
