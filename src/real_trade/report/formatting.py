"""Numbers and times as text: exact for files, short for people."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

    from real_trade.metrics.registry import Metric, Value

# What stands where there is no value.
NOTHING: Final = "-"
_PATTERNS: Final = {
    "fraction": "{:,.2%}",
    "percent": "{:,.2f}%",
    "ratio": "{:,.2f}",
    "count": "{:,.0f}",
    "quantity": "{:.12g}",
    "days": "{:,.1f} d",
    "per_day": "{:,.2f}",
    "bps": "{:.2f} bp",
}


def exact(counts: NDArray[np.int64], step: Decimal) -> list[str]:
    """Return each count times the step as an exact decimal, with the decimals of the step.

    >>> from decimal import Decimal
    >>> exact(np.array([5, -12]), Decimal("0.05"))
    ['0.25', '-0.60']
    """
    sign, digits, exponent = step.as_tuple()
    factor = int("".join(map(str, digits))) * (-1 if sign else 1)
    places = max(0, -int(exponent))
    factor *= 10 ** max(0, int(exponent))
    values = [count * factor for count in counts.tolist()]
    if not places:
        return [str(value) for value in values]
    base = 10**places
    if min(values, default=0) >= 0:
        return [f"{value // base}.{value % base:0{places}d}" for value in values]
    return [f"{'-' if value < 0 else ''}{abs(value) // base}.{abs(value) % base:0{places}d}" for value in values]


def iso_times(time_ms: NDArray[np.int64]) -> list[str]:
    """Return ISO 8601 in UTC to the second, or to the millisecond where one of the times has a part of a second."""
    unit = "ms" if len(time_ms) and bool((time_ms % 1000).any()) else "s"
    stamps = time_ms.astype("datetime64[ms]").astype(f"datetime64[{unit}]").astype(np.str_)
    return [f"{stamp}Z" for stamp in stamps.tolist()]


def money_text(value: float) -> str:
    """Return an amount with as many decimals as its size deserves.

    >>> money_text(12345.678), money_text(0.00012346), money_text(-3)
    ('12,345.68', '0.0001235', '-3.00')
    """
    if value == 0 or abs(value) >= 1:
        return f"{value:,.2f}"
    places = min(8, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{places}f}"


def minutes_text(minutes: float) -> str:
    """Return minutes in the units people use.

    >>> minutes_text(59.5), minutes_text(125), minutes_text(3000)
    ('59.5 min', '2 h 05 min', '2 d 2 h')
    """
    if minutes < 60:
        return f"{minutes:.4g} min"
    whole = round(minutes)
    if whole < 2880:
        return f"{whole // 60} h {whole % 60:02d} min"
    return f"{whole // 1440} d {whole % 1440 // 60} h"


def show(metric: Metric, value: Value, currency: str = "", quantity: str = "") -> str:
    """Return a figure as people read it.

    Args:
        metric: what it is.
        value: the figure; None becomes a dash.
        currency: put behind amounts of money.
        quantity: unit put behind quantities.
    """
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value.replace("T", " ").replace("Z", "").removesuffix(":00")
    if metric.unit == "money":
        return f"{money_text(value)} {currency}".rstrip()
    if metric.unit == "minutes":
        return minutes_text(value)
    shown = _PATTERNS[metric.unit].format(value)
    return f"{shown} {quantity}".rstrip() if metric.unit == "quantity" else shown


def number(value: object) -> float | None:
    """Return a finite number as such, None for anything else.

    >>> number(3), number(float("nan")), number(True), number("3")
    (3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def amount(value: object) -> str:
    """Return an amount of money, or a dash where there is none."""
    found = number(value)
    return NOTHING if found is None else money_text(found)


def share(value: object) -> str:
    """Return a fraction in per cent, to the digits that its size deserves, or a dash where there is none.

    >>> share(0.1234), share(0.00004), share(None)
    ('12.34%', '0.004%', '-')
    """
    found = number(value)
    if found is None:
        return NOTHING
    return f"{found:,.2%}" if found == 0 or abs(found) >= 0.001 else f"{found * 100:.1g}%"


def one_line(text: object) -> str:
    r"""Return text in one line without control characters: names may hold anything.

    >>> one_line("a\n b\x1b[31m")
    'a b?[31m'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(text).split()))


def numbered(names: Sequence[str]) -> list[str]:
    """Return the names, those that occur more than once told apart by a number.

    >>> numbered(["a", "b", "a"])
    ['a #1', 'b', 'a #2']
    """
    times, seen, unique = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        unique.append(name if times[name] == 1 else f"{name} #{seen[name]}")
    return unique


def scalar_text(value: Any) -> str:
    """Return a parameter or setting as text.

    >>> scalar_text(True), scalar_text(0.1), scalar_text(None)
    ('yes', '0.1', '-')
    """
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
