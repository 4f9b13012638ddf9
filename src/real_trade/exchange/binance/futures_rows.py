"""How Binance's futures spell orders, conditional orders, fills and what their user stream tells of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.spelling import amount, mean, position_side, price, quantity, side, status_of
from real_trade.exchange.core.contract import UNIT, Contract, Kind
from real_trade.exchange.core.orders import Status, Why

if TYPE_CHECKING:
    from real_trade.exchange.binance.records import Amendment, Fill, Ticket
    from real_trade.exchange.core.events import Executed, OrderChanged

MARKET_TYPES: Final = {"STOP": "LIMIT", "TAKE_PROFIT": "LIMIT", "LIMIT": "LIMIT"}


def working_kind(ticket: Ticket) -> str:
    """Return the type of an order as it works: what was conditional is a plain one once it is set off."""
    return MARKET_TYPES.get(ticket.kind, "MARKET") if ticket.is_algo else ticket.kind


def _ticks(contract: Contract, ticks: int) -> str:
    return price(contract, ticks) if ticks else "0"


def total(contract: Contract, value: int) -> str:
    """Spell the value of what was filled: quote, or base on inverse."""
    if contract.kind is Kind.INVERSE:
        return f"{value * UNIT:.8f}"
    return f"{value * UNIT:.8f}".rstrip("0").rstrip(".")


def _facts(ticket: Ticket) -> dict[str, Any]:
    """Return what every answer about an order says of it."""
    order, contract = ticket.order, ticket.order.contract
    trigger = order.request.trigger
    # What a trailing order is set off by moves; the venue tells where it began.
    stop = 0 if trigger is None or ticket.rate else trigger.ticks
    row: dict[str, Any] = {
        "orderId": ticket.order_id,
        "symbol": ticket.symbol,
        "status": status_of(order.status, order.why),
        "clientOrderId": ticket.link,
        "price": _ticks(contract, order.request.ticks or 0),
        "avgPrice": mean(contract, order.filled, order.value, _mean_places(contract)),
        "origQty": quantity(contract, order.request.lots),
        "executedQty": quantity(contract, order.filled),
    }
    if contract.kind is Kind.INVERSE:
        row |= {"pair": ticket.symbol.partition("_")[0], "cumBase": total(contract, order.value)}
    else:
        row["cumQuote"] = total(contract, order.value)
    row |= {
        "timeInForce": ticket.force,
        "type": working_kind(ticket),
        "reduceOnly": ticket.only_reduces,
        "closePosition": ticket.closes,
        "side": side(order.request.sign),
        "positionSide": position_side(order.request.side),
        "stopPrice": _ticks(contract, stop),
        "workingType": ticket.working_type,
        "priceProtect": ticket.protects,
        "origType": ticket.kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": ticket.prevention,
    }
    if ticket.rate:
        row |= {"activatePrice": _ticks(contract, ticket.activates), "priceRate": ticket.rate}
    return row | ({} if contract.kind is Kind.INVERSE else {"goodTillDate": ticket.good_till_ms})


def _mean_places(contract: Contract) -> int:
    return -int(contract.tick.as_tuple().exponent) + (3 if contract.kind is Kind.LINEAR else 0)


def placed_row(ticket: Ticket) -> dict[str, Any]:
    """Return the answer to an order that was placed, modified or cancelled."""
    order = ticket.order
    return _facts(ticket) | {"cumQty": quantity(order.contract, order.filled), "updateTime": order.updated_ms}


def acknowledged_row(ticket: Ticket) -> dict[str, Any]:
    """Return the answer to an order that was accepted, before anything has become of it."""
    contract = ticket.order.contract
    nothing = quantity(contract, 0)
    untouched = {"status": "NEW", "executedQty": nothing, "cumQty": nothing, "avgPrice": "0.00"}
    if contract.kind is Kind.INVERSE:
        untouched["cumBase"] = "0"
    else:
        untouched["cumQuote"] = "0"
    return placed_row(ticket) | untouched | {"updateTime": ticket.order.created_ms}


def order_row(ticket: Ticket) -> dict[str, Any]:
    """Return an order as it is."""
    return _facts(ticket) | {"time": ticket.order.created_ms, "updateTime": ticket.order.updated_ms}


def amendment_row(change: Amendment) -> dict[str, Any]:
    """Return a change of an order."""
    ticket = change.ticket
    contract = ticket.order.contract
    prices, quantities = (
        dict(zip(("before", "after"), texts, strict=True))
        for texts in (
            (price(contract, change.before[0]), price(contract, change.after[0])),
            (quantity(contract, change.before[1]), quantity(contract, change.after[1])),
        )
    )
    return {
        "amendmentId": change.number,
        "symbol": ticket.symbol,
        "pair": ticket.symbol.partition("_")[0],
        "orderId": ticket.order_id,
        "clientOrderId": ticket.link,
        "time": change.time_ms,
        "amendment": {"price": prices, "origQty": quantities, "count": change.count},
        "priceMatch": "NONE",
    }


def algo_status(status: Status, why: Why | None, triggered_ms: int) -> str:
    """Spell the status of a conditional order."""
    if not triggered_ms:
        if status is Status.UNTRIGGERED:
            return "NEW"
        return "EXPIRED" if why is Why.POSITION_CLOSED else "CANCELED"
    if status is Status.TRIGGERED:
        return "TRIGGERING"
    if status in {Status.NEW, Status.PARTIALLY_FILLED}:
        return "TRIGGERED"
    return "REJECTED" if status is Status.REJECTED else "FINISHED"


def algo_row(ticket: Ticket) -> dict[str, Any]:
    """Return a conditional order as it was accepted."""
    order, contract, request = ticket.order, ticket.order.contract, ticket.order.request
    trigger = request.trigger
    assert trigger is not None
    row: dict[str, Any] = {
        "algoId": ticket.algo_id,
        "clientAlgoId": ticket.link,
        "algoType": "CONDITIONAL",
        "orderType": ticket.kind,
        "symbol": ticket.symbol,
        "side": side(request.sign),
        "positionSide": position_side(request.side),
        "timeInForce": ticket.force,
        "quantity": quantity(contract, request.lots),
        "algoStatus": algo_status(order.status, order.why, ticket.triggered_ms),
        "triggerPrice": price(contract, 0 if ticket.rate else trigger.ticks),
        "price": price(contract, request.ticks or 0),
        "icebergQuantity": None,
        "selfTradePreventionMode": ticket.prevention,
        "workingType": ticket.working_type,
        "priceMatch": "NONE",
        "closePosition": ticket.closes,
        "priceProtect": ticket.protects,
        "reduceOnly": ticket.only_reduces,
        "activatePrice": price(contract, ticket.activates) if ticket.rate else "",
        "callbackRate": ticket.rate,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": ticket.triggered_ms,
        "goodTillDate": 0,
    }
    return row


def algo_order_row(ticket: Ticket) -> dict[str, Any]:
    """Return a conditional order as it is."""
    order, contract = ticket.order, ticket.order.contract
    nothing, row = price(contract, 0), algo_row(ticket)
    if not ticket.rate:
        # Clients take an order that says these for one that trails.
        del row["activatePrice"], row["callbackRate"]
    return row | {
        "actualOrderId": str(ticket.order_id) if ticket.triggered_ms else "",
        "actualPrice": mean(contract, order.filled, order.value, _mean_places(contract)),
        "tpTriggerPrice": nothing,
        "tpPrice": nothing,
        "slTriggerPrice": nothing,
        "slPrice": nothing,
        "tpOrderType": "",
    }


def fill_row(fill: Fill, contract: Contract, symbol: str) -> dict[str, Any]:
    """Return a fill."""
    event, ticket = fill.event, fill.ticket
    value = contract.value(event.lots, event.ticks)
    which = 0 if ticket is None else ticket.order.request.side
    row: dict[str, Any] = {
        "symbol": symbol,
        "id": fill.trade,
        "orderId": 0 if ticket is None else ticket.order_id,
        "side": side(event.sign),
        "price": price(contract, event.ticks),
        "qty": quantity(contract, event.lots),
        "realizedPnl": amount(event.profit),
        "marginAsset": contract.settle,
    }
    if contract.kind is Kind.INVERSE:
        face = event.lots * contract.step * contract.face
        row |= {"pair": symbol.partition("_")[0], "baseQty": amount(value), "quoteQty": f"{face:f}"}
    else:
        row["quoteQty"] = total(contract, value)
    return row | {
        "commission": amount(event.fee),
        "commissionAsset": event.coin,
        "time": event.time_ms,
        "positionSide": position_side(which),
        "buyer": event.sign > 0,
        "maker": event.maker,
    }


def order_event(ticket: Ticket, event: OrderChanged, fill: Fill | None) -> dict[str, Any]:
    """Return what the user stream says of an order."""
    request, contract = ticket.order.request, ticket.order.contract
    status = status_of(event.status, event.why)
    kind = "TRADE" if fill is not None else "EXPIRED" if status.startswith("EXPIRED") else status
    if fill is None and kind in {"NEW", "PARTIALLY_FILLED"}:
        kind = "AMENDMENT" if ticket.is_told else "NEW"
    done = None if fill is None else fill.event
    trigger = request.trigger
    row: dict[str, Any] = {
        "s": ticket.symbol,
        "c": ticket.link,
        "S": side(request.sign),
        "o": working_kind(ticket),
        "f": ticket.force,
        "q": quantity(contract, request.lots),
        "p": _ticks(contract, request.ticks or 0),
        "ap": mean(contract, event.filled, event.value, _mean_places(contract)) if event.filled else "0",
        "sp": _ticks(contract, 0 if trigger is None else trigger.ticks),
        "x": kind,
        "X": status,
        "i": ticket.order_id,
        "l": quantity(contract, 0 if done is None else done.lots),
        "z": quantity(contract, event.filled),
        "L": _ticks(contract, 0 if done is None else done.ticks),
    }
    if done is not None:
        row |= {"N": done.coin, "n": amount(done.fee)}
    if contract.kind is Kind.INVERSE:
        row["ma"] = contract.settle
    row |= {
        "T": event.time_ms,
        "t": 0 if fill is None else fill.trade,
        "b": "0",
        "a": "0",
        "m": done is not None and done.maker,
        "R": ticket.only_reduces,
        "wt": ticket.working_type,
        "ot": ticket.kind,
        "ps": position_side(request.side),
        "cp": ticket.closes,
    }
    if ticket.rate:
        row |= {"AP": _ticks(contract, ticket.activates), "cr": ticket.rate}
    row |= {
        "pP": ticket.protects,
        "si": 0,
        "ss": 0,
        "rp": amount(0 if done is None else done.profit),
        "V": ticket.prevention,
        "pm": "NONE",
        "gtd": ticket.good_till_ms,
    }
    return {"e": "ORDER_TRADE_UPDATE", "T": event.time_ms, "E": event.time_ms, "o": row}


def algo_event(ticket: Ticket, event: OrderChanged) -> dict[str, Any]:
    """Return what the user stream says of a conditional order."""
    request, contract = ticket.order.request, ticket.order.contract
    trigger = request.trigger
    assert trigger is not None
    row = {
        "caid": ticket.link,
        "aid": ticket.algo_id,
        "at": "CONDITIONAL",
        "o": ticket.kind,
        "s": ticket.symbol,
        "S": side(request.sign),
        "ps": position_side(request.side),
        "f": ticket.force,
        "q": quantity(contract, request.lots),
        "X": algo_status(event.status, event.why, ticket.triggered_ms),
        "ai": str(ticket.order_id) if ticket.triggered_ms else "",
        "ap": mean(contract, event.filled, event.value, _mean_places(contract)),
        "aq": quantity(contract, event.filled),
        "act": MARKET_TYPES.get(ticket.kind, "MARKET") if ticket.triggered_ms else "0",
        "tp": price(contract, 0 if ticket.rate else trigger.ticks),
        "p": price(contract, request.ticks or 0),
        "V": ticket.prevention,
        "wt": ticket.working_type,
        "pm": "NONE",
        "cp": ticket.closes,
        "pP": ticket.protects,
        "R": ticket.only_reduces,
        "tt": ticket.triggered_ms,
        "gtd": 0,
        "rm": ""
        if event.status is not Status.REJECTED
        else "Reduce Only reject"
        if event.why is Why.REDUCE_ONLY
        else "",
    }
    return {"e": "ALGO_UPDATE", "T": event.time_ms, "E": event.time_ms, "o": row}


def takeover_event(event: Executed, contract: Contract, symbol: str, trade: int, which: int) -> dict[str, Any]:
    """Return what the user stream says of a position that the venue closed."""
    kinds = {"liquidation": "autoclose", "adl": "adl_autoclose", "delivery": "settlement_autoclose"}
    row = {
        "s": symbol,
        "c": f"{kinds[event.kind]}-{event.trade}",
        "S": side(event.sign),
        "o": "LIMIT" if event.kind == "delivery" else "LIQUIDATION",
        "f": "IOC",
        "q": quantity(contract, event.lots),
        "p": price(contract, event.ticks),
        "ap": price(contract, event.ticks),
        "sp": "0",
        "x": "TRADE" if event.kind == "delivery" else "CALCULATED",
        "X": "FILLED",
        "i": event.trade,
        "l": quantity(contract, event.lots),
        "z": quantity(contract, event.lots),
        "L": price(contract, event.ticks),
        "N": event.coin,
        "n": amount(event.fee),
        "T": event.time_ms,
        "t": trade,
        "b": "0",
        "a": "0",
        "m": False,
        "R": True,
        "wt": "CONTRACT_PRICE",
        "ot": "LIMIT" if event.kind == "delivery" else "LIQUIDATION",
        "ps": position_side(which),
        "cp": False,
        "pP": False,
        "si": 0,
        "ss": 0,
        "rp": amount(event.profit),
        "V": "NONE",
        "pm": "NONE",
        "gtd": 0,
    }
    return {"e": "ORDER_TRADE_UPDATE", "T": event.time_ms, "E": event.time_ms, "o": row}
