"""Flags that several verbs share, and the types of their values."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from real_trade.model.clock import parse_time
from real_trade.model.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable


def add_store_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--data-dir``."""
    parser.add_argument("--data-dir", metavar="DIR", help="folder of the store")


def add_series_flags(parser: argparse.ArgumentParser, *, span: bool = True, several: bool = False) -> None:
    """Add the flags that name a series; the configuration has the defaults.

    Args:
        parser: of the verb.
        span: also those that name a span of it.
        several: there may be several symbols.
    """
    add_store_flags(parser)
    group = parser.add_argument_group("series (defaults: the configuration)")
    group.add_argument("--venue", metavar="NAME", help="bybit or binance")
    group.add_argument("--market", metavar="KIND", help="spot, linear or inverse")
    more = "; several with commas" if several else ""
    group.add_argument("--symbol", metavar="SYMBOL", help=f"BTCUSDT, BTC/USDT or BTC/USDT:USDT{more}")
    group.add_argument("--interval", metavar="LENGTH", help="1m, 5m, 1h, 1d ..., or Bybit's 1, 60, D")
    if span:
        group.add_argument(
            "--from",
            dest="from_ms",
            type=time_flag("--from"),
            metavar="TIME",
            help="first moment, inclusive: 2024-01-01, 2024-01-01T00:00:00Z or milliseconds",
        )
        group.add_argument("--to", dest="to_ms", type=time_flag("--to"), metavar="TIME", help="last moment, exclusive")


def time_flag(flag: str) -> Callable[[str], int]:
    """Return a reader of times for a flag."""

    def read(text: str) -> int:
        return parse_time(text, field=flag)

    return read


def decimal_flag(
    flag: str,
    *,
    above: str | None = None,
    least: str | None = None,
    below: str | None = None,
    most: str | None = None,
) -> Callable[[str], Decimal]:
    """Return a reader of exact numbers for a flag.

    Args:
        flag: its name.
        above: the number must be greater.
        least: the number must be this or greater.
        below: the number must be less.
        most: the number must be this or less.
    """

    def read(text: str) -> Decimal:
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        wrong = not number.is_finite()
        wrong = wrong or (above is not None and number <= Decimal(above))
        wrong = wrong or (least is not None and number < Decimal(least))
        wrong = wrong or (below is not None and number >= Decimal(below))
        wrong = wrong or (most is not None and number > Decimal(most))
        if wrong:
            bounds = [("greater than", above), ("at least", least), ("less than", below), ("at most", most)]
            words = " and ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)
            raise InputError(
                f"{flag} {text} cannot be used: it should be a number{' ' if words else ''}{words}.",
                code="bad_number",
                field=flag,
                value=text,
                fix=f"Give a number, such as {flag} {_sample(above, least, below or most)}.",
            )
        return number

    return read


def whole_flag(flag: str, *, least: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``least`` on for a flag."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise InputError(
                f"{flag} {text} cannot be used: it should be a whole number of at least {least}.",
                code="bad_number",
                field=flag,
                value=text,
                fix=f"Give a number, such as {flag} {least}.",
            )
        return int(text)

    return read


def check_span(from_ms: int | None, to_ms: int | None) -> None:
    """Refuse a span that ends before it begins.

    Raises:
        InputError: reversed or empty.
    """
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise InputError(
            "--from is not before --to.",
            code="reversed_range",
            field="--from",
            value=from_ms,
            fix="Swap them; --from is inclusive, --to is exclusive.",
        )


def read_params(words: Iterable[Iterable[str]]) -> dict[str, str]:
    """Return parameters from ``k=v`` words, several of which may stand in one word, divided by blanks.

    Raises:
        InputError: a word without ``=``, or one name with two values.

    >>> read_params([["fast=20 slow=100"], ["size=0.01"]])
    {'fast': '20', 'slow': '100', 'size': '0.01'}
    """
    params: dict[str, str] = {}
    for word in (part for group in words for text in group for part in text.split()):
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise InputError(
                f"--param {word} is not of the form name=value.",
                code="bad_param",
                field="--param",
                value=word,
                fix='Write, for instance, --param "fast=20 slow=100".',
            )
        if params.setdefault(name, value) != value:
            raise InputError(
                f"--param {name} is given twice, as {params[name]} and as {value}.",
                code="bad_param",
                field="--param",
                value=word,
                fix="Keep one of them.",
            )
    return params


def _sample(above: str | None, least: str | None, below: str | None) -> str:
    if below is not None:
        return str(Decimal(below) / 1000)
    return "10000" if above is not None or least is not None else "1"
