"""Time: what counts as one, and where "now" comes from. All times are integer milliseconds UTC."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import Protocol

from real_trade.model.errors import InputError

# Times outside these years are a unit mistake (seconds or microseconds), not a date.
_EARLIEST_MS = 100_000_000_000  # 1973
_LATEST_MS = 4_102_444_800_000  # 2100


class Clock(Protocol):
    """Whoever needs the time asks a clock; nothing else in the package reads one."""

    def now_ms(self) -> int:
        """Return the time in milliseconds UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the machine's time in milliseconds UTC."""
        return time.time_ns() // 1_000_000


class HistoricalClock:
    """A clock that stands where its driver put it."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Return the time last set."""
        return self._now_ms

    def advance_to(self, now_ms: int) -> None:
        """Move forward.

        Raises:
            ValueError: time does not run backwards.
        """
        if now_ms < self._now_ms:
            raise ValueError(f"clock at {self._now_ms} cannot go back to {now_ms}")
        self._now_ms = now_ms


def parse_time(value: str | int | datetime, *, field: str = "time") -> int:
    """Return milliseconds UTC.

    Args:
        value: ISO 8601 with a zone, a bare date (midnight UTC), an aware datetime, or integer milliseconds
            (as a number or as digits).
        field: name used in the error.

    Raises:
        InputError: no such form, or a naive datetime, or a number that is not milliseconds.

    >>> parse_time("2024-01-01"), parse_time("2024-01-01T01:00:00+01:00")
    (1704067200000, 1704067200000)
    """
    if isinstance(value, bool):
        raise _bad_time(value, field)
    if isinstance(value, int):
        return _checked(value, value, field)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise _naive(value, field)
        return _checked(round(value.timestamp() * 1000), value, field)
    text = str(value).strip()
    if text.isdigit():
        return _checked(int(text), value, field)
    try:
        if len(text) == len("2024-01-01"):
            day = date.fromisoformat(text)
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise _bad_time(value, field) from None
    if moment.tzinfo is None:
        raise _naive(value, field)
    return _checked(round(moment.timestamp() * 1000), value, field)


def format_time(time_ms: int) -> str:
    """Return ISO 8601 in UTC, to the second, or to the millisecond where there is a part of one.

    >>> format_time(1704067200000)
    '2024-01-01T00:00:00Z'
    """
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    precision = "milliseconds" if time_ms % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _checked(time_ms: int, value: object, field: str) -> int:
    if not _EARLIEST_MS <= time_ms <= _LATEST_MS:
        raise InputError(
            f"{field} {value!r} is not a time in milliseconds between 1973 and 2100.",
            code="bad_time",
            field=field,
            value=value,
            fix="Give milliseconds since 1970, not seconds or microseconds.",
        )
    return time_ms


def _naive(value: object, field: str) -> InputError:
    return InputError(
        f"{field} {value!s} has no time zone.",
        code="naive_time",
        field=field,
        value=value,
        fix="Add one, such as 2024-01-01T00:00:00Z.",
    )


def _bad_time(value: object, field: str) -> InputError:
    return InputError(
        f"{field} {value!r} is not a time.",
        code="bad_time",
        field=field,
        value=value,
        fix="Use 2024-01-01, 2024-01-01T00:00:00Z or milliseconds.",
    )
