"""How fills become money. All amounts are integers: ticks, lots, and money units (1e-8 of the settlement currency).

One ledger serves spot, linear and inverse: cash falls by the *worth* of what is bought (`worth_of`), and equity is cash
plus the worth of the position. Each booked amount is rounded once, half-even; from there on everything is exact, so
that

    cash = initial + realised - cost - fees - funding
    cash + worth = initial + realised + (worth - cost) - fees - funding

where ``worth - cost`` is the unrealised profit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from real_trade.kernels.arithmetic import RATE_SCALE, divide_half_even, multiply_divide
from real_trade.kernels.inverse import harmonic_entry, inverse_value
from real_trade.kernels.jit import compiled, int_column
from real_trade.kernels.margin import initial_margin
from real_trade.model.order import Flag, OrderType, RejectReason

_NO_REASON = int(RejectReason.NONE)
_NO_FUNDS = int(RejectReason.INSUFFICIENT_FUNDS)
_NO_POSITION = int(RejectReason.INSUFFICIENT_POSITION)
_TOO_LARGE = int(RejectReason.QUANTITY_TOO_LARGE)
_TOO_SMALL = int(RejectReason.QUANTITY_TOO_SMALL)
_BAD_PRICE = int(RejectReason.PRICE_INVALID)
_SMALL_VALUE = int(RejectReason.NOTIONAL_TOO_SMALL)
_REDUCE_ONLY = int(RejectReason.REDUCE_ONLY)
_WRONG_SIDE = int(RejectReason.TRIGGER_WRONG_SIDE)
_CONTRADICTION = int(RejectReason.CONTRADICTION)
_RISK_LIMIT = int(RejectReason.RISK_LIMIT)
_MARKET, _LIMIT, _STOP = int(OrderType.MARKET), int(OrderType.LIMIT), int(OrderType.STOP)
_STOP_LIMIT, _TAKE_PROFIT, _TRAILING = (
    int(OrderType.STOP_LIMIT),
    int(OrderType.TAKE_PROFIT),
    int(OrderType.TRAILING_STOP),
)
_IOC, _FOK, _POST_ONLY, _CLOSE = int(Flag.IOC), int(Flag.FOK), int(Flag.POST_ONLY), int(Flag.CLOSE)
_REDUCES = int(Flag.REDUCE_ONLY) | _CLOSE


class Terms(NamedTuple):
    """What an account pays and may do, as integers.

    Attributes:
        value_numerator, value_denominator: money units per tick and lot, as a fraction; inverse: see `kernels.inverse`.
        maker_rate, taker_rate: fee rates in 1e-9.
        leverage: position value allowed per unit of equity; 1 on spot.
        short_allowed: False on spot.
        min_lots: smallest order.
        max_lots: largest order and position for which no product below can overflow.
        max_price_ticks: largest price that an order may name.
        min_notional: smallest order value, money units.
        queue: 0 a limit order fills when touched, 1 when traded through by a tick.
        lots_per_volume: lots that may be filled in a bar per unit of its volume; 0.0 for no bound.
        policy: who wins where one bar could hit both a stop and a target: 0 pessimistic, 1 optimistic, 2 path.
        slippage_model, slippage_parameter: as `kernels.slippage.slippage_terms` gives them.
        lots_per_unit: lots per unit of volume.
        inverse: settled in base.
        isolated: each position is backed by its own margin alone; else by the whole account.
        max_value: largest value of a position at this leverage, money units (the venue's risk limit).
        latency_ms: from a decision to its arrival at the venue.
        liquidation_rate: fee on the value liquidated, 1e-9.
        at_bankruptcy: a liquidated position is closed where its margin is gone (Bybit), else where it was found short.
    """

    value_numerator: int
    value_denominator: int
    maker_rate: int
    taker_rate: int
    leverage: int
    short_allowed: bool
    min_lots: int
    max_lots: int
    max_price_ticks: int
    min_notional: int
    queue: int = 0
    lots_per_volume: float = 0.0
    policy: int = 0
    slippage_model: int = 0
    slippage_parameter: int = 0
    lots_per_unit: float = 1.0
    inverse: bool = False
    isolated: bool = False
    max_value: int = 2**60
    latency_ms: int = 0
    liquidation_rate: int = 0
    at_bankruptcy: bool = False


class Ledger(NamedTuple):
    """State of an account in one instrument.

    Attributes:
        cash: money units; falls by the worth of what is bought and by fees and funding.
        position: signed lots.
        entry_ticks: mean price of the open position, 0 when flat (a statistic: nothing is booked from it).
        cost: worth acquired that is still open, money units; 0 when flat.
        realised: profit of what was closed, before fees and funding.
        fees, funding: paid so far; funding is negative where more was received.
        margin: set aside for the open position where margin is isolated: its initial margin.
    """

    cash: int
    position: int
    entry_ticks: float
    cost: int = 0
    realised: int = 0
    fees: int = 0
    funding: int = 0
    margin: int = 0


@compiled
def opening(cash: int) -> Ledger:
    """Return the ledger of an account that has done nothing."""
    return Ledger(cash, 0, 0.0, 0, 0, 0, 0, 0)


@compiled
def worth_of(lots: int, price_ticks: int, terms: Terms) -> int:
    """Return what signed lots add to equity at a price, money units, rounded once, half-even.

    That is their value, or, on inverse contracts, minus it: a long gains when its value in base falls.
    """
    if terms.inverse:
        return -inverse_value(lots, price_ticks, terms.value_numerator, terms.value_denominator)
    product = lots * price_ticks * terms.value_numerator
    if terms.value_denominator == 1:
        return product
    return divide_half_even(product, terms.value_denominator)


@compiled
def value_of(lots: int, price_ticks: int, terms: Terms) -> int:
    """Return the value of so many lots at a price, money units, 0 or more, whatever their sign."""
    return abs(worth_of(lots, price_ticks, terms))


@compiled
def fee_of(value: int, rate: int) -> int:
    """Return the fee on a positive value at a rate in 1e-9, rounded once, half-even.

    The value is split so that no product exceeds 64 bits.
    """
    whole = value // RATE_SCALE
    rest = (value - whole * RATE_SCALE) * rate
    fee = whole * rate + rest // RATE_SCALE
    # The tie is settled by the whole fee, not by the part that was divided.
    twice = 2 * (rest % RATE_SCALE)
    if twice > RATE_SCALE or (twice == RATE_SCALE and fee % 2 != 0):
        fee += 1
    return fee


@compiled
def refuse_order(
    kind: int, side: int, lots: int, price: int, trigger: int, flags: int, reference: int, position: int, terms: Terms
) -> int:
    """Return the reason why an order of its own cannot be taken at all, 0 if it can.

    Args:
        kind: number of its `OrderType`.
        side: +1 buy, -1 sell.
        lots: quantity asked for.
        price: limit price in ticks, of kinds that have one.
        trigger: trigger price, or distance of a trailing stop, of kinds that have one.
        flags: sum of `Flag` numbers.
        reference: last close, which values market orders and tells the sides of a trigger apart.
        position: signed lots held.
        terms: the account's.
    """
    if flags & _REDUCES != 0 and position * side >= 0:
        return _REDUCE_ONLY
    if flags & _CLOSE == 0:
        if lots < terms.min_lots or lots <= 0:
            return _TOO_SMALL
        if lots > terms.max_lots:
            return _TOO_LARGE
    limited = kind in (_LIMIT, _STOP_LIMIT)
    triggered = kind not in (_MARKET, _LIMIT)
    if (limited and not 0 < price <= terms.max_price_ticks) or (triggered and not 0 < trigger <= terms.max_price_ticks):
        return _BAD_PRICE
    if contradicts(kind, flags):
        return _CONTRADICTION
    if (kind in (_STOP, _STOP_LIMIT) and side * (trigger - reference) <= 0) or (
        kind == _TAKE_PROFIT and side * (trigger - reference) >= 0
    ):
        return _WRONG_SIDE
    worth = price if limited else (trigger if triggered and kind != _TRAILING else reference)
    if flags & _REDUCES == 0 and value_of(lots, worth, terms) < terms.min_notional:
        return _SMALL_VALUE
    return _NO_REASON


@compiled
def contradicts(kind: int, flags: int) -> bool:
    """Tell whether conditions exclude each other, or do not go with the kind of order."""
    at_once = flags & (_IOC | _FOK)
    if at_once == _IOC | _FOK or (at_once != 0 and flags & _POST_ONLY != 0):
        return True
    return kind != _LIMIT and (flags & _POST_ONLY != 0 or (at_once != 0 and kind != _MARKET))


@compiled
def refuse_fill(
    ledger: Ledger, side: int, lots: int, price_ticks: int, fee: int, terms: Terms, backing: int = 0
) -> int:
    """Return the reason why the account cannot carry a fill, 0 if it can.

    Spot pays in full and sells only what it holds. A derivative may always be reduced; what enlarges or turns the
    position needs, after the fee, equity of at least the new position's value divided by the leverage. Where margin is
    isolated, unrealised profit backs nothing.

    Args:
        ledger: the account in this instrument before the fill.
        side, lots, price_ticks, fee: the fill.
        terms: the account's.
        backing: what the account's other instruments have free, money units (negative: what they lack).
    """
    position = ledger.position + side * lots
    if abs(position) > terms.max_lots:
        return _TOO_LARGE
    if not terms.short_allowed:
        if side > 0:
            return _NO_REASON if ledger.cash + backing >= value_of(lots, price_ticks, terms) + fee else _NO_FUNDS
        return _NO_REASON if position >= 0 else _NO_POSITION
    if side * ledger.position < 0 and lots <= abs(ledger.position):
        return _NO_REASON
    required = value_of(position, price_ticks, terms)
    if required > terms.max_value:
        return _RISK_LIMIT
    if terms.isolated:
        after = book_fill(ledger, side, lots, price_ticks, fee, terms)
        return _NO_REASON if after.cash + after.cost - after.margin + backing >= 0 else _NO_FUNDS
    equity = ledger.cash + worth_of(ledger.position, price_ticks, terms) - fee + backing
    # Ceiling division: a fraction of a money unit missing is missing.
    return _NO_REASON if equity >= -(-required // terms.leverage) else _NO_FUNDS


@compiled
def free_of(ledger: Ledger, price_ticks: int, terms: Terms) -> int:
    """Return what an instrument leaves for the others of its account at a price, money units; negative: it lacks."""
    if not terms.short_allowed:
        return ledger.cash
    if terms.isolated:
        return ledger.cash + ledger.cost - ledger.margin
    worth = worth_of(ledger.position, price_ticks, terms)
    return ledger.cash + worth - -(-abs(worth) // terms.leverage)


@compiled
def book_fill(ledger: Ledger, side: int, lots: int, price_ticks: int, fee: int, terms: Terms) -> Ledger:
    """Return the account after a fill.

    What reduces the position releases its share of cost and margin, each rounded once.
    """
    before = ledger.position
    after = before + side * lots
    worth = worth_of(side * lots, price_ticks, terms)
    cost, realised, margin, entry = ledger.cost, ledger.realised, ledger.margin, ledger.entry_ticks
    if before == 0 or (before > 0) == (side > 0):
        if before == 0:
            entry = float(price_ticks)
        elif terms.inverse:
            entry = harmonic_entry(entry, abs(before), price_ticks, lots)
        else:
            entry = (entry * abs(before) + float(price_ticks) * lots) / abs(after)
        cost += worth
        if terms.isolated:
            margin += initial_margin(worth, terms.leverage)
    elif lots <= abs(before):
        released = multiply_divide(cost, lots, abs(before))
        realised += -worth - released
        cost -= released
        margin -= multiply_divide(margin, lots, abs(before))
        if after == 0:
            entry = 0.0
    else:
        # The position turns: what closes it is its share of the fill, the rest opens the new one.
        closing = multiply_divide(worth, abs(before), lots)
        realised += -closing - cost
        cost = worth - closing
        margin = initial_margin(cost, terms.leverage) if terms.isolated else 0
        entry = float(price_ticks)
    return Ledger(ledger.cash - worth - fee, after, entry, cost, realised, ledger.fees + fee, ledger.funding, margin)


@compiled
def pay_funding(ledger: Ledger, amount: int) -> Ledger:
    """Return the account after a settlement of funding (negative: received)."""
    return Ledger(
        ledger.cash - amount,
        ledger.position,
        ledger.entry_ticks,
        ledger.cost,
        ledger.realised,
        ledger.fees,
        ledger.funding + amount,
        ledger.margin,
    )


@compiled
def volume_in_lots(volume: float, terms: Terms) -> int:
    """Return a bar's volume in lots; 0 where it is not known."""
    lots = volume * terms.lots_per_unit
    return int(min(lots, float(2**60))) if lots > 0.0 else 0


@compiled
def lots_in_bar(volume: float, terms: Terms) -> int:
    """Return how many lots may be filled in a bar of so much volume."""
    if terms.lots_per_volume <= 0.0:
        return terms.max_lots
    lots = volume * terms.lots_per_volume
    # A volume that is not known fills nothing.
    return int(min(lots, float(terms.max_lots))) if lots > 0.0 else 0


@compiled
def mark(equity: Any, close: Any, start: int, stop: int, ledger: Ledger, terms: Terms, adds: bool) -> None:
    """Write the equity at each close of bars ``start`` to ``stop`` (exclusive), during which nothing was traded.

    Columns come as handles (see `kernels.jit.handle_of`). ``adds``: add to what is there, for the further instruments
    of an account.
    """
    equity = int_column(equity)
    close = int_column(close)
    if ledger.position == 0:
        for row in range(start, stop):
            equity[row] = ledger.cash + (equity[row] if adds else 0)
    elif terms.value_denominator == 1 and not terms.inverse:
        per_tick = ledger.position * terms.value_numerator
        for row in range(start, stop):
            equity[row] = ledger.cash + per_tick * close[row] + (equity[row] if adds else 0)
    else:
        for row in range(start, stop):
            equity[row] = ledger.cash + worth_of(ledger.position, close[row], terms) + (equity[row] if adds else 0)
