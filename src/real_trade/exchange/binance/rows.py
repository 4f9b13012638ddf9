"""How Binance spells a row of bars: twelve columns, fixed decimals.

What the market does not know is derived: the takers who bought are half of everybody, rounded down.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from real_trade.exchange.bars import ends
from real_trade.exchange.digits import Number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.digits import Piece
    from real_trade.exchange.pages import RowStyle

_PLACES = 8


@cache
def spot_traded(zone_ms: int) -> RowStyle:
    """Return how to spell spot bars: every number with eight decimals, and times by clocks that are so far ahead."""
    return lambda bars: _traded(bars, _PLACES, _PLACES, _PLACES, zone_ms)


def futures_traded(bars: BarTable) -> Sequence[Piece]:
    """Spell futures bars: prices and volume with the instrument's decimals."""
    return _traded(bars, bars.grid.price, bars.grid.volume, bars.grid.turnover)


def futures_priced(bars: BarTable) -> Sequence[Piece]:
    """Spell mark or index prices: eight decimals, and what has no meaning is 0."""
    pieces = _prices(bars, _PLACES)
    return [*pieces, b'","0",', Number(ends(bars) - 1), b',"0",60,"0","0","0"],']


def _traded(bars: BarTable, price: int, volume: int, turnover: int, zone_ms: int = 0) -> list[Piece]:
    grid = bars.grid
    return [
        *_prices(bars, price, zone_ms),
        b'","',
        *_padded(bars.volume, grid.volume, volume),
        b'",',
        Number(ends(bars) - 1 - zone_ms),
        b',"',
        *_padded(bars.turnover, grid.turnover, turnover),
        b'",',
        Number(bars.trades),
        b',"',
        *_padded(bars.volume // 2, grid.volume, volume),
        b'","',
        *_padded(bars.turnover // 2, grid.turnover, turnover),
        b'","0"],',
    ]


def _prices(bars: BarTable, places: int, zone_ms: int = 0) -> list[Piece]:
    pieces: list[Piece] = [b"[", Number(bars.time - zone_ms), b',"']
    for column in (bars.open, bars.high, bars.low, bars.close):
        pieces += [*_padded(column, bars.grid.price, places), b'","']
    return pieces[:-1]


def _padded(values: NDArray[np.integer], decimals: int, places: int) -> list[Piece]:
    """Return a number with so many decimals, filled up with zeros."""
    missing = places - decimals
    if missing <= 0:
        return [Number(values, decimals)]
    return [Number(values, decimals), (b"" if decimals else b".") + b"0" * missing]
