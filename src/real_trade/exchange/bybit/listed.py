"""Instruments and their risk tiers as Bybit writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from real_trade.exchange.bybit.bounds import MOST_LOTS, MOST_MARKET_LOTS, MOST_SPOT_LOTS
from real_trade.exchange.bybit.price_limits import PRICE_RATIO
from real_trade.exchange.core.contract import RATE_SCALE
from real_trade.exchange.ladder import ladder
from real_trade.exchange.listing import decimals_of
from real_trade.exchange.words import plain
from real_trade.model import Market

if TYPE_CHECKING:
    from real_trade.model import Instrument


def tiers(instrument: Instrument) -> list[dict[str, object]]:
    """Spell the tiers of an instrument the way risk-limit does."""
    return [
        {
            "id": number,
            "symbol": instrument.symbol,
            "riskLimitValue": str(rung.cap),
            "maintenanceMargin": plain(rung.maintenance),
            "initialMargin": plain(rung.initial),
            "isLowestRisk": int(number == 1),
            "maxLeverage": plain(Decimal(rung.leverage), 2),
            "mmDeduction": plain(rung.deduction),
        }
        for number, rung in enumerate(ladder(instrument), 1)
    ]


def facts(instrument: Instrument, launch_ms: int) -> dict[str, object]:
    """Spell an instrument the way instruments-info does."""
    step, tick = instrument.quantity_step, instrument.tick_size
    ratio = plain(Decimal(PRICE_RATIO) / RATE_SCALE)
    facts: dict[str, object] = {
        "symbol": instrument.symbol,
        "status": "Trading",
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "riskParameters": {"priceLimitRatioX": ratio, "priceLimitRatioY": ratio},
    }
    if instrument.market is Market.SPOT:
        precision = Decimal(1).scaleb(-decimals_of(step) - instrument.price_decimals)
        return facts | {
            "innovation": "0",
            "marginTrading": "none",
            "lotSizeFilter": {
                "basePrecision": plain(step),
                "quotePrecision": plain(precision),
                "minOrderQty": plain(instrument.min_quantity),
                "maxOrderQty": plain(step * MOST_SPOT_LOTS),
                "minOrderAmt": plain(instrument.min_notional),
                "maxOrderAmt": "4000000",
            },
            "priceFilter": {"tickSize": plain(tick)},
        }
    kind = "LinearPerpetual" if instrument.market is Market.LINEAR else "InversePerpetual"
    return facts | {
        "contractType": kind,
        "settleCoin": instrument.settle,
        "launchTime": str(launch_ms),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(instrument.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": plain(tick), "maxPrice": plain(tick * 19_999_998), "tickSize": plain(tick)},
        "lotSizeFilter": {
            "maxOrderQty": plain(step * MOST_LOTS),
            "minOrderQty": plain(instrument.min_quantity),
            "qtyStep": plain(step),
            "postOnlyMaxOrderQty": plain(step * MOST_LOTS),
            "maxMktOrderQty": plain(step * MOST_MARKET_LOTS),
            "minNotionalValue": plain(instrument.min_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": instrument.funding_interval_minutes,
        "copyTrading": "none",
        "upperFundingRate": "0.0075",
        "lowerFundingRate": "-0.0075",
    }
