"""Fees by venue and tier: what the venues print, the order of the tiers, and what nobody knows."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from real_trade.model import InputError, Market
from real_trade.model.fees import FEE_TIERS, find_fees


@pytest.mark.parametrize(
    ("venue", "market", "tier", "maker", "taker"),
    [
        ("bybit", Market.LINEAR, "vip0", "0.0002", "0.00055"),
        ("bybit", Market.INVERSE, "VIP2", "0.00016", "0.000375"),
        ("bybit", Market.SPOT, "supreme", "0.0003", "0.00045"),
        ("binance", Market.LINEAR, "vip9", "0", "0.00017"),
        ("binance", Market.SPOT, "vip1", "0.0009", "0.001"),
        ("binance", Market.INVERSE, "vip0", "0.0001", "0.0005"),
    ],
)
def test_as_the_venues_print_them(venue: str, market: Market, tier: str, maker: str, taker: str) -> None:
    assert find_fees(venue, market, tier) == (Decimal(maker), Decimal(taker))


@pytest.mark.parametrize("key", FEE_TIERS)
def test_fees_fall_from_tier_to_tier_and_makers_pay_no_more(key: tuple[str, Market]) -> None:
    tiers = list(FEE_TIERS[key].values())
    assert all(after.maker <= before.maker and after.taker <= before.taker for before, after in pairwise(tiers))
    assert all(0 <= tier.maker <= tier.taker for tier in tiers)


def test_an_unknown_tier_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        find_fees("bybit", Market.LINEAR, "vip12")
    assert caught.value.field == "fee_tier"
    assert "vip2" in str(caught.value.fix)
    with pytest.raises(InputError, match="no fee tier"):
        find_fees("oanda", Market.LINEAR, "vip0")
