"""The loop over single trades as source text: one strategy in one instrument, with bars that close in between.

Orders meet each trade as they would a bar that consists of it alone; a bar that closes is shown before the first trade
that follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from real_trade.trading.strategy import Strategy

_HEAD = '''\
"""Generated: the loop over trades of {strategy}."""

from math import inf, nan

from real_trade.kernels.accounting import lots_in_bar, mark, opening, volume_in_lots
from real_trade.kernels.jit import handle_of
from real_trade.kernels.leg import meet_bar, settle_funding
from real_trade.kernels.liquidation import liquidation_band
from real_trade.kernels.requests import take_requests
from real_trade.kernels.tables import FAR, MAX_REQUESTS, Market, no_counts, with_room
from real_trade.model.bars import Bar
from real_trade.model.tape import Trade
from real_trade.trading.desk import Desk
'''

_BODY = """\
cash_unit = 1e-8
params_0 = Params_0({params})
state_0 = State_0({state})
ledger = opening(cash)
counts = no_counts()
below, above = -1, FAR
requests_at, orders_at, working_at = handle_of(requests), handle_of(orders), handle_of(working)
fills_at, payments_at, tiers_at = handle_of(fills), handle_of(payments), handle_of(tiers)
equity_at, close_at = handle_of(equity), handle_of(close)
i = due = b = 0
bars = len(time_ms)
while b < bars:
    while due_bar[due] == b:
        if ledger.position != 0:
            if counts.payments == len(payments):
                payments = with_room(payments, counts.payments + 1)
                payments_at = handle_of(payments)
            counts, ledger = settle_funding(
                b, time_ms[b], due_price[due], due_rate[due], payments_at, counts, ledger, terms
            )
            below, above = liquidation_band(ledger, terms, tiers_at)
        due += 1
    end = closes_at[b]
    if b == 0:
        # Trades are shown from the close of the first bar on: until then there is no row of features.
        i = end
    x_0 = Row_0({row_before})
    while i < end:
        price = tape_price[i]
        if price <= counts.lower or price >= counts.upper or price <= below or price >= above:
            if counts.fills + 2 * counts.working + 1 > len(fills):
                fills = with_room(fills, counts.fills + 2 * counts.working + 1)
                fills_at = handle_of(fills)
            if counts.orders == len(orders):
                orders = with_room(orders, counts.orders + 1)
                orders_at = handle_of(orders)
            market = Market(
                b, i, tape_time[i], tape_time[i] + 1, price, price, price, price, lots_in_bar(tape_size[i], terms),
                volume_in_lots(tape_size[i], terms), high[b - 1] - low[b - 1], True,
            )
            counts, ledger, _, below, above = meet_bar(
                market, price, price, orders_at, working_at, fills_at, counts, ledger, terms, tiers_at, 0, below, above,
                True,
            )
        {on_trade}
    mark(equity_at, close_at, b, b + 1, ledger, terms, False)
    b += 1
    {on_bar}
    if counts.failure > 0:
        break
return b - 1, ((counts, ledger, orders, fills, payments),)
"""

_DESK = """\
desk = Desk(
    ledger.position, counts.working, ledger.entry_ticks, ledger.cash * cash_unit, point_value, terms.inverse,
    counts.orders + 1, requests_at,
)
"""
_ASKED = """\
if requests[MAX_REQUESTS, 0] > 0:
    if counts.orders + MAX_REQUESTS + 1 > len(orders):
        orders = with_room(orders, counts.orders + MAX_REQUESTS + 1)
        orders_at = handle_of(orders)
    if counts.working + MAX_REQUESTS > len(working):
        working = with_room(working, counts.working + MAX_REQUESTS)
        working_at = handle_of(working)
    counts = take_requests(
        {bar}, {time}, {now}, {price}, requests_at, orders_at, working_at, fills_at, counts, ledger.position, terms
    )
"""
# Nothing can happen to the account until the strategy asks for something, or a price is met.
_TRADES = """\
while True:
    state_0 = decide_trade(
        Trade(tape_time[i], tape_price[i], tape_size[i], tape_side[i]), x_0, state_0, params_0, desk
    )
    i += 1
    if i == end or requests[MAX_REQUESTS, 0] > 0:
        break
    price = tape_price[i]
    if price <= counts.lower or price >= counts.upper or price <= below or price >= above:
        break
"""

ARGUMENTS = (
    *("time_ms", "span_ms", "open_", "high", "low", "close", "volume", "synthetic", "closes_at"),
    *("tape_time", "tape_price", "tape_size", "tape_side", "due_bar", "due_rate", "due_price"),
    *("cash", "equity", "terms", "tiers", "requests", "orders", "working", "fills", "payments", "point_value"),
)


def argument_names(strategy: type[Strategy], features: tuple[str, ...]) -> list[str]:
    """Return the names of the loop's arguments, in order."""
    names = [*ARGUMENTS, *(f"feature_{f}" for f in range(len(features)))]
    return [*names, *(f"param_{p}" for p in range(len(strategy.Params._fields)))]


def render(strategy: type[Strategy], features: tuple[str, ...], *, plain: bool) -> str:
    """Return the text of the loop.

    Between two closes come funding, then each trade: first it meets the orders, then the strategy sees it.
    """
    from textwrap import indent

    def row_at(index: str) -> str:
        return ", ".join(f"feature_{f}[{index}]" for f in range(len(features))) or "0"

    trade = "i += 1"
    if strategy.decides_on_trades():
        now = {"bar": "b", "time": "tape_time[i - 1]", "now": "tape_time[i - 1]", "price": "tape_price[i - 1]"}
        trade = _DESK + _TRADES + _ASKED.format(**now)
    on_bar = ""
    if strategy.decides_on_bars():
        closed = {"bar": "b - 1", "time": "time_ms[b - 1]", "now": "time_ms[b - 1] + span_ms", "price": "close[b - 1]"}
        columns = ("time_ms", "open_", "high", "low", "close", "volume", "synthetic")
        shown = f"Bar({', '.join(f'{name}[b - 1]' for name in columns)}), Row_0({row_at('b - 1')})"
        on_bar = f"{_DESK}state_0 = decide_bar({shown}, state_0, params_0, desk)\n{_ASKED.format(**closed)}"
    values = ", ".join(repr(value) for value in strategy.State._field_defaults.values())
    body = _BODY.format(
        params=", ".join(f"param_{p}" for p in range(len(strategy.Params._fields))),
        state=values,
        row_before=row_at("max(b - 1, 0)"),
        on_trade=indent(trade, " " * 8).strip(),
        on_bar=indent(on_bar, " " * 4).strip(),
    )
    arguments = indent(",\n".join(argument_names(strategy, features)), "    ")
    start = "" if plain else "from real_trade.kernels.jit import compiled\n"
    end = "" if plain else "\n\nrun = compiled(run)\n"
    head = _HEAD.format(strategy=strategy.__name__)
    return f"{head}{start}\n\ndef run(\n{arguments},\n):\n{indent(body, '    ')}{end}"
