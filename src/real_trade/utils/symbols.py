"""How people write symbols, and how the venues do."""

from __future__ import annotations

import re
from typing import Final

from real_trade.model.errors import InputError
from real_trade.model.instrument import Market

# Letters, digits, and what venues join words with. Never a dot or slash: symbols become folder names.
_PLAIN: Final = re.compile(r"[A-Z0-9]{2,30}([_-][A-Z0-9]{1,12}){0,3}")
_PAIR: Final = re.compile(r"([A-Z0-9]{1,20})/([A-Z0-9]{2,10})(?::([A-Z0-9]{2,20}))?")


def venue_symbol(text: str, venue: str, market: Market, *, field: str = "--symbol") -> str:
    """Return the venue's own spelling.

    Args:
        text: ``BTCUSDT``, ``btcusdt``, ``BTC/USDT`` or ``BTC/USDT:USDT``.
        venue: ``bybit`` or ``binance``.
        market: kind of market; decides what ``BTC/USD`` means.
        field: name used in the error.

    Raises:
        InputError: no symbol, or one of another kind of market.

    >>> venue_symbol("btc/usdt", "bybit", Market.LINEAR), venue_symbol("BTC/USD", "binance", Market.INVERSE)
    ('BTCUSDT', 'BTCUSD_PERP')
    """
    word = text.strip().upper()
    pair = _PAIR.fullmatch(word)
    if pair is not None:
        base, quote, settle = pair.groups()
        _check_settle(text, base, quote, settle, market, field)
        # Bybit names contracts settled in USDC after their base alone.
        word = f"{base}PERP" if (venue, market, quote) == ("bybit", Market.LINEAR, "USDC") else base + quote
    if not _PLAIN.fullmatch(word):
        raise InputError(
            f"{field} {text!r} is not a symbol.",
            code="unknown_symbol",
            field=field,
            value=text,
            fix="Write it as BTCUSDT, BTC/USDT or BTC/USDT:USDT.",
        )
    if venue == "binance" and market is Market.INVERSE and "_" not in word:
        word += "_PERP"
    return word


def _check_settle(text: str, base: str, quote: str, settle: str | None, market: Market, field: str) -> None:
    expected = {Market.SPOT: None, Market.LINEAR: quote, Market.INVERSE: base}[market]
    if settle is None or settle == expected:
        return
    kind = "linear" if settle == quote else "inverse" if settle == base else "no"
    raise InputError(
        f"{field} {text!r} is of {kind} market, and the market is {market}.",
        code="unknown_symbol",
        field=field,
        value=text,
        fix=f"Use --market {kind}." if kind != "no" else f"Write {base}/{quote} or {base}/{quote}:{quote}.",
    )
