"""Accounts at Bybit: balances, positions, history, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.bybit.parameters import category_of, number
from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal, bad, refusal_of
from real_trade.exchange.bybit.spelling import (
    Row,
    amount,
    fill_row,
    index_of,
    mean_price,
    order_row,
    price,
    quantity,
    side,
)
from real_trade.exchange.bybit.trading import filter_of
from real_trade.exchange.core.contract import RATE_SCALE, UNIT, Kind
from real_trade.exchange.core.orders import Refused
from real_trade.exchange.words import plain, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.bybit.records import Fill, Ticket
    from real_trade.exchange.bybit.trading import Trading
    from real_trade.exchange.core.contract import Contract

_CLOSED_SHOWN: Final = 500
_MAJORS: Final = ("BTC", "ETH", "SOL", "XRP", "USDT", "USDC", "USD")
_EXEC_TYPES: Final = {
    "trade": "Trade",
    "funding": "Funding",
    "liquidation": "BustTrade",
    "adl": "AdlTrade",
    "delivery": "Delivery",
}
_WEEK_MS: Final = 7 * 86_400_000


class Accounts:
    """What an account may ask and set, orders aside.

    Args:
        trading: the order desk.
    """

    def __init__(self, trading: Trading) -> None:
        self._trading, self._world, self._records = trading, trading.world, trading.records
        self._exchange = trading.exchange

    # Orders and fills

    def orders(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return open orders, or with ``openOnly=1`` also those that have ended of late; newest first."""
        category = category_of(params)
        if category in {"linear", "inverse"} and not _names_something(params):
            raise bad("symbol, settleCoin or baseCoin is required")
        named = self._named(account, category, params)
        if named is None:
            named = self._trading.open_tickets(account, params)[::-1]
            if str(params.get("openOnly", "0")) != "0":
                named += self._ended(account, category, params)[:_CLOSED_SHOWN]
        return _paged(category, [order_row(ticket) for ticket in named], params, 20, 50)

    def order_history(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return orders that have ended, newest first."""
        category = category_of(params)
        named = self._named(account, category, params)
        tickets = self._ended(account, category, params) if named is None else named
        start, end = _window(params)
        rows = [order_row(ticket) for ticket in tickets if _within(ticket.order.created_ms, start, end)]
        wanted = params.get("orderStatus")
        return _paged(category, [row for row in rows if not wanted or row["orderStatus"] == wanted], params, 20, 50)

    def executions(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return fills, funding and liquidations, newest first."""
        category, kind = category_of(params), params.get("execType")
        start, end = _window(params)
        order_id, link = params.get("orderId"), params.get("orderLinkId")
        rows = []
        for fill in reversed(self._records.fills[account]):
            ticket, event = fill.ticket, fill.event
            if not self._of(event.symbol, category, params) or not _within(event.time_ms, start, end):
                continue
            if kind and kind != _EXEC_TYPES[event.kind]:
                continue
            if order_id and (ticket is None or ticket.order_id != order_id):
                continue
            if link and (ticket is None or ticket.order.request.link != link):
                continue
            rows.append(self._fill_row(fill))
        return _paged(category, rows, params, 50, 100)

    def _fill_row(self, fill: Fill) -> Row:
        listing = self._world.listing(fill.event.symbol)
        exec_id = self._records.uuid("fill", fill.number)
        return fill_row(fill, listing.contract, listing.instrument.symbol, exec_id)

    def closed_profit(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was realised, one row for each order that closed something; newest first."""
        category = category_of(params)
        start, end = _window(params)
        by_order: dict[str, list[Fill]] = {}
        for fill in self._records.fills[account]:
            event = fill.event
            if fill.closed and self._of(event.symbol, category, params) and _within(event.time_ms, start, end):
                by_order.setdefault(fill.ticket.order_id if fill.ticket else f"{event.trade}", []).append(fill)
        rows = [self._closed_row(account, name, fills) for name, fills in by_order.items()]
        return _paged(category, rows[::-1], params, 50, 100)

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
            "execType": _EXEC_TYPES[event.kind],
            "fillCount": str(len(fills)),
            "cumExitValue": amount(value),
        }

    def transactions(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return every change of a balance, newest first."""
        start, end = _window(params)
        category, coin, kind = params.get("category"), params.get("currency"), params.get("type")
        rows = []
        for fill in reversed(self._records.fills[account]):
            event = fill.event
            if not _within(event.time_ms, start, end) or (coin and coin != event.coin):
                continue
            row = self._transaction(fill)
            if (category and row["category"] != category) or (kind and row["type"] != kind):
                continue
            rows.append(row)
        page = _paged("", rows, params, 20, 50)
        del page["category"]
        return page

    def _transaction(self, fill: Fill) -> Row:
        event, ticket = fill.event, fill.ticket
        listing = self._world.listing(event.symbol)
        contract = listing.contract
        is_funding = event.kind == "funding"
        flow = 0 if contract.kind is Kind.SPOT else event.profit
        return {
            "transSubType": "",
            "id": f"{fill.number}_{listing.instrument.symbol}_{event.trade}",
            "symbol": listing.instrument.symbol,
            "side": side(event.sign),
            "funding": amount(-event.fee) if is_funding else "",
            "orderLinkId": "" if ticket is None else ticket.order.request.link,
            "orderId": "" if ticket is None else ticket.order_id,
            "fee": "0" if is_funding else amount(event.fee),
            "change": amount(flow - event.fee),
            "cashFlow": amount(flow),
            "transactionTime": str(event.time_ms),
            "type": {"funding": "SETTLEMENT", "liquidation": "LIQUIDATION", "adl": "ADL"}.get(event.kind, "TRADE"),
            "feeRate": self._fill_row(fill)["feeRate"],
            "bonusChange": "",
            "size": quantity(contract, event.lots),
            "qty": quantity(contract, event.lots),
            "cashBalance": amount(fill.balance),
            "currency": event.coin,
            "category": str(listing.instrument.market),
            "tradePrice": price(contract, event.ticks),
            "tradeId": self._records.uuid("fill", fill.number),
            "extraFees": "",
        }

    # Positions

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
        return _paged(category, rows, params, 20, 200)

    def set_leverage(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Choose the leverage of a symbol."""
        listing = self._contract(params)
        buy, sell = (self._leverage(listing.contract, params, f"{word}Leverage") for word in ("buy", "sell"))
        if buy != sell:
            raise bad("buyLeverage must be equal to sellLeverage")
        try:
            self._exchange.set_leverage(account, listing.name, buy)
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
            chosen = [self._trading.listing(params)]
        else:
            chosen = [
                listing
                for listing in self._world.listings.values()
                if listing.contract.kind is Kind.LINEAR and listing.contract.settle == params["coin"]
            ]
        changed = 0
        for listing in chosen:
            try:
                self._exchange.hedge(account, listing.name, mode == "3")
                changed += 1
            except Refused as refused:
                if refused.why != "no_change":
                    raise refusal_of(refused.why, listing.contract.kind) from None
        if not changed:
            raise Refusal(110025, "Position mode is not modified")
        return {}

    def add_margin(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Add margin to an isolated position, or take some back (negative)."""
        listing = self._contract(params)
        owner = self._exchange.accounts[account]
        index = str(params.get("positionIdx", 0))
        position = owner.position(listing.contract, {"0": 0, "1": 1, "2": -1}.get(index, 0))
        units = int(number(params, "margin") / UNIT)
        if not owner.isolated:
            raise Refusal(BAD_PARAMETER, "cross margin mode does not support adding margin")
        try:
            self._exchange.add_margin(account, position, units)
        except Refused as refused:
            raise refusal_of(refused.why, listing.contract.kind) from None
        row = self._trading.row_of_position(account, position)
        return {"category": str(listing.instrument.market), **row}

    # The account

    def wallet(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return balances, of all coins or of some."""
        if params.get("accountType") not in {"UNIFIED", "CONTRACT", "SPOT"}:
            raise bad("accountType only support UNIFIED.")
        row = self._trading.wallet(account)
        wanted = {coin.strip() for coin in str(params.get("coin") or "").split(",") if coin.strip()}
        if wanted:
            row["coin"] = [coin for coin in row["coin"] if coin["coin"] in wanted]  # type: ignore[attr-defined]
        return {"list": [row | {"accountType": params["accountType"]}]}

    def info(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the account's settings."""
        del params
        isolated = self._exchange.accounts[account].isolated
        return {
            "marginMode": "ISOLATED_MARGIN" if isolated else "REGULAR_MARGIN",
            "updatedTime": str(self._world.now_ms),
            "unifiedMarginStatus": 5,
            "dcpStatus": "OFF",
            "timeWindow": 10,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }

    def fee_rates(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return maker and taker fee of the instruments of a category."""
        del account
        # A request without a category means the linear one.
        category, symbol = category_of({"category": "linear", **params}), params.get("symbol")
        rows = [
            {
                "symbol": listing.instrument.symbol,
                "takerFeeRate": _rate(listing.contract.taker_rate),
                "makerFeeRate": _rate(listing.contract.maker_rate),
            }
            for listing in self._world.listings.values()
            if str(listing.instrument.market) == category and symbol in (None, "", listing.instrument.symbol)
        ]
        if symbol and not rows:
            raise bad("symbol invalid")
        # The category is told of options only.
        return {"list": rows}

    def set_margin_mode(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Back positions by the whole account, or each by its own margin."""
        mode = params.get("setMarginMode")
        if mode not in {"ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN"}:
            raise bad("setMarginMode invalid")
        if mode == "PORTFOLIO_MARGIN":
            raise Refusal(3400045, "Set margin mode failed")
        owner = self._exchange.accounts[account]
        if any(position.lots for position in owner.positions.values()):
            raise Refusal(3400045, "Set margin mode failed")
        owner.isolated = mode == "ISOLATED_MARGIN"
        return {"reasons": []}

    def key_info(self, key: str, account: int) -> dict[str, Any]:
        """Return what a key may do."""
        return {
            "id": str(2_000_000 + account),
            "note": "rehearsal",
            "apiKey": key,
            "readOnly": 0,
            "secret": "",
            "permissions": {
                "ContractTrade": ["Order", "Position"],
                "Spot": ["SpotTrade"],
                "Wallet": ["AccountTransfer", "SubMemberTransfer"],
                "Options": ["OptionsTrade"],
                "Derivatives": ["DerivativesTrade"],
                "CopyTrading": [],
                "BlockTrade": [],
                "Exchange": ["ExchangeHistory"],
                "NFT": [],
                "Affiliate": [],
                "Earn": [],
                "BitCard": [],
                "ByXPost": [],
                "FiatP2P": [],
                "FiatBitPay": [],
                "FiatBybitPay": [],
                "FiatConvertBroker": [],
                "FiatGlobalPay": [],
            },
            "ips": ["*"],
            "type": 1,
            "deadlineDay": 90,
            "expiredAt": "2099-01-01T00:00:00Z",
            "createdAt": "2024-01-01T00:00:00Z",
            "unified": 0,
            "uta": 1,
            "userID": 100_000 + account,
            "inviterID": 0,
            "vipLevel": "No VIP",
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "userIDInt64": "0",
            "inviterIDInt64": "0",
            "affiliateIDInt64": "0",
            "rsaPublicKey": "",
            "isMaster": True,
            "parentUid": "0",
            "kycLevel": "LEVEL_1",
            "kycRegion": "",
        }

    def coins(self) -> dict[str, Any]:
        """Return what is known of each coin: those that are traded, and the majors."""
        traded = {coin for contract in self._exchange.contracts.values() for coin in (contract.base, contract.quote)}
        chain = {
            "confirmation": "6",
            "withdrawFee": "0.0001",
            "depositMin": "0.0001",
            "withdrawMin": "0.001",
            "chainDeposit": "1",
            "chainWithdraw": "1",
            "minAccuracy": "8",
            "withdrawPercentageFee": "0",
            "contractAddress": "",
            "safeConfirmNumber": "6",
            "withdrawMax": "10000000",
        }
        return {
            "rows": [
                {
                    "name": name,
                    "coin": name,
                    "remainAmount": "10000000",
                    "chains": [{"chainType": name, "chain": name, **chain}],
                }
                for name in sorted(traded | set(_MAJORS))
            ]
        }

    # Inside

    def _contract(self, params: Mapping[str, Any]) -> Any:
        listing = self._trading.listing(params)
        if listing.contract.kind is Kind.SPOT:
            raise bad("Category is invalid")
        return listing

    def _named(self, account: int, category: str, params: Mapping[str, Any]) -> list[Ticket] | None:
        """Return the order that parameters name, none if there is no such; None if they name none."""
        order_id, link = str(params.get("orderId") or ""), str(params.get("orderLinkId") or "")
        if not order_id and not link:
            return None
        ticket = self._records.find(account, order_id, link)
        return [ticket] if ticket is not None and ticket.category == category else []

    def _ended(self, account: int, category: str, params: Mapping[str, Any]) -> list[Ticket]:
        found = []
        for ticket in reversed(self._records.closed[account]):
            wanted = params.get("orderFilter")
            if self._of(ticket.order.contract.symbol, category, params) and wanted in (None, "", filter_of(ticket)):
                found.append(ticket)
        return found

    def _of(self, name: str, category: str, params: Mapping[str, Any]) -> bool:
        instrument = self._world.listing(name).instrument
        wanted = params.get("symbol"), params.get("baseCoin"), params.get("settleCoin")
        have = instrument.symbol, instrument.base, instrument.settle
        fits = all(not want or want == has for want, has in zip(wanted, have, strict=True))
        return fits and str(instrument.market) == category


def _names_something(params: Mapping[str, Any]) -> bool:
    return any(params.get(name) for name in ("symbol", "baseCoin", "settleCoin", "orderId", "orderLinkId"))


def _rate(rate: int) -> str:
    from decimal import Decimal

    return plain(Decimal(rate) / RATE_SCALE)


def _window(params: Mapping[str, Any]) -> tuple[int, int]:
    found = []
    for name in ("startTime", "endTime"):
        text = str(params.get(name) or "")
        value = whole_number(text) if text else None
        if text and value is None:
            raise bad(f"{name} invalid")
        found.append(value)
    start, end = found
    if start is not None and end is not None and (end < start or end - start > _WEEK_MS):
        raise Refusal(BAD_PARAMETER, "The time range between startTime and endTime cannot exceed 7 days.")
    if start is not None:
        return start, end if end is not None else start + _WEEK_MS
    return (0 if end is None else end - _WEEK_MS), (2**62 if end is None else end)


def _within(at_ms: int, start: int, end: int) -> bool:
    return start <= at_ms <= end


def _paged(category: str, rows: list[Row], params: Mapping[str, Any], default: int, most: int) -> dict[str, Any]:
    """Return a page of rows; the cursor is the number of the row that it begins at."""
    text = str(params.get("limit") or "")
    limit = whole_number(text) if text else default
    if limit is None or limit < 1:
        raise bad("limit invalid")
    cursor = str(params.get("cursor") or "").replace("%3A", ":")
    first = whole_number(cursor.rpartition(":")[2]) if cursor else 0
    if first is None or first < 0:
        raise bad("cursor invalid")
    last = first + min(limit, most)
    token = f"page%3A{last}" if last < len(rows) else ""
    return {"list": rows[first:last], "nextPageCursor": token, "category": category}


__all__ = ["Accounts", "index_of"]
