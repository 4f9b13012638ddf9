"""How Binance spells what it lists: exchangeInfo of the three markets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.limits import ORDERS, interval_of
from real_trade.exchange.listing import decimals_of
from real_trade.exchange.words import plain
from real_trade.model import Instrument, Market

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.exchange.limits import Rate

# Perpetuals "deliver" in the year 2100.
_NEVER_MS: Final = 4_133_404_800_000
# Largest price in ticks; largest quantity in lots, of limit and of market orders.
MOST_TICKS: Final = 100_000_000
MOST_LOTS: Final = {Market.SPOT: 9_000_000_000, Market.LINEAR: 10_000_000, Market.INVERSE: 10_000_000}
MOST_MARKET_LOTS: Final = {Market.SPOT: 900_000_000, Market.LINEAR: 1_000_000, Market.INVERSE: 1_000_000}
_SPOT_ORDERS: Final = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
_FUTURES_ORDERS: Final = (
    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
)  # fmt: skip


def exchange_info(
    market: Market, instruments: Sequence[Instrument], rate: Rate, now_ms: int, launch_ms: int
) -> dict[str, Any]:
    """Return the answer to exchangeInfo."""
    unit, count = interval_of(rate)
    limits = [] if rate.units is None else [_limit("REQUEST_WEIGHT", unit, count, rate.units)]
    limits += [_limit("ORDERS", *each) for each in ORDERS[market]]
    if market is Market.SPOT:
        limits.append(_limit("RAW_REQUESTS", "MINUTE", 5, 61_000))
    spell = _spot if market is Market.SPOT else _future
    info: dict[str, Any] = {
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


def _limit(kind: str, unit: str, count: int, units: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": unit, "intervalNum": count, "limit": units}


def _filters(instrument: Instrument) -> list[dict[str, object]]:
    places = 8 if instrument.market is Market.SPOT else None
    tick, step, least = instrument.tick_size, instrument.quantity_step, instrument.min_quantity
    most = {"LOT_SIZE": MOST_LOTS, "MARKET_LOT_SIZE": MOST_MARKET_LOTS}
    found: list[dict[str, object]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": plain(tick, places),
            "maxPrice": plain(tick * MOST_TICKS, places),
            "tickSize": plain(tick, places),
        }
    ]
    for name, lots in most.items():
        sizes = {"minQty": plain(least, places), "maxQty": plain(step * lots[instrument.market], places)}
        found.append({"filterType": name, **sizes, "stepSize": plain(step, places)})
    return found


def spot_filters(instrument: Instrument) -> list[dict[str, object]]:
    """Spell what orders of a spot instrument must keep to."""
    return [
        *_filters(instrument),
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2_000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2_000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": plain(instrument.min_notional, 8),
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
    ]


def _futures_filters(instrument: Instrument) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        *_filters(instrument),
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10 if instrument.market is Market.LINEAR else 20},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": "1.0500",
            "multiplierDown": "0.9500",
            "multiplierDecimal": "4",
        },
    ]
    if instrument.market is Market.LINEAR:
        found.append({"filterType": "MIN_NOTIONAL", "notional": plain(instrument.min_notional)})
    return found


def _spot(instrument: Instrument, launch_ms: int) -> dict[str, object]:
    del launch_ms  # spot does not say
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
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": spot_filters(instrument),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
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
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "orderTypes": list(_FUTURES_ORDERS),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", *(["GTD"] if instrument.market is Market.LINEAR else [])],
        "filters": _futures_filters(instrument),
    }
    if instrument.market is Market.INVERSE:
        return facts | {
            "contractStatus": "TRADING",
            "contractSize": int(instrument.contract_value),
            "equalQtyPrecision": 4,
        }
    return facts | {"status": "TRADING", "settlePlan": 0}
