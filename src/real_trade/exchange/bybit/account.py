"""Accounts at Bybit: balances, positions, history, settings."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.bybit.paging import fits, paged, window, within
from real_trade.exchange.bybit.parameters import category_of
from real_trade.exchange.bybit.refusals import Refusal, bad
from real_trade.exchange.bybit.spelling import EXEC_TYPES, Row, amount, fill_row, order_row, price, quantity, side
from real_trade.exchange.bybit.trading import filter_of
from real_trade.exchange.core.contract import RATE_SCALE, Kind
from real_trade.exchange.words import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.bybit.records import Fill, Ticket
    from real_trade.exchange.bybit.trading import Trading

_TRANSACTIONS: Final = {
    "trade": "TRADE",
    "funding": "SETTLEMENT",
    "liquidation": "LIQUIDATION",
    "adl": "ADL",
    "delivery": "DELIVERY",
}
_CLOSED_SHOWN: Final = 500
_MAJORS: Final = ("BTC", "ETH", "SOL", "XRP", "USDT", "USDC", "USD")


class Accounts:
    """What an account may ask and set, orders aside.

    Args:
        trading: the order desk.
        tiers: fee tier of each account; empty for none.
    """

    def __init__(self, trading: Trading, tiers: Mapping[int, str]) -> None:
        self._trading, self._world, self._records = trading, trading.world, trading.records
        self._exchange = trading.exchange
        self._tiers = tiers

    # Orders and fills

    def orders(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return open orders, or with ``openOnly=1`` also those that have ended of late; newest first."""
        category = category_of(params)
        if category == "linear" and not _names_something(params):
            raise bad("symbol, settleCoin or baseCoin is required")
        named = self._named(account, category, params)
        if named is None:
            named = self._trading.open_tickets(account, params)[::-1]
            if str(params.get("openOnly", "0")) != "0":
                named += self._ended(account, category, params)[:_CLOSED_SHOWN]
        return paged(category, [order_row(ticket) for ticket in named], params, 20, 50)

    def order_history(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return orders that have ended, newest first."""
        category = category_of(params)
        named = self._named(account, category, params)
        tickets = self._ended(account, category, params) if named is None else named
        start, end = window(params)
        rows = [order_row(ticket) for ticket in tickets if within(ticket.order.created_ms, start, end)]
        wanted = params.get("orderStatus")
        return paged(category, [row for row in rows if not wanted or row["orderStatus"] == wanted], params, 20, 50)

    def executions(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return fills, funding and liquidations, newest first."""
        category, kind = category_of(params), params.get("execType")
        start, end = window(params)
        order_id, link = params.get("orderId"), params.get("orderLinkId")
        rows = []
        for fill in reversed(self._records.fills[account]):
            ticket, event = fill.ticket, fill.event
            instrument = self._world.listing(event.symbol).instrument
            if not fits(instrument, category, params) or not within(event.time_ms, start, end):
                continue
            if kind and kind != EXEC_TYPES[event.kind]:
                continue
            if order_id and fill.order_id != order_id:
                continue
            if link and (ticket is None or ticket.order.request.link != link):
                continue
            rows.append(self._fill_row(fill))
        return paged(category, rows, params, 50, 100)

    def _fill_row(self, fill: Fill) -> Row:
        listing = self._world.listing(fill.event.symbol)
        exec_id = self._records.uuid("fill", fill.number)
        return fill_row(fill, listing.contract, listing.instrument.symbol, exec_id)

    def transactions(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return every change of a balance, newest first; of a trade on spot those of both coins."""
        start, end = window(params)
        category, wanted, kind = params.get("category"), params.get("currency"), params.get("type")
        balances, rows = dict(self._exchange.accounts[account].wallet), []
        for fill in reversed(self._records.fills[account]):
            event = fill.event
            balances[event.coin] = event.balance
            for coin, flow, fee in self._flows(fill):
                balance = balances[coin]
                balances[coin] -= flow - fee
                if not within(event.time_ms, start, end) or wanted not in (None, "", coin):
                    continue
                row = self._transaction(fill, coin, flow, fee, balance)
                if category in (None, "", row["category"]) and kind in (None, "", row["type"]):
                    rows.append(row)
        page = paged("", rows, params, 20, 50)
        del page["category"]
        return page

    def _flows(self, fill: Fill) -> list[tuple[str, int, int]]:
        """Return the coins that an execution moved, what came in of each, and what of it the fee took; in units."""
        event, contract = fill.event, self._exchange.contracts[fill.event.symbol]
        if contract.kind is not Kind.SPOT:
            return [(event.coin, event.profit, event.fee)]
        base = event.sign * contract.base_units(event.lots)
        quote = -event.sign * contract.value(event.lots, event.ticks)
        both = ((contract.base, base), (contract.quote, quote))
        return [(coin, flow, event.fee if coin == event.coin else 0) for coin, flow in both]

    def _transaction(self, fill: Fill, coin: str, flow: int, fee: int, balance: int) -> Row:
        event, ticket = fill.event, fill.ticket
        listing = self._world.listing(event.symbol)
        contract = listing.contract
        is_funding = event.kind == "funding"
        return {
            "transSubType": "",
            "id": f"{fill.number}_{listing.instrument.symbol}_{event.trade}",
            "symbol": listing.instrument.symbol,
            "side": side(event.sign),
            "funding": amount(-fee) if is_funding else "",
            "orderLinkId": "" if ticket is None else ticket.order.request.link,
            "orderId": fill.order_id,
            "fee": "0" if is_funding else amount(fee),
            "change": amount(flow - fee),
            "cashFlow": amount(flow),
            "transactionTime": str(event.time_ms),
            "type": _TRANSACTIONS[event.kind],
            "feeRate": self._fill_row(fill)["feeRate"] if coin == event.coin else "0",
            "bonusChange": "",
            # The position after it.
            "size": quantity(contract, fill.held),
            "qty": quantity(contract, event.lots),
            "cashBalance": amount(balance),
            "currency": coin,
            "category": str(listing.instrument.market),
            "tradePrice": price(contract, event.ticks),
            "tradeId": self._records.uuid("fill", fill.number),
            "extraFees": "",
        }

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
            # The venue tells of it by an endpoint of its own now.
            "dcpStatus": "OFF",
            "timeWindow": 10,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }

    def group(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the group in which orders may not meet each other: none, an account is alone."""
        del account, params
        return {"smpGroup": 0}

    def fee_rates(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return maker and taker fee of the instruments of a category."""
        owner = self._exchange.accounts[account]
        # A request without a category means the linear one.
        category, symbol = category_of({"category": "linear", **params}), params.get("symbol")
        rows = [
            {
                "symbol": listing.instrument.symbol,
                "takerFeeRate": _rate(owner.rate(listing.contract, maker=False)),
                "makerFeeRate": _rate(owner.rate(listing.contract, maker=True)),
            }
            for listing in self._world.listings.values()
            if str(listing.instrument.market) == category and symbol in (None, "", listing.instrument.symbol)
        ]
        if category == "option":
            return {"category": category, "list": self._option_rates(params)}
        if symbol and not rows:
            raise bad("symbol invalid")
        # The category is not told of contracts.
        return {"category": category, "list": rows} if category == "spot" else {"list": rows}

    def _option_rates(self, params: Mapping[str, Any]) -> list[Row]:
        perpetual = self._trading.dated.perpetual
        if perpetual is None or params.get("baseCoin") not in (None, "", perpetual.base):
            return []
        return [{"symbol": "", "baseCoin": perpetual.base, "takerFeeRate": "0.0003", "makerFeeRate": "0.0002"}]

    def set_margin_mode(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Back positions by the whole account, or each by its own margin."""
        mode = params.get("setMarginMode")
        if mode not in {"ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN"}:
            raise bad("setMarginMode invalid")
        if mode == "PORTFOLIO_MARGIN":
            raise Refusal(3400045, "Set margin mode failed")
        owner, isolated = self._exchange.accounts[account], mode == "ISOLATED_MARGIN"
        # Asking for the mode that it is in does no harm, whatever is held.
        if owner.isolated != isolated and any(position.lots for position in owner.positions.values()):
            raise Refusal(3400045, "Set margin mode failed")
        owner.isolated = isolated
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
            "vipLevel": _level(self._tiers.get(account, "")),
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

    def _named(self, account: int, category: str, params: Mapping[str, Any]) -> list[Ticket] | None:
        """Return the order that parameters name, none if there is no such; None if they name none."""
        order_id, link = str(params.get("orderId") or ""), str(params.get("orderLinkId") or "")
        if not order_id and not link:
            return None
        ticket = self._records.find(account, order_id, link)
        return [ticket] if ticket is not None and ticket.category == category else []

    def _ended(self, account: int, category: str, params: Mapping[str, Any]) -> list[Ticket]:
        found = []
        wanted = params.get("orderFilter")
        for ticket in reversed(self._records.closed[account]):
            instrument = self._world.listing(ticket.order.contract.symbol).instrument
            if fits(instrument, category, params) and wanted in (None, "", filter_of(ticket)):
                found.append(ticket)
        return found


def _names_something(params: Mapping[str, Any]) -> bool:
    return any(params.get(name) for name in ("symbol", "baseCoin", "settleCoin", "orderId", "orderLinkId"))


def _level(tier: str) -> str:
    if tier in {"", "vip0"}:
        return "No VIP"
    return f"VIP-{tier.removeprefix('vip')}" if tier.startswith("vip") else f"{tier.capitalize()} VIP"


def _rate(rate: int) -> str:
    return plain(Decimal(rate) / RATE_SCALE)
