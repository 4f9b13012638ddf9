"""What the parameters of an order mean: prices, quantities, triggers, protection."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.bybit.bounds import MOST_LOTS, MOST_MARKET_LOTS, MOST_SPOT_LOTS
from real_trade.exchange.bybit.parameters import PRICES, choice, given, number
from real_trade.exchange.bybit.records import Protection
from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal, bad, refusal_of
from real_trade.exchange.core.contract import UNIT, Contract, Kind
from real_trade.exchange.core.orders import Price, Trigger, Why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.world import Listing, World

_LINK: Final = re.compile(r"[A-Za-z0-9_-]{1,36}")
# Refusals print prices as whole numbers of this part.
_PRINTED: Final = Decimal("0.0001")
# Highest price, in ticks.
_MOST_TICKS: Final = 19_999_998


class Reading:
    """Reads parameters, against the market as it stands.

    Args:
        world: the exchange.
    """

    def __init__(self, world: World) -> None:
        self._world, self._exchange = world, world.exchange

    def ticks(self, contract: Contract, params: Mapping[str, Any], name: str) -> int:
        """Return a price in ticks.

        Raises:
            Refusal: not a price of the grid.
        """
        value = number(params, name)
        ticks = value / contract.tick
        grid = self._world.listing(contract.symbol).instrument.tick_size
        if grid != contract.tick and value % grid:
            raise Refusal(170134 if contract.kind is Kind.SPOT else 110003, "Order price does not fit the tick size.")
        if value <= 0 or ticks > _MOST_TICKS:
            code = 110003 if contract.kind is not Kind.SPOT else 170133 if value <= 0 else 170132
            raise Refusal(code, "Order price exceeds the allowable range.")
        if ticks != int(ticks):
            if contract.kind is Kind.SPOT:
                raise Refusal(170134, "Order price has too many decimals.")
            # Contracts take it to the nearest tick below.
            ticks = Decimal(int(ticks))
        return int(ticks)

    def lots(self, contract: Contract, params: Mapping[str, Any], name: str) -> int:
        """Return a quantity in lots.

        Raises:
            Refusal: not a quantity of the grid.
        """
        value = number(params, name)
        if value < 0:
            raise bad(f"{name} invalid")
        # The grid that is listed may be coarser than the core's.
        if value % self._world.listing(contract.symbol).instrument.quantity_step:
            if contract.kind is Kind.SPOT:
                raise Refusal(170137, "Order quantity has too many decimals.")
            raise Refusal(BAD_PARAMETER, "Qty invalid")
        return int(value / contract.step)

    def ticks_or_zero(self, contract: Contract, params: Mapping[str, Any], name: str) -> int:
        """Return a price in ticks, 0 for none.

        Raises:
            Refusal: not a price of the grid.
        """
        if params.get(name) in (None, "") or number(params, name) == 0:
            return 0
        return self.ticks(contract, params, name)

    def size(
        self, contract: Contract, params: Mapping[str, Any], sign: int, *, is_market: bool, closes: bool
    ) -> tuple[int, int, str]:
        """Return lots, units of quote where that is what was asked for, and the unit of the quantity."""
        if contract.kind is not Kind.SPOT:
            lots = self.lots(contract, params, "qty")
            if lots == 0 and not closes:
                raise refusal_of(Why.TOO_SMALL, contract.kind)
            if lots > (MOST_MARKET_LOTS if is_market else MOST_LOTS):
                raise refusal_of(Why.TOO_LARGE, contract.kind)
            return lots, 0, ""
        default = "quoteCoin" if sign > 0 else "baseCoin"
        unit = choice(params, "marketUnit", ("baseCoin", "quoteCoin"), default)
        if not is_market or unit == "baseCoin":
            lots = self.lots(contract, params, "qty")
            if lots > MOST_SPOT_LOTS:
                raise refusal_of(Why.TOO_LARGE, contract.kind)
            return lots, 0, unit if is_market else ""
        units = int(number(params, "qty") / UNIT)
        if units < contract.min_value / UNIT:
            raise refusal_of(Why.LOW_VALUE, contract.kind)
        return self._exchange.affordable(contract.symbol, sign, units), units, unit

    @staticmethod
    def link(params: Mapping[str, Any]) -> str:
        """Return the account's own name for an order, empty for none.

        Raises:
            Refusal: the venue takes no such name.
        """
        link = params.get("orderLinkId") or ""
        if link and (not isinstance(link, str) or not _LINK.fullmatch(link)):
            if isinstance(link, str) and len(link) > 36:
                raise Refusal(BAD_PARAMETER, "params error: order link id is longer than 45")
            raise bad("orderLinkId invalid")
        return link

    @staticmethod
    def position_side(contract: Contract, params: Mapping[str, Any]) -> int:
        """Return the side of a position: 0 one way, +1 or -1 of a hedged pair.

        Raises:
            Refusal: there is no such index.
        """
        index = 0 if contract.kind is Kind.SPOT else params.get("positionIdx", 0)
        if str(index) not in {"0", "1", "2"}:
            raise bad("positionIdx invalid")
        return {"0": 0, "1": 1, "2": -1}[str(index)]

    def trigger(self, listing: Listing, params: Mapping[str, Any]) -> Trigger | None:
        """Return what lets an order loose, None for one that works at once.

        Raises:
            Refusal: it is missing, or on the wrong side of the market.
        """
        if not given(params, "triggerPrice") or number(params, "triggerPrice") == 0:
            if params.get("orderFilter") in {"tpslOrder", "StopOrder"}:
                raise bad("triggerPrice is required")
            return None
        contract = listing.contract
        ticks = self.ticks(contract, params, "triggerPrice")
        by = PRICES[choice(params, "triggerBy", tuple(PRICES), "LastPrice")]
        if contract.kind is Kind.SPOT:
            return Trigger(ticks, ticks > self._exchange.prices[contract.symbol, Price.LAST], Price.LAST)
        direction = str(params.get("triggerDirection", ""))
        if direction not in {"1", "2"}:
            raise Refusal(BAD_PARAMETER, "TriggerDirection invalid")
        rises = direction == "1"
        now = self._exchange.prices[contract.symbol, by]
        if Trigger(ticks, rises, by).is_met(now):
            spelled = f"expect {'Rising' if rises else 'Falling'}, but trigger_price[{_printed(contract, ticks)}] "
            relation = f"{'<=' if rises else '>='} current[{_printed(contract, now)}]"
            raise Refusal(110092 if rises else 110093, spelled + relation)
        return Trigger(ticks, rises, by)

    def protection(
        self, contract: Contract, params: Mapping[str, Any], sign: int, base: int, before: Protection
    ) -> Protection:
        """Return an order's protection with what parameters change of it; a price of 0 takes a part of it away.

        Raises:
            Refusal: a price is on the wrong side, or has a limit that it may not have.
        """

        def price_of(name: str, kept: int) -> int:
            return kept if params.get(name) in (None, "") else self.ticks_or_zero(contract, params, name)

        kept = Protection(
            price_of("takeProfit", before.take_profit),
            price_of("stopLoss", before.stop_loss),
            choice(params, "tpTriggerBy", tuple(PRICES), before.tp_by),
            choice(params, "slTriggerBy", tuple(PRICES), before.sl_by),
            choice(params, "tpslMode", ("Full", "Partial"), before.mode),
            price_of("tpLimitPrice", before.tp_limit),
            price_of("slLimitPrice", before.sl_limit),
        )
        for word, ticks, ahead in (("TakeProfit", kept.take_profit, sign), ("StopLoss", kept.stop_loss, -sign)):
            if ticks and (ticks - base) * ahead <= 0:
                side, relation = "Buy" if sign > 0 else "Sell", "higher" if ahead > 0 else "lower"
                head = f"{word}:{_printed(contract, ticks)} set for {side} position should be {relation} than "
                raise Refusal(BAD_PARAMETER, f"{head}base_price:{_printed(contract, base)}??LastPrice")
        if kept.mode == "Full" and (kept.tp_limit or kept.sl_limit) and contract.kind is not Kind.SPOT:
            raise Refusal(BAD_PARAMETER, "tpOrderType or slOrderType must be Market when tpslMode is Full")
        return kept


def _printed(contract: Contract, ticks: int) -> int:
    return int(ticks * contract.tick / _PRINTED)
