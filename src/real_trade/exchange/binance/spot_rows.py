"""How Binance's spot market spells orders, fills and what its user stream tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.exchange.binance.spelling import amount, price, quantity, side, status_of
from real_trade.exchange.core.contract import RATE_SCALE
from real_trade.exchange.core.orders import Status, Why

if TYPE_CHECKING:
    from collections.abc import Iterable

    from real_trade.exchange.binance.records import Amendment, Fill, Prevented, Ticket
    from real_trade.exchange.core.account import Account
    from real_trade.exchange.core.contract import Contract
    from real_trade.exchange.core.events import OrderChanged

_NOTHING = "0.00000000"
# Why an order that a list was to place later was not placed.
_REASONS = {
    Why.NO_FUNDS: "INSUFFICIENT_BALANCES",
    Why.TRIGGER_SIDE: "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    Why.WOULD_TAKE: "WOULD_MATCH_IMMEDIATELY",
}


def _head(ticket: Ticket) -> dict[str, Any]:
    return {"symbol": ticket.symbol, "orderId": ticket.order_id, "orderListId": ticket.list_id}


def _status(ticket: Ticket, status: Status, why: Why | None) -> str:
    if ticket.pends:
        return "PENDING_NEW"
    return "REJECTED" if ticket.pending and status is Status.REJECTED else status_of(status, why)


def _prevention(ticket: Ticket) -> dict[str, Any]:
    """Return what becomes of orders of one account that meet, and what has become of this one."""
    row: dict[str, Any] = {"selfTradePreventionMode": ticket.prevention}
    if ticket.prevented is not None:
        left = quantity(ticket.order.contract, ticket.order.left)
        row |= {"preventedMatchId": ticket.prevented.number, "preventedQuantity": left}
    return row


def prevented_lots(match: Prevented) -> dict[str, str]:
    """Return how much of each order has expired; nothing of one that went on."""
    contract = match.maker.order.contract
    lots = {"takerPreventedQuantity": match.taker_lots, "makerPreventedQuantity": match.maker_lots}
    return {name: quantity(contract, count) for name, count in lots.items() if count}


def prevented_row(match: Prevented) -> dict[str, Any]:
    """Return a match that did not take place."""
    maker = match.maker
    return {
        "symbol": maker.symbol,
        "preventedMatchId": match.number,
        "takerOrderId": match.taker.order_id,
        "makerSymbol": maker.symbol,
        "makerOrderId": maker.order_id,
        "tradeGroupId": -1,
        "selfTradePreventionMode": match.taker.prevention,
        "price": price(maker.order.contract, maker.order.request.ticks or 0),
        **prevented_lots(match),
        "transactTime": match.time_ms,
    }


def _body(ticket: Ticket) -> dict[str, Any]:
    """Return what every answer about an order says of it."""
    order, contract = ticket.order, ticket.order.contract
    return {
        "price": price(contract, order.request.ticks or 0),
        "origQty": quantity(contract, order.request.lots),
        "executedQty": quantity(contract, order.filled),
        "origQuoteOrderQty": amount(ticket.quote_units),
        "cummulativeQuoteQty": amount(order.value),
        "status": _status(ticket, order.status, order.why),
        "timeInForce": ticket.force,
        "type": ticket.kind,
        "side": side(order.request.sign),
    }


def _stop(ticket: Ticket) -> dict[str, Any]:
    trigger = ticket.order.request.trigger
    if trigger is None:
        return {}
    if ticket.rate:
        following = ticket.order.updated_ms if trigger.ticks else -1
        return {
            "stopPrice": price(ticket.order.contract, trigger.begins),
            "trailingDelta": int(ticket.rate),
            "trailingTime": following,
        }
    return {"stopPrice": price(ticket.order.contract, trigger.ticks)}


def placed_row(
    ticket: Ticket, wanted: str, fills: Iterable[Fill] = (), matches: Iterable[Prevented] = ()
) -> dict[str, Any]:
    """Return the answer to a new order: short, with its state, or with its fills and prevented matches too."""
    row = _head(ticket) | {"clientOrderId": ticket.link, "transactTime": ticket.order.created_ms}
    if wanted == "ACK":
        return row
    row |= _body(ticket) | _stop(ticket)
    if ticket.working_ms:
        row["workingTime"] = ticket.working_ms
    if wanted == "FULL":
        contract = ticket.order.contract
        row["fills"] = [
            {
                "price": price(contract, fill.event.ticks),
                "qty": quantity(contract, fill.event.lots),
                "commission": amount(fill.event.fee),
                "commissionAsset": fill.event.coin,
                "tradeId": fill.trade,
            }
            for fill in fills
        ]
        prevented = [
            {
                "preventedMatchId": match.number,
                "makerOrderId": match.maker.order_id,
                "price": price(contract, match.maker.order.request.ticks or 0),
                **prevented_lots(match),
            }
            for match in matches
        ]
        row |= {"preventedMatches": prevented} if prevented else {}
    return row | _prevention(ticket)


def cancelled_row(ticket: Ticket, now_ms: int) -> dict[str, Any]:
    """Return the answer to a cancellation."""
    names = {"origClientOrderId": ticket.link}
    row = {"symbol": ticket.symbol} | names | {"orderId": ticket.order_id, "orderListId": ticket.list_id}
    row |= {"clientOrderId": ticket.cancelled_by, "transactTime": now_ms}
    return row | _body(ticket) | _stop(ticket) | _prevention(ticket)


def amended_row(change: Amendment) -> dict[str, Any]:
    """Return the answer to an amendment."""
    ticket = change.ticket
    body = _body(ticket)
    amended = {
        **_head(ticket),
        "origClientOrderId": ticket.named_before,
        "clientOrderId": ticket.link,
        "price": body["price"],
        "qty": body["origQty"],
        "executedQty": body["executedQty"],
        "preventedQty": _NOTHING,
        "quoteOrderQty": body["origQuoteOrderQty"],
        "cumulativeQuoteQty": body["cummulativeQuoteQty"],
        "status": body["status"],
        "timeInForce": body["timeInForce"],
        "type": body["type"],
        "side": body["side"],
        "workingTime": ticket.working_ms,
        "selfTradePreventionMode": ticket.prevention,
    }
    return {"transactTime": change.time_ms, "executionId": change.number, "amendedOrder": amended}


def amendment_row(change: Amendment) -> dict[str, Any]:
    """Return how an order was amended."""
    contract, ticket = change.ticket.order.contract, change.ticket
    (_, before), (_, after) = change.before, change.after
    named_before, named = change.names
    return {
        "symbol": ticket.symbol,
        "orderId": ticket.order_id,
        "executionId": change.number,
        "origClientOrderId": named_before,
        "newClientOrderId": named,
        "origQty": quantity(contract, before),
        "newQty": quantity(contract, after),
        "time": change.time_ms,
    }


def order_row(ticket: Ticket) -> dict[str, Any]:
    """Return an order as it is."""
    order = ticket.order
    row = _head(ticket) | {"clientOrderId": ticket.link} | _body(ticket)
    row |= {"stopPrice": _NOTHING} | _stop(ticket)
    return row | {
        "icebergQty": _NOTHING,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": order.status is not Status.UNTRIGGERED,
        "workingTime": ticket.working_ms or -1,
        **_prevention(ticket),
    }


def fill_row(fill: Fill, contract: Contract) -> dict[str, Any]:
    """Return a fill."""
    event, ticket = fill.event, fill.ticket
    assert ticket is not None
    return {
        "symbol": ticket.symbol,
        "id": fill.trade,
        "orderId": ticket.order_id,
        "orderListId": ticket.list_id,
        "price": price(contract, event.ticks),
        "qty": quantity(contract, event.lots),
        "quoteQty": amount(contract.value(event.lots, event.ticks)),
        "commission": amount(event.fee),
        "commissionAsset": event.coin,
        "time": event.time_ms,
        "isBuyer": event.sign > 0,
        "isMaker": event.maker,
        "isBestMatch": True,
    }


def commission_row(account: Account, contract: Contract, suffix: str = "") -> dict[str, Any]:
    """Return the rates of commission of an account."""
    nothing = {"maker": _NOTHING, "taker": _NOTHING}
    sides = {} if suffix else {"buyer": _NOTHING, "seller": _NOTHING}
    standard = {
        "maker": _rate(account.rate(contract, maker=True)),
        "taker": _rate(account.rate(contract, maker=False)),
    }
    return {
        f"standardCommission{suffix}": standard | sides,
        f"specialCommission{suffix}": nothing | sides,
        f"taxCommission{suffix}": nothing | sides,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": "0.75000000",
        },
    }


def _rate(rate: int) -> str:
    return f"{rate / RATE_SCALE:.8f}"


def balances(account: Account, coins: Iterable[str], names: tuple[str, str, str]) -> list[dict[str, str]]:
    """Return what is free and what is locked of coins, under names for coin, free and locked."""
    found = []
    for coin in coins:
        locked = account.bound.get(coin, 0)
        free = account.wallet.get(coin, 0) - locked
        found.append(dict(zip(names, (coin, amount(free), amount(locked)), strict=True)))
    return found


def position_event(account: Account, coins: Iterable[str], now_ms: int) -> dict[str, Any]:
    """Return what the user stream says of balances."""
    rows = balances(account, coins, ("a", "f", "l"))
    return {"e": "outboundAccountPosition", "E": now_ms, "u": now_ms, "B": rows}


def report(ticket: Ticket, event: OrderChanged, fill: Fill | None, number: int) -> dict[str, Any]:
    """Return what the user stream says of an order.

    Args:
        ticket: the order.
        event: what has become of it.
        fill: what filled it just now, if anything did.
        number: of the report.
    """
    order, request, contract = ticket.order, ticket.order.request, ticket.order.contract
    status = _status(ticket, event.status, event.why)
    ended = status in {"CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"}
    kind = "TRADE" if fill is not None else {"EXPIRED_IN_MATCH": "TRADE_PREVENTION"}.get(status, status)
    if fill is None and not ended:
        kind = "REPLACED" if ticket.is_told else "NEW"
    taken_back = status == "CANCELED"
    done = None if fill is None else fill.event
    trigger = request.trigger
    stop = 0 if trigger is None else (trigger.begins if ticket.rate else trigger.ticks)
    row: dict[str, Any] = {
        "e": "executionReport",
        "E": event.time_ms,
        "s": ticket.symbol,
        "c": ticket.cancelled_by if taken_back and ticket.cancelled_by else ticket.link,
        "S": side(request.sign),
        "o": ticket.kind,
        "f": ticket.force,
        "q": quantity(contract, request.lots),
        "p": price(contract, request.ticks or 0),
        "P": price(contract, stop),
        "F": _NOTHING,
        "g": ticket.list_id,
        "C": ticket.link if taken_back else ticket.named_before if kind == "REPLACED" else "",
        "x": kind,
        "X": status,
        "r": _REASONS.get(event.why, "NONE") if status == "REJECTED" and event.why else "NONE",
        "i": ticket.order_id,
        "l": quantity(contract, 0 if done is None else done.lots),
        "z": quantity(contract, event.filled),
        "L": price(contract, 0 if done is None else done.ticks),
        "n": "0" if done is None else amount(done.fee),
        "N": None if done is None else done.coin,
        "T": event.time_ms,
        "t": -1 if fill is None else fill.trade,
        "I": number,
        "w": event.status in {Status.NEW, Status.PARTIALLY_FILLED},
        "m": done is not None and done.maker,
        "M": done is not None,
        "O": order.created_ms,
        "Z": amount(event.value),
        "Y": _NOTHING if done is None else amount(contract.value(done.lots, done.ticks)),
        "Q": amount(ticket.quote_units),
    }
    if ticket.rate:
        row["d"] = int(ticket.rate)
    if ticket.working_ms:
        row["W"] = ticket.working_ms
    if status == "EXPIRED" and event.why is Why.NOT_FILLED:
        row["eR"] = "INSUFFICIENT_LIQUIDITY"
    if ticket.prevented is not None:
        row |= _prevented_facts(ticket, ticket.prevented)
    return row | {"V": ticket.prevention}


def _prevented_facts(ticket: Ticket, match: Prevented) -> dict[str, Any]:
    """Return what a report says of the match for which an order has expired."""
    contract, left = ticket.order.contract, ticket.order.left
    other = match.maker if ticket is match.taker else match.taker
    ticks = match.maker.order.request.ticks or 0
    return {
        "v": match.number,
        "A": quantity(contract, left),
        "B": quantity(contract, left),
        "u": -1,
        "U": other.order_id,
        "Cs": other.symbol,
        "pl": quantity(contract, match.lots),
        "pL": price(contract, ticks),
        "pY": amount(contract.value(match.lots, ticks)),
    }
