"""Positions at Bybit: what is held, at which leverage and margin, and what was realised."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from real_trade.exchange.bybit.paging import fits, paged, window, within
from real_trade.exchange.bybit.parameters import category_of, choice, number
from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal, bad, refusal_of
from real_trade.exchange.bybit.spelling import EXEC_TYPES, Row, amount, mean_price, price, quantity, side
from real_trade.exchange.core.contract import UNIT, Kind
from real_trade.exchange.core.orders import Refused, Why
from real_trade.exchange.words import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.bybit.records import Fill
    from real_trade.exchange.bybit.trading import Trading
    from real_trade.exchange.core.account import Position
    from real_trade.exchange.core.contract import Contract


class Positions:
    """What an account holds of contracts.

    Args:
        trading: the order desk.
    """

    def __init__(self, trading: Trading) -> None:
        self._trading, self._world, self._records = trading, trading.world, trading.records
        self._exchange = trading.exchange

    def positions(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return positions: of a symbol also flat ones, of a settlement coin those that are open."""
        category = category_of(params)
        if category not in {"linear", "inverse", "option"}:
            raise bad("Category is invalid")
        owner, symbol = self._exchange.accounts[account], params.get("symbol")
        if not symbol and not params.get("settleCoin") and category == "linear":
            raise bad("symbol or settleCoin is required")
        rows = []
        if category != "option":
            for listing in [self._trading.listing(params)] if symbol else self._world.listings.values():
                contract = listing.contract
                if str(listing.instrument.market) != category or contract.kind is Kind.SPOT:
                    continue
                for which in (1, -1) if contract.symbol in owner.hedged else (0,):
                    position = owner.position(contract, which)
                    if (symbol or position.lots) and params.get("settleCoin") in (None, "", contract.settle):
                        rows.append(self._trading.row_of_position(account, position))
        return paged(category, rows, params, 20, 200)

    def set_leverage(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Choose the leverage of a symbol; of an isolated hedged pair, each side may have its own."""
        listing = self._contract(params)
        buy, sell = (self._leverage(listing.contract, params, f"{word}Leverage") for word in ("buy", "sell"))
        owner = self._exchange.accounts[account]
        if buy != sell and not (owner.isolated and listing.name in owner.hedged):
            raise bad("buyLeverage must be equal to sellLeverage")
        try:
            self._exchange.set_leverage(account, listing.name, buy, sell)
        except Refused as refused:
            if refused.why == "no_change":
                raise Refusal(110043, "leverage not modified") from None
            raise refusal_of(refused.why, listing.contract.kind) from None
        return {}

    def _leverage(self, contract: Contract, params: Mapping[str, Any], name: str) -> int:
        text = str(params.get(name, ""))
        head, _, tail = text.partition(".")
        value = whole_number(head)
        if value is None or value < 1 or tail.strip("0"):
            raise bad(f"{name} invalid")
        if value > contract.tiers[0].leverage:
            most = contract.tiers[0].leverage * 100
            raise Refusal(110013, f"cannot set leverage [{value * 100}] gt maxLeverage [{most}] by risk limit")
        return value

    def switch_mode(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Keep long and short apart (3), or together (0), in a symbol or in all of a settlement coin."""
        category, mode = category_of(params), str(params.get("mode", ""))
        if category != "linear" or mode not in {"0", "3"}:
            raise (
                Refusal(110029, "hedge mode is not supported for this symbol")
                if category == "inverse"
                else bad("mode invalid")
            )
        if not params.get("symbol") and not params.get("coin"):
            raise bad("symbol or coin is required")
        if params.get("symbol"):
            listing = self._trading.listing(params)
            try:
                self._exchange.hedge(account, listing.name, mode == "3")
            except Refused as refused:
                if refused.why == "no_change":
                    raise Refusal(110025, "Position mode is not modified") from None
                raise refusal_of(refused.why, listing.contract.kind) from None
            return {}
        for listing in self._world.listings.values():
            if listing.contract.kind is Kind.LINEAR and listing.contract.settle == params["coin"]:
                # By coin the mode changes wherever it can, and that it cannot is no refusal.
                with suppress(Refused):
                    self._exchange.hedge(account, listing.name, mode == "3")
        return {}

    def add_margin(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Add margin to an isolated position, or take some back (negative)."""
        listing = self._contract(params)
        owner = self._exchange.accounts[account]
        position = self._position(account, listing.contract, params)
        units = int(number(params, "margin") / UNIT)
        if not owner.isolated:
            raise Refusal(BAD_PARAMETER, "cross margin mode does not support adding margin")
        try:
            self._exchange.add_margin(account, position, units)
        except Refused as refused:
            raise refusal_of(refused.why, listing.contract.kind) from None
        row = self._trading.row_of_position(account, position)
        return {"category": str(listing.instrument.market), **row}

    def set_auto_add_margin(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Let an isolated position take more margin by itself before it is liquidated (1), or not (0)."""
        listing = self._contract(params)
        wanted = choice(params, "autoAddMargin", ("0", "1"))
        position = self._position(account, listing.contract, params)
        if not self._exchange.accounts[account].isolated:
            raise Refusal(110073, "Set auto-add-margin failed")
        position.refills = wanted == "1"
        return {}

    def switch_isolated(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse: a unified account chooses its margin mode for all symbols together."""
        del account, params
        raise Refusal(100028, "unified account is forbidden")

    def closed_profit(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was realised, one row for each order that closed something; newest first."""
        category = category_of(params)
        start, end = window(params)
        by_order: dict[str, list[Fill]] = {}
        for fill in self._records.fills[account]:
            event = fill.event
            instrument = self._world.listing(event.symbol).instrument
            if fill.closed and fits(instrument, category, params) and within(event.time_ms, start, end):
                by_order.setdefault(fill.order_id, []).append(fill)
        rows = [self._closed_row(account, name, fills) for name, fills in by_order.items()]
        return paged(category, rows[::-1], params, 50, 100)

    def _closed_row(self, account: int, order_id: str, fills: list[Fill]) -> Row:
        event, ticket = fills[-1].event, fills[-1].ticket
        listing = self._world.listing(event.symbol)
        contract = listing.contract
        lots = sum(fill.closed for fill in fills)
        value = sum(contract.value(fill.closed, fill.event.ticks) for fill in fills)
        profit = sum(fill.event.profit for fill in fills)
        sign = 1 if contract.kind is not Kind.INVERSE else -1
        # Selling closes a long position: what came in less the profit is what it had cost.
        entry = value - profit * sign if event.sign < 0 else value + profit * sign
        fee = sum(fill.event.fee for fill in fills)
        position_side = 0 if ticket is None else ticket.order.request.side
        position = self._exchange.accounts[account].position(contract, position_side)
        return {
            "symbol": listing.instrument.symbol,
            "orderType": "UNKNOWN" if ticket is None else ticket.order_type,
            "leverage": str(position.leverage),
            "updatedTime": str(event.time_ms),
            "side": side(event.sign),
            "orderId": order_id,
            "closedPnl": amount(profit - fee),
            "avgEntryPrice": mean_price(contract, lots, entry),
            "qty": quantity(contract, lots if ticket is None else ticket.order.request.lots),
            "cumEntryValue": amount(entry),
            "createdTime": str(fills[0].event.time_ms),
            "orderPrice": price(contract, event.ticks if ticket is None else ticket.order.request.ticks or event.ticks),
            "closedSize": quantity(contract, lots),
            "avgExitPrice": mean_price(contract, lots, value),
            "execType": EXEC_TYPES[event.kind],
            "fillCount": str(len(fills)),
            "cumExitValue": amount(value),
        }

    def _position(self, account: int, contract: Contract, params: Mapping[str, Any]) -> Position:
        """Return the position that parameters name.

        Raises:
            Refusal: the account keeps no such side.
        """
        owner, index = self._exchange.accounts[account], choice(params, "positionIdx", ("0", "1", "2"), "0")
        if (index != "0") != (contract.symbol in owner.hedged):
            raise refusal_of(Why.BAD_SIDE, contract.kind)
        return owner.position(contract, {"0": 0, "1": 1, "2": -1}[index])

    def _contract(self, params: Mapping[str, Any]) -> Any:
        listing = self._trading.listing(params)
        if listing.contract.kind is Kind.SPOT:
            raise bad("Category is invalid")
        return listing
