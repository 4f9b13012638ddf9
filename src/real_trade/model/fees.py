"""Maker and taker fees by venue and tier, as the venues publish them for a date; accounts may have others."""

from __future__ import annotations

from decimal import Decimal
from difflib import get_close_matches
from typing import Final, NamedTuple

from real_trade.model.errors import InputError
from real_trade.model.instrument import Market


class FeeTier(NamedTuple):
    """One tier: fractions of the traded value."""

    maker: Decimal
    taker: Decimal


def _tiers(*rows: tuple[str, str, str]) -> dict[str, FeeTier]:
    """Return tiers by name from rows of name, maker and taker in per cent."""
    return {name: FeeTier(Decimal(maker) / 100, Decimal(taker) / 100) for name, maker, taker in rows}


_BYBIT_CONTRACTS: Final = _tiers(
    ("vip0", "0.0200", "0.0550"),
    ("vip1", "0.0180", "0.0400"),
    ("vip2", "0.0160", "0.0375"),
    ("vip3", "0.0140", "0.0350"),
    ("vip4", "0.0120", "0.0320"),
    ("vip5", "0.0100", "0.0320"),
    ("supreme", "0.0000", "0.0300"),
)

# Bybit: help centre, "Trading Fee Structure" (000001634), read in November 2026. Binance: support, "Binance Futures fee
# structure" (360033544231), and its public tables of spot fees; only what several of them agree on.
FEE_TIERS: Final[dict[tuple[str, Market], dict[str, FeeTier]]] = {
    ("bybit", Market.SPOT): _tiers(
        ("vip0", "0.1000", "0.1000"),
        ("vip1", "0.0675", "0.0800"),
        ("vip2", "0.0650", "0.0775"),
        ("vip3", "0.0625", "0.0750"),
        ("vip4", "0.0500", "0.0600"),
        ("vip5", "0.0400", "0.0500"),
        ("supreme", "0.0300", "0.0450"),
    ),
    ("bybit", Market.LINEAR): _BYBIT_CONTRACTS,
    ("bybit", Market.INVERSE): _BYBIT_CONTRACTS,
    ("binance", Market.SPOT): _tiers(
        ("vip0", "0.1000", "0.1000"), ("vip1", "0.0900", "0.1000"), ("vip2", "0.0800", "0.1000")
    ),
    ("binance", Market.LINEAR): _tiers(
        ("vip0", "0.0200", "0.0500"),
        ("vip1", "0.0160", "0.0400"),
        ("vip2", "0.0140", "0.0350"),
        ("vip3", "0.0120", "0.0320"),
        ("vip4", "0.0100", "0.0300"),
        ("vip5", "0.0080", "0.0270"),
        ("vip6", "0.0060", "0.0250"),
        ("vip7", "0.0040", "0.0220"),
        ("vip8", "0.0020", "0.0200"),
        ("vip9", "0.0000", "0.0170"),
    ),
    ("binance", Market.INVERSE): _tiers(("vip0", "0.0100", "0.0500")),
}


def find_fees(venue: str, market: Market, tier: str) -> FeeTier:
    """Return the fees of a tier.

    >>> find_fees("bybit", Market.LINEAR, "vip1")
    FeeTier(maker=Decimal('0.00018'), taker=Decimal('0.0004'))

    Raises:
        InputError: the table does not have it.
    """
    known = FEE_TIERS.get((venue, market), {})
    found = known.get(tier.lower())
    if found is None:
        near = get_close_matches(tier.lower(), known, n=1)
        raise InputError(
            f"{venue} {market} has no fee tier {tier!r} here.",
            code="unknown_fee_tier",
            field="fee_tier",
            value=tier,
            fix=f"Did you mean {near[0]}?"
            if near
            else f"Use one of {', '.join(known) or 'none'}, or state the fees themselves.",
        )
    return found
