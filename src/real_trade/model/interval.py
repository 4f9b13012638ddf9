"""Bar intervals: one word per length, every venue's spelling accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from real_trade.model.errors import InputError

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
WEEK_MS: Final = 7 * DAY_MS
# 1970-01-01 was a Thursday; weekly bars open on Monday 00:00 UTC.
_FIRST_MONDAY_MS: Final = 4 * DAY_MS

_LENGTH_MS: Final[dict[str, int]] = {
    "1s": SECOND_MS,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": WEEK_MS,
    "1M": 0,  # a calendar month has no fixed length
}
_BYBIT_SPELLING: Final[dict[str, str]] = {
    "1": "1m",
    "3": "3m",
    "5": "5m",
    "15": "15m",
    "30": "30m",
    "60": "1h",
    "120": "2h",
    "240": "4h",
    "360": "6h",
    "720": "12h",
    "D": "1d",
    "W": "1w",
    "M": "1M",
}


@dataclass(frozen=True, slots=True)
class Interval:
    """Length of a bar. Bars are named by their opening time, which lies on the interval's grid.

    Attributes:
        name: canonical spelling: ``1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M``.

    >>> Interval.parse("60").name, Interval.parse("D").name
    ('1h', '1d')
    """

    name: str

    @classmethod
    def parse(cls, text: str | int | Interval) -> Interval:
        """Read ``1m`` or Bybit's ``1``, ``60``, ``D``; upper and lower case ``m`` differ.

        Raises:
            InputError: the text names no interval.
        """
        if isinstance(text, Interval):
            return text
        word = str(text).strip()
        name = _BYBIT_SPELLING.get(word, word)
        if name not in _LENGTH_MS:
            raise InputError(
                f"Unknown interval {word!r}.",
                code="unknown_interval",
                field="interval",
                value=word,
                fix=f"Use one of {' '.join(_LENGTH_MS)}, or Bybit's {' '.join(_BYBIT_SPELLING)}.",
            )
        return cls(name)

    @property
    def is_month(self) -> bool:
        """Tell whether this is the calendar month, which has no fixed length."""
        return self.name == "1M"

    @property
    def length_ms(self) -> int:
        """Return the fixed length in milliseconds.

        Raises:
            InputError: a calendar month has none; use `next_open`.
        """
        if self.is_month:
            raise InputError("A month has no fixed length.", field="interval", value="1M")
        return _LENGTH_MS[self.name]

    @property
    def bybit(self) -> str:
        """Return Bybit's spelling.

        Raises:
            InputError: Bybit has no bars of this length.
        """
        for spelling, name in _BYBIT_SPELLING.items():
            if name == self.name:
                return spelling
        raise InputError(
            f"Bybit has no {self.name} bars.",
            code="unknown_interval",
            field="interval",
            value=self.name,
            fix=f"Use one of {' '.join(_BYBIT_SPELLING.values())}.",
        )

    def floor(self, time_ms: int) -> int:
        """Return the opening time of the bar that contains ``time_ms``."""
        if self.is_month:
            moment = datetime.fromtimestamp(time_ms // 1000, UTC)
            return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()) * 1000
        anchor = _FIRST_MONDAY_MS if self.name == "1w" else 0
        return (time_ms - anchor) // self.length_ms * self.length_ms + anchor

    def next_open(self, open_ms: int, bars: int = 1) -> int:
        """Return the opening time ``bars`` bars after the bar that opens at ``open_ms``."""
        if not self.is_month:
            return open_ms + bars * self.length_ms
        moment = datetime.fromtimestamp(open_ms // 1000, UTC)
        month = moment.year * 12 + moment.month - 1 + bars
        return int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000

    def ceil(self, time_ms: int) -> int:
        """Return the first opening time at or after ``time_ms``."""
        floor = self.floor(time_ms)
        return floor if floor == time_ms else self.next_open(floor)

    def count(self, from_ms: int, to_ms: int) -> int:
        """Return how many bars open in ``[from_ms, to_ms)``."""
        first = self.ceil(from_ms)
        if to_ms <= first:
            return 0
        if not self.is_month:
            return -((first - to_ms) // self.length_ms)
        start = datetime.fromtimestamp(first // 1000, UTC)
        end = datetime.fromtimestamp(self.ceil(to_ms) // 1000, UTC)
        return (end.year - start.year) * 12 + end.month - start.month

    def __str__(self) -> str:
        """Return the canonical spelling."""
        return self.name
