"""Orders and fills as Bybit writes them: every number is text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from real_trade.exchange.core.contract import RATE_SCALE, UNIT, Contract, Kind
from real_trade.exchange.core.orders import Force, SelfTrade, Status, Why
from real_trade.exchange.words import plain

if TYPE_CHECKING:
    from real_trade.exchange.bybit.records import Fill, Ticket
    from real_trade.exchange.core.events import OrderChanged

Row = dict[str, object]

STATUSES: Final = {
    Status.UNTRIGGERED: "Untriggered",
    Status.TRIGGERED: "Triggered",
    Status.NEW: "New",
    Status.PARTIALLY_FILLED: "PartiallyFilled",
    Status.FILLED: "Filled",
    Status.CANCELLED: "Cancelled",
    Status.DEACTIVATED: "Deactivated",
    Status.REJECTED: "Rejected",
}
EXEC_TYPES: Final = {
    "trade": "Trade",
    "funding": "Funding",
    "liquidation": "BustTrade",
    "adl": "AdlTrade",
    "delivery": "Delivery",
}
# Who made the orders that close a position for the venue.
_CREATED_BY: Final = {
    "liquidation": "CreateByLiq",
    "adl": "CreateByAdl_PassThrough",
    "delivery": "CreateBySettle",
}
_CANCELS: Final = {
    Why.BY_USER: "CancelByUser",
    Why.REDUCE_ONLY: "CancelByReduceOnly",
    Why.LIQUIDATION: "CancelAllBeforeLiq",
    Why.SELF_TRADE: "CancelBySmp",
    Why.POSITION_CLOSED: "CancelByTpSlTsClear",
    Why.DISCONNECTED: "CancelByDCP",
    Why.BY_VENUE: "CancelByAdmin",
    Why.DELISTED: "CancelBySettle",
}
_REASONS: Final = {
    Why.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    Why.NOT_FILLED: "EC_NoImmediateQtyToFill",
    Why.BY_USER: "EC_PerCancelRequest",
    Why.NO_FUNDS: "EC_Others",
    Why.REDUCE_ONLY: "EC_InvalidSymbolStatus",
    Why.SELF_TRADE: "EC_StopBySelfMatch",
}
_SELF_TRADES: Final = {
    SelfTrade.NONE: "None",
    SelfTrade.CANCEL_MAKER: "CancelMaker",
    SelfTrade.CANCEL_TAKER: "CancelTaker",
    SelfTrade.CANCEL_BOTH: "CancelBoth",
}


def price(contract: Contract, ticks: int) -> str:
    """Spell a price with the decimals of the grid; 0 where there is none."""
    return f"{ticks * contract.tick:f}" if ticks else "0"


def quantity(contract: Contract, lots: int) -> str:
    """Spell a quantity."""
    return f"{lots * contract.step:f}" if lots else "0"


def amount(units: int) -> str:
    """Spell units of a coin."""
    return plain(units * UNIT) if units else "0"


def side(sign: int) -> str:
    """Spell a side; empty for none."""
    return "Buy" if sign > 0 else "Sell" if sign < 0 else ""


def index_of(side_of_position: int) -> int:
    """Return the position index of one way (0), the long (1) or the short side (2)."""
    return {0: 0, 1: 1, -1: 2}[side_of_position]


def mean_price(contract: Contract, lots: int, value: int) -> str:
    """Spell the mean price of lots of a value; empty where there are none."""
    if lots == 0 or value == 0:
        return ""
    if contract.kind is Kind.INVERSE:
        mean = lots * contract.step * contract.face / (value * UNIT)
    else:
        mean = value * UNIT / (lots * contract.step * contract.face)
    return plain(mean.quantize(UNIT))


def order_row(ticket: Ticket, event: OrderChanged | None = None) -> Row:
    """Return an order as it is, or as it was when an event told of it."""
    order, request, contract = ticket.order, ticket.order.request, ticket.order.contract
    told = order if event is None else event
    status, why, filled, value, fee = told.status, told.why, told.filled, told.value, told.fee
    left = 0 if status in {Status.CANCELLED, Status.REJECTED, Status.DEACTIVATED} else request.lots - filled
    spelled = STATUSES[status]
    if status is Status.CANCELLED and filled and contract.kind is Kind.SPOT:
        spelled = "PartiallyFilledCanceled"
    kept, trigger = ticket.protection, request.trigger
    updated = order.updated_ms if event is None else event.time_ms
    leaves_value = amount(contract.value(left, request.ticks)) if left and request.ticks else "0"
    if ticket.quote_units:
        leaves_value, left = amount(max(0, ticket.quote_units - value) if order.is_open else 0), 0
    return {
        "orderId": ticket.order_id,
        "orderLinkId": request.link,
        "blockTradeId": "",
        "symbol": ticket.symbol,
        "price": price(contract, request.ticks or 0),
        "qty": amount(ticket.quote_units) if ticket.quote_units else quantity(contract, request.lots),
        "side": side(request.sign),
        "isLeverage": "0" if contract.kind is Kind.SPOT else "",
        "positionIdx": index_of(request.side),
        "orderStatus": spelled,
        "cancelType": _CANCELS.get(why, "UNKNOWN") if why else "UNKNOWN",
        "rejectReason": _reason(why, request.force),
        "avgPrice": mean_price(contract, filled, value),
        "leavesQty": quantity(contract, left),
        "leavesValue": leaves_value,
        "cumExecQty": quantity(contract, filled),
        "cumExecValue": amount(value),
        "cumExecFee": amount(fee),
        "timeInForce": ticket.force,
        "orderType": ticket.order_type,
        "stopOrderType": ticket.stop_type,
        "orderIv": "",
        "triggerPrice": price(contract, trigger.ticks) if trigger else "",
        "takeProfit": price(contract, kept.take_profit) if kept.take_profit else "",
        "stopLoss": price(contract, kept.stop_loss) if kept.stop_loss else "",
        "tpTriggerBy": kept.tp_by if kept.take_profit else "",
        "slTriggerBy": kept.sl_by if kept.stop_loss else "",
        "triggerDirection": 0 if trigger is None else 1 if trigger.rises else 2,
        "triggerBy": "" if trigger is None else f"{trigger.by.capitalize()}Price",
        "lastPriceOnCreated": price(contract, ticket.last_on_created),
        "reduceOnly": request.reduce_only,
        "closeOnTrigger": ticket.closes,
        "smpType": _SELF_TRADES[request.self_trade],
        "smpGroup": 0,
        "smpOrderId": ticket.met if why is Why.SELF_TRADE else "",
        # Clients take an order that has it for one in a contract.
        **({} if contract.kind is Kind.SPOT else {"tpslMode": "" if kept.is_empty else kept.mode}),
        "tpLimitPrice": price(contract, kept.tp_limit) if kept.tp_limit else "",
        "slLimitPrice": price(contract, kept.sl_limit) if kept.sl_limit else "",
        "placeType": "",
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "",
        "marketUnit": ticket.market_unit,
        "createType": ticket.created_by,
        "createdTime": str(order.created_ms),
        "updatedTime": str(updated),
        "extraFees": "",
        "cumFeeDetail": {_fee_coin(ticket): amount(fee)} if fee else {},
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }


def pushed_order(ticket: Ticket, event: OrderChanged | None = None) -> Row:
    """Return an order as the stream tells of it, as it is or as it was when an event told of it."""
    return order_row(ticket, event) | {
        "category": ticket.category,
        "closedPnl": amount(ticket.closed_profit),
        "feeCurrency": _fee_coin(ticket) if ticket.order.contract.kind is Kind.SPOT else "",
    }


def _reason(why: Why | None, force: Force) -> str:
    if why is None:
        return "EC_NoError"
    if why is Why.NOT_FILLED and force is Force.FOK:
        return "EC_NoEnoughQtyToFill"
    return _REASONS.get(why, "EC_NoError")


def _fee_coin(ticket: Ticket) -> str:
    contract = ticket.order.contract
    if contract.kind is Kind.SPOT and ticket.order.request.sign > 0:
        return contract.base
    return contract.settle


def fill_row(fill: Fill, contract: Contract, symbol: str, exec_id: str) -> Row:
    """Return an execution."""
    event, ticket = fill.event, fill.ticket
    value = contract.value(event.lots, event.ticks)
    request = None if ticket is None else ticket.order.request
    # Who is charged funding is on the side of what it holds.
    rate = Decimal(0)
    if value:
        base = contract.base_units(event.lots) if event.coin == contract.base and contract.kind is Kind.SPOT else value
        rate = (Decimal(event.fee) / base).quantize(Decimal(1) / RATE_SCALE)
    return {
        "symbol": symbol,
        "orderId": fill.order_id,
        "orderLinkId": "" if request is None else request.link,
        "side": side(event.sign),
        "orderPrice": "0" if request is None else price(contract, request.ticks or event.ticks),
        "orderQty": quantity(contract, request.lots if request else 0 if event.kind == "funding" else event.lots),
        "leavesQty": quantity(contract, fill.left),
        "createType": _CREATED_BY.get(event.kind, "") if ticket is None else ticket.created_by,
        "orderType": "UNKNOWN" if ticket is None else ticket.order_type,
        "stopOrderType": "UNKNOWN" if ticket is None else ticket.stop_type or "UNKNOWN",
        "execFee": amount(event.fee),
        "execId": exec_id,
        "execPrice": price(contract, event.ticks),
        "execQty": quantity(contract, event.lots),
        "execType": EXEC_TYPES[event.kind],
        "execValue": amount(value),
        "execTime": str(event.time_ms),
        "feeCurrency": event.coin,
        "isMaker": event.maker,
        "feeRate": plain(rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": price(contract, fill.mark) if fill.mark else "",
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": quantity(contract, fill.closed),
        "seq": fill.number,
        "extraFees": "",
    }


def pushed_fill(fill: Fill, contract: Contract, symbol: str, exec_id: str, category: str) -> Row:
    """Return an execution as the stream tells of it."""
    return fill_row(fill, contract, symbol, exec_id) | {
        "category": category,
        "isLeverage": "0",
        "marketUnit": "" if fill.ticket is None else fill.ticket.market_unit,
        "execPnl": amount(fill.event.profit),
    }
