"""How Binance spells what it lists: exchangeInfo of the three markets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.exchange.listing import decimals_of
from real_trade.exchange.words import plain
from real_trade.model import Instrument, Market

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.exchange.limits import Rate

# Perpetuals "deliver" in the year 2100.
_NEVER_MS: Final = 4_133_404_800_000
_ORDER_LIMITS: Final = {
    Market.SPOT: (("SECOND", 10, 100), ("DAY", 1, 200_000)),
    Market.LINEAR: (("MINUTE", 1, 1_200), ("SECOND", 10, 300)),
    Market.INVERSE: (("MINUTE", 1, 1_200),),
}
_SPOT_ORDERS: Final = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
_FUTURES_ORDERS: Final = (
    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
)  # fmt: skip


def used_weight_header(rate: Rate) -> str:
    """Return the name of the header that carries the weight used in the present window.

    >>> from real_trade.exchange.limits import Rate
    >>> used_weight_header(Rate(2400, 60.0))
    'X-MBX-USED-WEIGHT-1M'
    """
    unit, count = _interval(rate)
    return f"X-MBX-USED-WEIGHT-{count}{unit[0]}"


def exchange_info(
    market: Market, instruments: Sequence[Instrument], rate: Rate, now_ms: int, launch_ms: int
) -> dict[str, object]:
    """Return the answer to exchangeInfo."""
    unit, count = _interval(rate)
    limits = [] if rate.units is None else [_limit("REQUEST_WEIGHT", unit, count, rate.units)]
    limits += [_limit("ORDERS", *each) for each in _ORDER_LIMITS[market]]
    spell = _spot if market is Market.SPOT else _future
    info: dict[str, object] = {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": limits,
        "exchangeFilters": [],
        "symbols": [spell(instrument, launch_ms) for instrument in instruments],
    }
    if market is Market.LINEAR:
        info["futuresType"] = "U_MARGINED"
        coins = dict.fromkeys(i.settle for i in instruments)
        info["assets"] = [{"asset": coin, "marginAvailable": True, "autoAssetExchange": "-10000"} for coin in coins]
    return info


def _interval(rate: Rate) -> tuple[str, int]:
    seconds = round(rate.seconds)
    return ("MINUTE", seconds // 60) if seconds and seconds % 60 == 0 else ("SECOND", max(1, seconds))


def _limit(kind: str, unit: str, count: int, units: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": unit, "intervalNum": count, "limit": units}


def _filters(instrument: Instrument) -> list[dict[str, object]]:
    tick, step, least = instrument.tick_size, instrument.quantity_step, instrument.min_quantity
    size = {"minQty": plain(least), "stepSize": plain(step)}
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": plain(tick),
            "maxPrice": plain(tick * 100_000_000),
            "tickSize": plain(tick),
        },
        {"filterType": "LOT_SIZE", **size, "maxQty": plain(step * 10_000_000)},
        {"filterType": "MARKET_LOT_SIZE", **size, "maxQty": plain(step * 1_000_000)},
    ]


def _spot(instrument: Instrument, launch_ms: int) -> dict[str, object]:
    del launch_ms  # spot does not say
    notional = {
        "filterType": "NOTIONAL",
        "minNotional": plain(instrument.min_notional, 8),
        "applyMinToMarket": True,
        "maxNotional": "9000000.00000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    }
    return {
        "symbol": instrument.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(_SPOT_ORDERS),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [*_filters(instrument), notional],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _future(instrument: Instrument, launch_ms: int) -> dict[str, object]:
    facts: dict[str, object] = {
        "symbol": instrument.symbol,
        "pair": instrument.symbol.partition("_")[0],
        "contractType": "PERPETUAL",
        "deliveryDate": _NEVER_MS,
        "onboardDate": launch_ms,
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.settle,
        "pricePrecision": instrument.price_decimals,
        "quantityPrecision": decimals_of(instrument.quantity_step),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "triggerProtect": "0.0500",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "orderTypes": list(_FUTURES_ORDERS),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": _filters(instrument),
    }
    if instrument.market is Market.INVERSE:
        return facts | {
            "contractStatus": "TRADING",
            "contractSize": int(instrument.contract_value),
            "equalQtyPrecision": 4,
        }
    facts["filters"] = [
        *_filters(instrument),
        {"filterType": "MIN_NOTIONAL", "notional": plain(instrument.min_notional)},
    ]
    return facts | {"status": "TRADING", "underlyingSubType": [], "settlePlan": 0}
