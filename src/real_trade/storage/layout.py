"""Where a series lies: ``<root>/<kind>/<venue>/<market>/<symbol>/<interval>/``; only bars have an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from real_trade.model.errors import InputError
from real_trade.model.instrument import Market
from real_trade.model.interval import Interval
from real_trade.model.series import SeriesKey, SeriesKind
from real_trade.storage.rows import BOOK_SHAPE, FUNDING_SHAPE, KLINE_SHAPE, TRADE_SHAPE, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SHAPES: Final = {
    SeriesKind.FUNDING: FUNDING_SHAPE,
    SeriesKind.TRADE: TRADE_SHAPE,
    SeriesKind.BOOK: BOOK_SHAPE,
}


def shape_of(kind: SeriesKind) -> Shape:
    """Return the columns and periods of a kind of series."""
    return _SHAPES.get(kind, KLINE_SHAPE)


def series_folder(root: Path, key: SeriesKey) -> Path:
    """Return the folder of a series, whether or not it exists.

    Raises:
        InputError: bars without an interval, anything else with one, or a name that cannot be a folder.
    """
    if key.kind.is_bars != (key.interval is not None):
        wrong = "takes no interval" if key.interval else "needs an interval"
        raise InputError(
            f"A {key.kind} series {wrong}.",
            field="interval",
            value=str(key.interval),
            fix="Give an interval with bars, and none with funding rates, trades or books.",
        )
    parts = [str(key.kind), segment(key.venue, "venue"), str(key.market), segment(key.symbol, "symbol")]
    if key.interval is not None:
        parts.append(str(key.interval))
    return root.joinpath(*parts)


def segment(text: str, field: str) -> str:
    """Return a name as one folder name; unusual characters are percent-encoded.

    Raises:
        InputError: the name is empty, or too long for a file system.
    """
    encoded = quote(text, safe="")
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if not encoded or len(encoded) > 200:
        raise InputError(f"{field} {text!r} cannot name a folder.", field=field, value=text, fix="Check the spelling.")
    return encoded


def stored_series(root: Path) -> Iterator[tuple[SeriesKey, Path]]:
    """Find the folders that are laid out as series, in no particular order; foreign ones are passed over."""
    for kind in SeriesKind:
        pattern = "*/*/*/*" if kind.is_bars else "*/*/*"
        for folder in (root / str(kind)).glob(pattern):
            names = folder.relative_to(root / str(kind)).parts
            try:
                market = Market(names[1])
                interval = Interval.parse(names[3]) if len(names) > 3 else None
            except (ValueError, InputError):
                continue
            yield SeriesKey(unquote(names[0]), market, unquote(names[2]), interval, kind), folder
