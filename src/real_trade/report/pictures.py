"""Bars laid out for drawing: numbers become rectangles, still without any markup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from real_trade.report.formatting import money_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.report.figures import Bar

_WIDTH: Final = 480
_HEIGHT: Final = 170
_LABELS: Final = 20  # room below for the labels
_ABOVE: Final = 16  # room above for the scale's end


@dataclass(frozen=True, slots=True)
class Rectangle:
    """One bar in place, in units of the picture.

    Attributes:
        x, y, wide, high: the bar.
        left, slot, middle: the room it stands in.
        tone, label, note: as in `Bar`.
    """

    x: float
    y: float
    wide: float
    high: float
    left: float
    slot: float
    middle: float
    tone: str
    label: str
    note: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A bar chart: its size, where zero lies, the text of its highest value, and its bars."""

    width: int
    height: int
    floor: int
    zero: float
    most: str
    items: tuple[Rectangle, ...]


def lay_out(bars: Sequence[Bar], *, whole: bool = False, width: int = _WIDTH) -> Picture | None:
    """Return the bars in place, None where there are none.

    Args:
        bars: what to draw, from left to right.
        whole: the values are counts.
        width: of the picture; its letters keep their size, so that a narrow place wants a small one.
    """
    if not bars:
        return None
    top = max(0.0, *(max(bar.base, bar.base + bar.value) for bar in bars))
    bottom = min(0.0, *(min(bar.base, bar.base + bar.value) for bar in bars))
    scale = (_HEIGHT - _LABELS - _ABOVE) / ((top - bottom) or 1.0)
    zero = _ABOVE + top * scale
    slot = width / len(bars)
    items = []
    for i, bar in enumerate(bars):
        high = abs(bar.value) * scale
        start = zero - bar.base * scale
        y = start - high if bar.value >= 0 else start
        items.append(
            Rectangle(
                round(i * slot + slot * 0.1, 2),
                round(y, 2),
                round(slot * 0.8, 2),
                round(max(high, 1.0) if bar.value else 0.0, 2),
                round(i * slot, 2),
                round(slot, 2),
                round(i * slot + slot / 2, 2),
                bar.tone,
                bar.label,
                bar.note,
            )
        )
    extreme = top if top >= -bottom else bottom
    most = f"{extreme:,.0f}" if whole else money_text(extreme)
    return Picture(width, _HEIGHT, _HEIGHT - _LABELS, round(zero, 2), most, tuple(items))
