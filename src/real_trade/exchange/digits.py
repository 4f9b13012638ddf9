"""Whole numbers to decimal text, many rows at once: the server's hot path.

A row of JSON is laid out in a fixed width as bytes, one column of digits after the other, with a mask that says
which bytes are really there (no leading zeros, no trailing zeros where the venue cuts them). Taking the masked bytes
of the whole block gives finished JSON, about ten times faster than formatting row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_ZERO = ord("0")


@dataclass(frozen=True, slots=True)
class Number:
    """One column of numbers within a row.

    Attributes:
        values: whole numbers.
        decimals: digits after the point.
        trim: cut zeros at the end of the fraction, and the point with them.
    """

    values: NDArray[np.integer]
    decimals: int = 0
    trim: bool = False


Piece = bytes | Number


@dataclass(frozen=True, slots=True)
class RenderedBlock:
    """Rows of text.

    Attributes:
        text: all rows, each followed by a comma.
        ends: ends[i] is where row i begins, ends[i + 1] where it ends.
    """

    text: bytes
    ends: NDArray[np.int64]


def render_rows(pieces: Sequence[Piece], rows: int) -> RenderedBlock:
    """Return the rows that the pieces spell, one after the other."""
    layout = [_number(piece) if isinstance(piece, Number) else _constant(piece, rows) for piece in pieces]
    text = np.ascontiguousarray(np.concatenate([part for part, _ in layout]).T)
    mask = np.ascontiguousarray(np.concatenate([kept for _, kept in layout]).T)
    ends = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(np.count_nonzero(mask, axis=1), out=ends[1:])
    return RenderedBlock(text[mask].tobytes(), ends)


def _constant(piece: bytes, rows: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    column = np.frombuffer(piece, dtype=np.uint8)[:, None]
    return np.broadcast_to(column, (len(piece), rows)), np.broadcast_to(np.True_, (len(piece), rows))


def _number(number: Number) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Lay one column of numbers out as digits, top row the most significant."""
    values = number.values.astype(np.int64)
    size = np.abs(values)
    decimals = number.decimals
    largest = int(size.max()) if len(size) else 0
    whole = max(1, len(str(largest)) - decimals)
    point = 1 if decimals else 0
    width = 1 + whole + point + decimals
    text = np.empty((width, len(values)), dtype=np.uint8)
    kept = np.empty((width, len(values)), dtype=np.bool_)
    text[0], kept[0] = ord("-"), values < 0
    rest = size.astype(np.uint32) if largest < 2**32 else size.astype(np.uint64)
    ten = rest.dtype.type(10)
    seen = np.zeros(len(values), dtype=np.bool_) if number.trim else np.ones(len(values), dtype=np.bool_)
    for place in range(decimals):
        rest, digit = _shift(rest, ten)
        row = width - 1 - place
        text[row] = digit
        seen = seen | (digit != _ZERO)
        kept[row] = seen
    if point:
        text[1 + whole], kept[1 + whole] = ord("."), seen
    for place in range(whole):
        row = whole - place
        kept[row] = True if place == 0 else rest > 0
        rest, digit = _shift(rest, ten)
        text[row] = digit
    return text, kept


def _shift(
    rest: NDArray[np.unsignedinteger], ten: np.unsignedinteger
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.uint8]]:
    quotient = rest // ten
    return quotient, (rest - quotient * ten).astype(np.uint8) + np.uint8(_ZERO)
