"""Other futures: bars after a row replaced by different, valid ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.backtest.trust.evidence import window_of
from real_trade.model.bars import Bars

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.backtest.trust.evidence import World

# Bars by which the others are late in two of the four variants.
_LATE_BARS = 61


def replace_future(world: World, given: World, row: int, variant: int) -> None:
    """Overwrite the rows after ``row`` with other valid bars, as many, made from those that were there.

    Prices of each symbol are mirrored about its close of ``row`` and their moves doubled (even variants) or halved; in
    every second pair of variants they come in reversed order, and of two neighbouring symbols always one does, so that
    their moves do not keep together. Variants 1 and 2 of four begin after a gap. Volumes are reversed and raised, flags
    turned round.

    Args:
        world: columns of each symbol to write to; rows up to ``row`` stay.
        given: columns as given; may be ``world`` itself only for ``row`` -1.
        row: last row that stays; -1 replaces all.
        variant: any whole number; its remainder by 4 counts.
    """
    late = _LATE_BARS if variant % 4 in {1, 2} else 0
    for symbol, (columns, bars) in enumerate(zip(world, given, strict=True)):
        _replace(columns, bars, row, late, is_reversed=(variant // 2 + symbol) % 2 == 1, is_halved=variant % 2 == 1)


def _replace(world: Bars, bars: Bars, row: int, late: int, *, is_reversed: bool, is_halved: bool) -> None:
    start = row + 1
    given = window_of(bars, start, len(bars.close))
    if world is bars:
        given = Bars._make(column.copy() for column in given)
    if is_reversed:
        given = given._replace(**{name: getattr(given, name)[::-1] for name in ("open", "high", "low", "close")})
        given = given._replace(open=given.close, close=given.open)
    anchor = int(bars.close[max(row, 0)])
    level = int(bars.close[-1]) if is_reversed else anchor
    # Within what an account's terms allow for prices, and a tick off, so that a market that stands still moves.
    lowest, highest = max(1, int(bars.low.min()) // 2), int(bars.high.max()) * 2
    around = anchor + (1 if is_halved else -1)
    for name, source in (("open", given.open), ("high", given.low), ("low", given.high), ("close", given.close)):
        column = getattr(world, name)[start:]
        np.subtract(source, level, out=column)
        if is_halved:
            np.right_shift(column, 1, out=column)
        else:
            np.multiply(column, 2, out=column)
        np.subtract(around, column, out=column)
        np.clip(column, lowest, highest, out=column)
    world.volume[start:] = given.volume[::-1] * 1.5 + 1.0
    np.logical_not(given.synthetic, out=world.synthetic[start:])
    world.time_ms[start:] = given.time_ms
    if late and len(bars.time_ms) > 1:
        world.time_ms[start:] += late * int(bars.time_ms[1] - bars.time_ms[0])


def checksum(column: NDArray[Any]) -> tuple[float, float]:
    """Return two sums that a change of values or of their order does not leave alone."""
    return float(np.nansum(column)), float(np.nansum(column[::7]))
