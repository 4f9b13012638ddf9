"""Orders, fills, positions and wallets as Bybit writes them: every number is text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from real_trade.exchange.core.contract import RATE_SCALE, UNIT, Contract, Kind
from real_trade.exchange.core.margin import available, totals
from real_trade.exchange.core.orders import Status, Why
from real_trade.exchange.words import plain

if TYPE_CHECKING:
    from real_trade.exchange.bybit.records import Fill, Protection, Ticket
    from real_trade.exchange.core.account import Account, Position
    from real_trade.exchange.core.events import OrderChanged
    from real_trade.exchange.core.exchange import Exchange

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
_CANCELS: Final = {
    Why.BY_USER: "CancelByUser",
    Why.REDUCE_ONLY: "CancelByReduceOnly",
    Why.LIQUIDATION: "CancelAllBeforeLiq",
    Why.SELF_TRADE: "CancelBySmp",
    Why.POSITION_CLOSED: "CancelByTpSlTsClear",
}
_REASONS: Final = {
    Why.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    Why.NOT_FILLED: "EC_NoImmediateQtyToFill",
    Why.BY_USER: "EC_PerCancelRequest",
    Why.NO_FUNDS: "EC_Others",
    Why.REDUCE_ONLY: "EC_InvalidSymbolStatus",
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
        "rejectReason": _REASONS.get(why, "EC_NoError") if why else "EC_NoError",
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
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
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
    kinds = {
        "trade": "Trade",
        "funding": "Funding",
        "liquidation": "BustTrade",
        "adl": "AdlTrade",
        "delivery": "Delivery",
    }
    # Who is charged funding is on the side of what it holds.
    rate = Decimal(0)
    if value:
        base = contract.base_units(event.lots) if event.coin == contract.base and contract.kind is Kind.SPOT else value
        rate = (Decimal(event.fee) / base).quantize(Decimal(1) / RATE_SCALE)
    return {
        "symbol": symbol,
        "orderId": "" if ticket is None else ticket.order_id,
        "orderLinkId": "" if request is None else request.link,
        "side": side(event.sign),
        "orderPrice": "0" if request is None else price(contract, request.ticks or event.ticks),
        "orderQty": quantity(contract, event.lots if request is None else request.lots),
        "leavesQty": quantity(contract, fill.left),
        "createType": "" if ticket is None else ticket.created_by,
        "orderType": "UNKNOWN" if ticket is None else ticket.order_type,
        "stopOrderType": "UNKNOWN" if ticket is None else ticket.stop_type or "UNKNOWN",
        "execFee": amount(event.fee),
        "execId": exec_id,
        "execPrice": price(contract, event.ticks),
        "execQty": quantity(contract, event.lots),
        "execType": kinds[event.kind],
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


def position_row(
    exchange: Exchange, account: Account, position: Position, symbol: str, protection: Protection, trail: int,
    since_ms: int, updated_ms: int, seq: int,
) -> Row:  # fmt: skip
    """Return a position, flat ones included."""
    contract, lots = position.contract, position.lots
    mark = exchange.mark(contract)
    value = abs(position.cost)
    tier = contract.tier(contract.value(lots, mark)) if contract.tiers else None
    initial, needed = position.initial_margin(mark), position.maintenance(mark)
    return {
        "positionIdx": index_of(position.side),
        "riskId": 1 + (contract.tiers.index(tier) if tier else 0),
        "riskLimitValue": amount(tier.cap) if tier else "0",
        "symbol": symbol,
        "side": side(lots),
        "size": quantity(contract, abs(lots)),
        "avgPrice": mean_price(contract, abs(lots), value) or "0",
        "positionValue": amount(value) if lots else "",
        "tradeMode": 1 if account.isolated else 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 2 if lots else 0,
        "leverage": str(position.leverage),
        "positionBalance": amount(position.backing if account.isolated else initial),
        "markPrice": price(contract, mark),
        "liqPrice": liquidation_price(exchange, account, position) if lots else "",
        "bustPrice": "",
        "positionMM": amount(needed),
        "positionMMByMp": amount(needed),
        "positionIM": amount(initial),
        "positionIMByMp": amount(initial),
        "tpslMode": "Full",
        "takeProfit": price(contract, protection.take_profit) if protection.take_profit else "",
        "stopLoss": price(contract, protection.stop_loss) if protection.stop_loss else "",
        "trailingStop": price(contract, trail),
        "unrealisedPnl": amount(position.profit(mark)) if lots else "",
        "curRealisedPnl": amount(position.realised),
        "cumRealisedPnl": amount(position.realised),
        "sessionAvgPrice": "",
        "breakEvenPrice": "",
        "createdTime": str(since_ms),
        "updatedTime": str(updated_ms),
        "seq": seq,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
    }


def liquidation_price(exchange: Exchange, account: Account, position: Position) -> str:
    """Return an estimate: the mark price at which the margin no longer covers what it needs; empty if none.

    Source: the venue's statement for cross margin, that liquidation begins where the maintenance margin reaches the
    margin balance; what else the account holds stays as it is. An isolated position has its own margin alone.
    """
    contract, coin = position.contract, position.contract.settle
    mark = exchange.mark(contract)
    equity, needed = totals(account, coin, exchange.mark)
    spare = equity - needed - position.profit(mark) + position.maintenance(mark)
    if account.isolated:
        spare = position.backing
    low, high = (1, mark) if position.lots > 0 else (mark, 10 * mark)
    if _is_safe(position, spare, low if position.lots > 0 else high):
        return ""
    while high - low > 1:
        middle = (low + high) // 2
        if _is_safe(position, spare, middle) == (position.lots > 0):
            high = middle
        else:
            low = middle
    return price(contract, low if position.lots > 0 else high)


def _is_safe(position: Position, spare: int, ticks: int) -> bool:
    return spare + position.profit(ticks) - position.maintenance(ticks) > 0


def _locked(exchange: Exchange, account: Account, coin: str) -> int:
    """Return what spot orders hold back of a coin."""
    mine = (order for order in exchange.open_orders(account.number) if order.contract.kind is Kind.SPOT)
    given = ((o.contract.quote if o.request.sign > 0 else o.contract.base, o.bound) for o in mine)
    return sum(units for name, units in given if name == coin)


def _coin_row(
    account: Account, coin: str, equity: int, needed: int, initial: int, locked: int, rate: Decimal
) -> Row:  # fmt: skip
    """Return one coin of a unified account; ``rate`` is the price of a unit in dollars."""
    wallet, bound = account.wallet[coin], account.bound.get(coin, 0)
    return {
        "coin": coin,
        "equity": amount(equity),
        "usdValue": plain((equity * rate).quantize(UNIT)),
        "walletBalance": amount(wallet),
        "locked": amount(locked),
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "spotBorrow": "0",
        "availableToBorrow": "",
        # The venue no longer tells it of a unified account; clients work it out.
        "availableToWithdraw": "",
        "accruedInterest": "0",
        "totalOrderIM": amount(bound - locked),
        "totalPositionIM": amount(initial),
        "totalPositionMM": amount(needed),
        "unrealisedPnl": amount(equity - wallet),
        "cumRealisedPnl": amount(account.realised.get(coin, 0) - account.fees.get(coin, 0)),
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
    }


def wallet_row(exchange: Exchange, account: Account, dollars: dict[str, Decimal]) -> Row:
    """Return the unified account: what it holds of each coin, and all together in dollars.

    Args:
        exchange: the core.
        account: whose.
        dollars: of each coin, its price.
    """
    coins, equity_usd, wallet_usd, profit_usd = [], Decimal(0), Decimal(0), Decimal(0)
    initial_usd = needed_usd = free_usd = Decimal(0)
    for coin in sorted(account.wallet):
        equity, needed = totals(account, coin, exchange.mark)
        wallet, bound = account.wallet[coin], account.bound.get(coin, 0)
        held = [p for p in account.positions.values() if p.lots and p.contract.settle == coin]
        initial = sum(position.initial_margin(exchange.mark(position.contract)) for position in held)
        free = max(0, available(account, coin, exchange.mark))
        rate = dollars.get(coin, Decimal(0)) * UNIT
        equity_usd += equity * rate
        wallet_usd += wallet * rate
        profit_usd += (equity - wallet) * rate
        initial_usd += (initial + bound) * rate
        needed_usd += needed * rate
        free_usd += free * rate
        coins.append(_coin_row(account, coin, equity, needed, initial, _locked(exchange, account, coin), rate))
    margin = wallet_usd + profit_usd

    def spelled(value: Decimal) -> str:
        return plain(value.quantize(UNIT))

    rates = [spelled(part / margin if margin > 0 else Decimal(0)) for part in (initial_usd, needed_usd)]
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": rates[0],
        "accountIMRateByMp": rates[0],
        "accountMMRate": rates[1],
        "accountMMRateByMp": rates[1],
        "totalEquity": spelled(equity_usd),
        "totalWalletBalance": spelled(wallet_usd),
        "totalMarginBalance": spelled(margin),
        "totalAvailableBalance": spelled(free_usd),
        "totalPerpUPL": spelled(profit_usd),
        "totalInitialMargin": spelled(initial_usd),
        "totalInitialMarginByMp": spelled(initial_usd),
        "totalMaintenanceMargin": spelled(needed_usd),
        "totalMaintenanceMarginByMp": spelled(needed_usd),
        "coin": coins,
    }
