"""Binance's limits: weight per IP and minute, orders per account."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.answers import Answer
from real_trade.exchange.binance.calls import Call, error
from real_trade.exchange.binance.refusals import TOO_MANY_ORDERS, Refusal
from real_trade.exchange.limits import Rate, WeightLimit
from real_trade.exchange.limits import Refusal as Excess
from real_trade.exchange.words import whole_number
from real_trade.model import Market

if TYPE_CHECKING:
    from real_trade.model import Clock

# Weight per minute and IP.
WEIGHTS: Final = {Market.SPOT: 6_000, Market.LINEAR: 2_400, Market.INVERSE: 2_400}
# Interval, how many of it, orders.
ORDERS: Final = {
    Market.SPOT: (("SECOND", 10, 100), ("DAY", 1, 200_000)),
    Market.LINEAR: (("MINUTE", 1, 1_200), ("SECOND", 10, 300)),
    Market.INVERSE: (("MINUTE", 1, 1_200),),
}
_LENGTHS_MS: Final = {"SECOND": 1_000, "MINUTE": 60_000, "DAY": 86_400_000}
_SPOT: Final = {
    "exchangeInfo": 20, "klines": 2, "uiKlines": 2, "trades": 25, "historicalTrades": 25, "aggTrades": 4,
    "avgPrice": 2, "account": 20, "allOrders": 20, "myTrades": 20, "account/commission": 20, "rateLimit/order": 40,
    "myPreventedMatches": 20, "orderList": 4, "openOrderList": 6, "allOrderList": 20,
    "order/amend/keepPriority": 4, "order/amendments": 4, "userDataStream": 2, "myFilters": 40,
}  # fmt: skip
# What costs otherwise with one method than with others.
_CHEAP: Final = {("GET", "order"): 4, ("DELETE", "orderList"): 1}
_FUTURES: Final = {
    "trades": 5, "historicalTrades": 20, "aggTrades": 20, "balance": 5, "v2/balance": 5, "v3/balance": 5,
    "account": 5, "v2/account": 5, "v3/account": 5, "positionRisk": 5, "v2/positionRisk": 5, "v3/positionRisk": 5,
    "allOrders": 5, "userTrades": 5, "income": 30, "commissionRate": 20, "positionSide/dual": 1, "batchOrders": 5,
    "countdownCancelAll": 10, "adlQuantile": 5, "forceOrders": 20, "rateLimit/order": 1, "apiTradingStatus": 1,
    "symbolConfig": 5, "accountConfig": 5, "openInterest": 1, "multiAssetsMargin": 1, "feeBurn": 30, "rpiDepth": 20,
}  # fmt: skip
_SPOT_DEPTHS: Final = ((100, 5), (500, 25), (1_000, 50))
_FUTURES_DEPTHS: Final = ((50, 2), (100, 5), (500, 10), (1_000, 20))


def weight_of(call: Call) -> int:
    """Return what a request costs."""
    spot, has_symbol = call.is_spot, bool(call.params.get("symbol"))
    limit = whole_number(call.params.get("limit", ""))
    if call.name.startswith(("sapi/", "data/")):
        # The futures' statistics are counted apart from all else.
        return 1 if spot else 0
    if call.name == "ticker/24hr":
        return {(True, True): 2, (True, False): 80, (False, True): 1, (False, False): 40}[spot, has_symbol]
    if call.name.endswith(("ticker/price", "ticker/bookTicker")):
        return (2 if has_symbol else 4) if spot else (1 if has_symbol else 2) * (1 if call.name[-5:] == "price" else 2)
    if call.name in {"ticker", "ticker/tradingDay"}:
        return min(200, 4 * (call.params.get("symbols", "").count(",") + 1))
    if call.name == "depth":
        steps = _SPOT_DEPTHS if spot else _FUTURES_DEPTHS
        return next((cost for most, cost in steps if (limit or (100 if spot else 500)) <= most), 250)
    if call.name in {"openOrders", "openAlgoOrders"} and call.method == "GET":
        return (6 if has_symbol else 80) if spot else (1 if has_symbol else 40)
    if spot:
        return _CHEAP.get((call.method, call.name)) or _SPOT.get(call.name, 1)
    if call.name == "premiumIndex" and not has_symbol:
        return 10
    if not call.name.lower().endswith("klines"):
        return _FUTURES.get(call.name, 1)
    limit = limit or 500
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10


class Weights:
    """Weight that was used of each market.

    Args:
        rate: weight per seconds instead of each market's own limit.
        ban_s: length of a ban.
        machine: limits are measured by it.
    """

    def __init__(self, rate: Rate | None, ban_s: float, machine: Clock) -> None:
        self.rates = {market: rate or Rate(units, 60.0) for market, units in WEIGHTS.items()}
        self._limits = {market: WeightLimit(each, ban_s, machine) for market, each in self.rates.items()}

    def take(self, call: Call) -> Answer | None:
        """Count a request: 429 over the limit, 418 for who goes on regardless."""
        excess = self._limits[call.market].admit(weight_of(call))
        return None if excess is None else self.refusal(call.market, excess)

    def ban(self, wait_s: float) -> None:
        """Refuse everything for so long."""
        for limit in self._limits.values():
            limit.ban(wait_s)

    def rows(self, market: Market) -> list[dict[str, Any]]:
        """Return the limit of weight, and how much of it is used; none where there is none."""
        rate = self.rates[market]
        if rate.units is None:
            return []
        unit, count = interval_of(rate)
        row = {"rateLimitType": "REQUEST_WEIGHT", "interval": unit, "intervalNum": count, "limit": rate.units}
        return [{**row, "count": self.used(market)}]

    def used(self, market: Market) -> int:
        """Return what was used in the present window."""
        return self._limits[market].used

    def refusal(self, market: Market, excess: Excess) -> Answer:
        """Return what the venue says to who is too fast."""
        status = 418 if excess.banned_until_ms else 429
        units, seconds = self._limits[market].units, self.rates[market].seconds
        if market is Market.SPOT:
            text = f"current limit is {units} request weight per {_span(seconds)}"
            remedy = "Please use WebSocket Streams for live updates to avoid"
            message = f"Too much request weight used; {text}. {remedy} polling the API."
            if status == 418:
                message = f"Way too much request weight used; IP banned until {excess.banned_until_ms}. {remedy} bans."
        else:
            remedy = "Please use the websocket for live updates to avoid"
            span = "minute" if seconds == 60 else _span(seconds)
            message = f"Too many requests; current limit is {units} requests per {span}. {remedy} polling the API."
            if status == 418:
                message = f"Way too many requests; IP banned until {excess.banned_until_ms}. {remedy} bans."
        answer = error(status, -1003, message)
        return Answer(status, answer.body, -1003, headers={"Retry-After": str(excess.wait_s)})


class OrderCounts:
    """Orders that each account placed.

    Args:
        machine: limits are measured by it.
        limited: refuse what is too many.
    """

    def __init__(self, machine: Clock, *, limited: bool) -> None:
        self._machine, self._limited = machine, limited
        self._counts: dict[tuple[int, int], tuple[int, int]] = defaultdict(lambda: (0, 0))

    def take(self, market: Market, account: int) -> None:
        """Count an order.

        Raises:
            Refusal: it is one too many.
        """
        now = self._machine.now_ms()
        for which, (unit, count, most) in enumerate(ORDERS[market]):
            if self._limited and self._count(account, which, unit, count, now) >= most:
                spelled = f"{count} {unit}"
                raise Refusal(
                    TOO_MANY_ORDERS, f"Too many new orders; current limit is {most} orders per {spelled}.", 429
                )
        for which, (unit, count, _) in enumerate(ORDERS[market]):
            used = self._count(account, which, unit, count, now)
            self._counts[account, which] = (now // (_LENGTHS_MS[unit] * count), used + 1)

    def headers(self, market: Market, account: int) -> dict[str, str]:
        """Return the headers that tell how many were placed."""
        now = self._machine.now_ms()
        return {
            f"X-MBX-ORDER-COUNT-{count}{unit[0]}": str(self._count(account, which, unit, count, now))
            for which, (unit, count, _) in enumerate(ORDERS[market])
        }

    def rows(self, market: Market, account: int) -> list[dict[str, Any]]:
        """Return the limits, and how much of them is used."""
        now = self._machine.now_ms()
        return [
            {
                "rateLimitType": "ORDERS",
                "interval": unit,
                "intervalNum": count,
                "limit": most,
                "count": self._count(account, which, unit, count, now),
            }
            for which, (unit, count, most) in enumerate(ORDERS[market])
        ]

    def _count(self, account: int, which: int, unit: str, count: int, now: int) -> int:
        window, used = self._counts[account, which]
        return used if window == now // (_LENGTHS_MS[unit] * count) else 0


def interval_of(rate: Rate) -> tuple[str, int]:
    """Return the unit of a rate's interval, and how many of it.

    >>> interval_of(Rate(2_400, 60.0)), interval_of(Rate(5, 10.0))
    (('MINUTE', 1), ('SECOND', 10))
    """
    seconds = round(rate.seconds)
    return ("MINUTE", seconds // 60) if seconds and seconds % 60 == 0 else ("SECOND", max(1, seconds))


def weight_header(rate: Rate) -> str:
    """Return the name of the header that carries the weight used in the present window.

    >>> weight_header(Rate(2_400, 60.0))
    'X-MBX-USED-WEIGHT-1M'
    """
    unit, count = interval_of(rate)
    return f"X-MBX-USED-WEIGHT-{count}{unit[0]}"


def _span(seconds: float) -> str:
    return "1 MINUTE" if seconds == 60 else f"{seconds:g} SECOND"
