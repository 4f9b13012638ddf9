"""What each type of order, each condition and each reason does, bar by bar, at the simulated venue.

The compiled book does the same to the last bit: see test_parity.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines

from real_trade.backtest import backtest
from real_trade.backtest.engine import RUNNERS
from real_trade.kernels.accounting import Terms
from real_trade.kernels.matching import path_time
from real_trade.model import Order, OrderIntent, OrderStatus, OrderType, RejectReason, Side
from real_trade.model.bars import Bar
from real_trade.model.order import Flag
from real_trade.portfolio.account import Account
from real_trade.sim import Moment, SimulatedVenue
from real_trade.trading import Strategy


class Turn(NamedTuple):
    turn: int = 0
    nan: float = float("nan")
    zero: float = 0.0


BUY, SELL = Side.BUY, Side.SELL
T, F, R = OrderType, Flag, RejectReason
MINUTE = 60_000
# No position is ever liquidated by these.
NO_TIERS = np.array([[2**60, 0, 0], [-1, -1, -1]])
TERMS = Terms(1, 1, 1_000_000, 2_000_000, 5, True, 1, 10**9, 10**9, 0)
Prices = tuple[int, int, int, int]


def bar(index: int, prices: Prices, volume: float = 1e9) -> Bar:
    return Bar(index * MINUTE, *prices, volume, synthetic=False)


def play(
    *intents: OrderIntent,
    bars: list[Prices],
    position: int = 0,
    cash: int = 10**9,
    volume: float = 1e9,
    tiers: Any = None,
    **terms: Any,
) -> SimulatedVenue:
    """Show a quiet bar at 100, give the orders on its close, then show the other bars."""
    account = Account(cash, TERMS._replace(**terms))
    account.ledger = account.ledger._replace(position=position)
    venue = SimulatedVenue(account, NO_TIERS if tiers is None else tiers)
    show(venue, bar(0, (100, 100, 100, 100)))
    for intent in intents:
        venue.submit(intent, 0, MINUTE)
    for index, prices in enumerate(bars, start=1):
        show(venue, bar(index, prices, volume))
    return venue


def show(venue: SimulatedVenue, now: Bar) -> None:
    venue.on_bar(Moment(now, now.time_ms + MINUTE, 0, now.time_ms // MINUTE), now.low, now.high)
    venue.closed(now.close)


def outcome(order: Order, venue: SimulatedVenue) -> tuple[str, list[tuple[int, int, int, bool]]]:
    fills = [(f.time_ms // MINUTE, f.price_ticks, f.lots, f.maker) for f in venue.fills if f.order_id == order.order_id]
    return order.status.name, fills


def one(intent: OrderIntent, *bars: Prices, **facts: Any) -> tuple[str, list[tuple[int, int, int, bool]], str]:
    venue = play(intent, bars=list(bars), **facts)
    order = venue.orders[0]
    return *outcome(order, venue), order.reason.name


UP, DOWN, QUIET = (100, 110, 99, 108), (100, 101, 90, 92), (100, 101, 99, 100)

# One row per effect: the order, the bars after it, and its status, fills (bar, price, lots, maker) and reason.
CASES: list[tuple[str, OrderIntent, list[Prices], tuple[Any, ...]]] = [
    ("market", OrderIntent(BUY, T.MARKET, 5), [UP], ("FILLED", [(1, 100, 5, False)], "NONE")),
    ("limit touched", OrderIntent(BUY, T.LIMIT, 5, 95), [QUIET, DOWN], ("FILLED", [(2, 95, 5, True)], "NONE")),
    ("limit taken on arrival", OrderIntent(BUY, T.LIMIT, 5, 105), [UP], ("FILLED", [(1, 100, 5, False)], "NONE")),
    ("stop", OrderIntent(BUY, T.STOP, 5, 0, 105), [QUIET, UP], ("FILLED", [(2, 105, 5, False)], "NONE")),
    ("stop gapped", OrderIntent(SELL, T.STOP, 5, 0, 95), [(90, 91, 89, 90)], ("FILLED", [(1, 90, 5, False)], "NONE")),
    ("stop-limit", OrderIntent(BUY, T.STOP_LIMIT, 5, 106, 105), [UP], ("FILLED", [(1, 105, 5, False)], "NONE")),
    (
        "stop-limit gapped over rests",
        OrderIntent(BUY, T.STOP_LIMIT, 5, 106, 105),
        [(109, 110, 108, 109), (109, 110, 105, 107)],
        ("FILLED", [(2, 106, 5, True)], "NONE"),
    ),
    ("take-profit", OrderIntent(SELL, T.TAKE_PROFIT, 5, 0, 107), [UP], ("FILLED", [(1, 107, 5, False)], "NONE")),
    (
        "take-profit gapped is better",
        OrderIntent(SELL, T.TAKE_PROFIT, 5, 0, 107),
        [(109, 110, 108, 109)],
        ("FILLED", [(1, 109, 5, False)], "NONE"),
    ),
    (
        "trailing stop follows, then fills",
        OrderIntent(SELL, T.TRAILING_STOP, 5, 0, 4),
        [(100, 103, 100, 103), (109, 112, 109, 112), (112, 112, 107, 108)],
        ("FILLED", [(3, 108, 5, False)], "NONE"),
    ),
    (
        "trailing stop crossed within the bar, as the close proves",
        OrderIntent(SELL, T.TRAILING_STOP, 5, 0, 4),
        [(100, 110, 99, 104)],
        ("FILLED", [(1, 106, 5, False)], "NONE"),
    ),
    ("ioc that cannot", OrderIntent(BUY, T.LIMIT, 5, 95, flags=F.IOC), [DOWN], ("CANCELED", [], "NOT_FILLED_AT_ONCE")),
    ("ioc that can", OrderIntent(BUY, T.LIMIT, 5, 100, flags=F.IOC), [DOWN], ("FILLED", [(1, 100, 5, False)], "NONE")),
    ("fok that cannot", OrderIntent(SELL, T.LIMIT, 5, 105, flags=F.FOK), [UP], ("CANCELED", [], "NOT_FILLED_AT_ONCE")),
    (
        "post-only that would take",
        OrderIntent(BUY, T.LIMIT, 5, 100, flags=F.POST_ONLY),
        [QUIET],
        ("CANCELED", [], "POST_ONLY_WOULD_TAKE"),
    ),
    (
        "post-only that rests",
        OrderIntent(BUY, T.LIMIT, 5, 95, flags=F.POST_ONLY),
        [DOWN],
        ("FILLED", [(1, 95, 5, True)], "NONE"),
    ),
    (
        "reduce-only when flat",
        OrderIntent(SELL, T.MARKET, 5, flags=F.REDUCE_ONLY),
        [UP],
        ("REJECTED", [], "REDUCE_ONLY"),
    ),
    (
        "good till a time",
        OrderIntent(BUY, T.LIMIT, 5, 95, expire_ms=2 * MINUTE),
        [QUIET, DOWN],
        ("EXPIRED", [], "TIME_UP"),
    ),
    ("no quantity", OrderIntent(BUY, T.MARKET, 0), [UP], ("REJECTED", [], "QUANTITY_TOO_SMALL")),
    ("too much", OrderIntent(BUY, T.MARKET, 10**10), [UP], ("REJECTED", [], "QUANTITY_TOO_LARGE")),
    ("no price", OrderIntent(BUY, T.LIMIT, 5, -1), [UP], ("REJECTED", [], "PRICE_INVALID")),
    ("no trigger", OrderIntent(BUY, T.STOP, 5), [UP], ("REJECTED", [], "PRICE_INVALID")),
    ("stop on the wrong side", OrderIntent(BUY, T.STOP, 5, 0, 99), [UP], ("REJECTED", [], "TRIGGER_WRONG_SIDE")),
    (
        "target on the wrong side",
        OrderIntent(SELL, T.TAKE_PROFIT, 5, 0, 99),
        [UP],
        ("REJECTED", [], "TRIGGER_WRONG_SIDE"),
    ),
    (
        "contradiction",
        OrderIntent(BUY, T.LIMIT, 5, 95, flags=F.IOC | F.POST_ONLY),
        [UP],
        ("REJECTED", [], "CONTRADICTION"),
    ),
    ("exit of no order", OrderIntent(SELL, T.STOP, 5, 0, 90, entry_id=7), [UP], ("REJECTED", [], "ENTRY_GONE")),
]


@pytest.mark.parametrize(("intent", "bars", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_order_alone(intent: OrderIntent, bars: list[Prices], expected: tuple[Any, ...]) -> None:
    assert one(intent, *bars) == expected


def test_funds_and_holdings_are_needed() -> None:
    order = OrderIntent(BUY, T.MARKET, 5)
    assert one(order, UP, cash=90) == ("REJECTED", [], "INSUFFICIENT_FUNDS")
    assert one(OrderIntent(SELL, T.MARKET, 5), UP, short_allowed=False) == ("REJECTED", [], "INSUFFICIENT_POSITION")
    assert one(order, UP, min_notional=501) == ("REJECTED", [], "NOTIONAL_TOO_SMALL")


def test_reduce_only_is_cut_to_the_position_and_close_takes_all_of_it() -> None:
    assert one(OrderIntent(SELL, T.MARKET, 9, flags=F.REDUCE_ONLY), UP, position=4)[1] == [(1, 100, 4, False)]
    assert one(OrderIntent(SELL, T.STOP, 1, 0, 95, F.CLOSE), DOWN, position=4)[1] == [(1, 95, 4, False)]
    venue = play(
        OrderIntent(SELL, T.MARKET, 4), OrderIntent(SELL, T.LIMIT, 4, 105, flags=F.REDUCE_ONLY), bars=[UP], position=4
    )
    assert outcome(venue.orders[1], venue) == ("CANCELED", [])
    assert venue.orders[1].reason == R.REDUCE_ONLY


def test_a_share_of_the_volume_fills_and_the_rest_waits() -> None:
    facts = {"volume": 30.0, "lots_per_volume": 0.1}
    assert one(OrderIntent(BUY, T.MARKET, 8), UP, QUIET, QUIET, **facts)[:2] == (
        "FILLED",
        [(1, 100, 3, False), (2, 100, 3, False), (3, 100, 2, False)],
    )
    assert one(OrderIntent(BUY, T.MARKET, 8, flags=F.IOC), UP, QUIET, **facts) == (
        "CANCELED",
        [(1, 100, 3, False)],
        "NOT_FILLED_AT_ONCE",
    )
    assert one(OrderIntent(BUY, T.MARKET, 8, flags=F.FOK), UP, **facts) == ("CANCELED", [], "NOT_FILLED_AT_ONCE")
    two = play(OrderIntent(BUY, T.MARKET, 2), OrderIntent(BUY, T.MARKET, 2), bars=[UP], **facts)
    assert [fill.lots for fill in two.fills] == [2, 1]
    # A stop that was let loose goes on at the next opens.
    assert one(OrderIntent(BUY, T.STOP, 5, 0, 105), UP, QUIET, **facts)[1] == [(1, 105, 3, False), (2, 100, 2, False)]


def test_the_end_of_the_queue_needs_a_trade_through() -> None:
    order = OrderIntent(BUY, T.LIMIT, 5, 90)
    assert one(order, DOWN)[0] == "FILLED"
    assert one(order, DOWN, queue=1)[0] == "ACCEPTED"
    assert one(order, (100, 101, 89, 92), queue=1)[1] == [(1, 90, 5, True)]


def test_amending_and_canceling() -> None:
    venue = play(OrderIntent(BUY, T.LIMIT, 5, 80), OrderIntent(BUY, T.STOP, 5, 0, 200), bars=[QUIET])
    venue.amend(1, 3, 95, 0)
    venue.amend(2, 0, 0, 109)
    venue.amend(1, 0, -4, 0)
    show(venue, bar(2, (100, 110, 94, 100)))
    assert [(f.order_id, f.price_ticks, f.lots) for f in venue.fills] == [(1, 95, 3), (2, 109, 5)]
    again = play(OrderIntent(BUY, T.LIMIT, 5, 80), OrderIntent(BUY, T.LIMIT, 5, 81), bars=[QUIET])
    again.cancel(1, MINUTE)
    assert (again.orders[0].reason, again.open_orders) == (R.BY_STRATEGY, 1)
    again.cancel_all(MINUTE)
    assert again.open_orders == 0


def bracket(side: Side, entry: OrderIntent, stop: int, target: int) -> list[OrderIntent]:
    del side
    return [entry, OrderIntent(BUY, T.STOP, 0, 0, stop, entry_id=1), OrderIntent(BUY, T.LIMIT, 0, target, entry_id=1)]


LONG = bracket(BUY, OrderIntent(BUY, T.MARKET, 5), 95, 105)
LONG_LIMIT = bracket(BUY, OrderIntent(BUY, T.LIMIT, 5, 98), 95, 105)
BOTH = (100, 106, 94, 100)
PESSIMISTIC, OPTIMISTIC, PATH = 0, 1, 2


@pytest.mark.parametrize(
    ("intents", "bars", "policy", "exit_price", "ambiguous"),
    [
        (LONG, [UP], PESSIMISTIC, 105, False),
        (LONG, [DOWN], OPTIMISTIC, 95, False),
        (LONG, [BOTH], PESSIMISTIC, 95, True),
        (LONG, [BOTH], OPTIMISTIC, 105, True),
        (LONG, [(100, 106, 90, 100)], PATH, 105, True),  # the high is nearer to the open
        (LONG, [(100, 110, 94, 100)], PATH, 95, True),
        (LONG, [QUIET, (94, 110, 93, 100)], OPTIMISTIC, 94, False),  # the open is certain
        (LONG_LIMIT, [(100, 104, 97, 103)], PESSIMISTIC, None, False),
        (LONG_LIMIT, [(100, 106, 97, 99)], PESSIMISTIC, None, False),  # the high may have come before the entry
        (LONG_LIMIT, [(100, 106, 97, 99)], OPTIMISTIC, 105, False),
        (LONG_LIMIT, [(100, 106, 97, 106)], PESSIMISTIC, 105, False),  # the close proves it
        (LONG_LIMIT, [(100, 106, 94, 97)], PESSIMISTIC, 95, False),
        (LONG_LIMIT, [(100, 101, 94, 94)], OPTIMISTIC, 95, False),
    ],
)
def test_exits_of_an_entry(
    intents: list[OrderIntent], bars: list[Prices], policy: int, exit_price: int | None, ambiguous: bool
) -> None:
    venue = play(*intents, bars=bars, policy=policy)
    exits = venue.fills[1:]
    assert [fill.price_ticks for fill in exits] == ([] if exit_price is None else [exit_price])
    if exits:
        assert exits[0].side == SELL
        assert exits[0].lots == 5
        assert exits[0].ambiguous is ambiguous
        assert venue.account.ledger.position == 0
        others = [order for order in venue.orders[1:] if order.order_id != exits[0].order_id]
        assert [(order.status, order.reason) for order in others] == [(OrderStatus.CANCELED, R.SIBLING_FILLED)]


def test_exits_go_when_their_entry_goes() -> None:
    venue = play(*LONG_LIMIT, bars=[UP])
    assert [order.status for order in venue.orders] == [
        OrderStatus.ACCEPTED,
        OrderStatus.INITIALIZED,
        OrderStatus.INITIALIZED,
    ]
    venue.cancel(1, MINUTE)
    show(venue, bar(2, QUIET))
    assert [order.reason for order in venue.orders[1:]] == [R.ENTRY_GONE, R.ENTRY_GONE]


def test_a_trailing_exit_starts_from_the_entry() -> None:
    trailing = OrderIntent(BUY, T.TRAILING_STOP, 0, 0, 4, entry_id=1)
    venue = play(OrderIntent(BUY, T.MARKET, 5), trailing, bars=[(100, 103, 99, 103), (103, 103, 98, 98)])
    assert [fill.price_ticks for fill in venue.fills] == [100, 99]


def test_times_on_the_assumed_path() -> None:
    """100, 106, 94, 100: the high is as near as the low, and comes first."""
    times = [path_time(level, 0, 100, 106, 94, 100) for level in (100, 106, 94, 107)]
    assert times[3] == -1
    assert times[0] < times[1] < times[2]
    assert path_time(98, times[1], 100, 106, 94, 100) > times[1]


def test_a_position_beyond_the_risk_limit_is_refused() -> None:
    order = OrderIntent(BUY, T.MARKET, 6)
    assert one(order, UP, max_value=600) == ("FILLED", [(1, 100, 6, False)], "NONE")
    assert one(order, UP, max_value=599) == ("REJECTED", [], "RISK_LIMIT")


# Tiers of one per cent. Ten lots at 100 against a cash of 109 at leverage 10 leave a cash of -892 after the fee of 1.
LEVERED = {
    "cash": 109,
    "leverage": 10,
    "tiers": np.array([[2**60, 10_000_000, 0], [-1, -1, -1]]),
    "taker_rate": 1_000_000,
}
ENTRY = OrderIntent(BUY, T.MARKET, 10)


@pytest.mark.parametrize(
    ("extra", "bars", "terms", "fills", "reason"),
    [
        # Value at which equity is one per cent: 892 / 0.99 = 901.01, a price of 91 (rounded up).
        ((), [(100, 100, 92, 92)], {}, [100], "NONE"),
        ((), [(100, 100, 91, 92)], {}, [100, 91], "LIQUIDATION"),
        # Gapped over: at the open, but no worse than the bankruptcy price of 892 / 10, rounded up.
        ((), [(100, 100, 95, 95), (90, 90, 90, 90)], {}, [100, 90], "LIQUIDATION"),
        ((), [(100, 100, 95, 95), (85, 85, 80, 80)], {}, [100, 90], "LIQUIDATION"),
        ((), [(100, 100, 91, 92)], {"at_bankruptcy": True}, [100, 90], "LIQUIDATION"),
        # Isolated: what backs it is the initial margin of 100: 900 / 0.99 = 909.09, a price of 91.
        ((), [(100, 100, 91, 92)], {"isolated": True, "cash": 10**6}, [100, 91], "LIQUIDATION"),
        ((), [(100, 100, 91, 92)], {"cash": 10**6}, [100], "NONE"),
        # A stop before the liquidation price saves the position; one beyond it does not.
        ((OrderIntent(SELL, T.STOP, 0, 0, 95, entry_id=1),), [(100, 100, 80, 80)], {}, [100, 95], "NONE"),
        ((OrderIntent(SELL, T.STOP, 0, 0, 88, entry_id=1),), [(100, 100, 80, 80)], {}, [100, 91], "LIQUIDATION"),
        # A target that the bar could reach first: pessimists are liquidated, optimists take the profit.
        (
            (OrderIntent(SELL, T.LIMIT, 0, 110, entry_id=1),),
            [(100, 100, 100, 100), (100, 112, 90, 100)],
            {},
            [100, 91],
            "LIQUIDATION",
        ),
        (
            (OrderIntent(SELL, T.LIMIT, 0, 110, entry_id=1),),
            [(100, 100, 100, 100), (100, 112, 90, 100)],
            {"policy": 1},
            [100, 110],
            "NONE",
        ),
    ],
)
def test_liquidation(
    extra: tuple[OrderIntent, ...], bars: list[Prices], terms: dict[str, Any], fills: list[int], reason: str
) -> None:
    venue = play(ENTRY, *extra, bars=bars, **(LEVERED | terms))
    assert [fill.price_ticks for fill in venue.fills] == fills
    last = venue.orders[-1]
    assert (
        last.reason.name == reason if reason == "LIQUIDATION" else R.LIQUIDATION not in {o.reason for o in venue.orders}
    )
    assert venue.open_orders == 0 or reason == "NONE"
    ledger = venue.account.ledger
    if reason == "LIQUIDATION":
        assert ledger.position == 0
        assert ledger.cash >= 0


def test_the_fee_of_a_liquidation_is_cut_to_what_is_left() -> None:
    bars = [(100, 100, 91, 92)]
    plenty = play(ENTRY, bars=bars, **LEVERED, liquidation_rate=10_000_000)
    # 910 at one per cent: 9.1, of the 18 that are left.
    assert (plenty.fills[-1].fee, plenty.account.ledger.cash) == (9, 9)
    scarce = play(ENTRY, bars=bars, **LEVERED, liquidation_rate=100_000_000)
    assert (scarce.fills[-1].fee, scarce.account.ledger.cash) == (18, 0)


@pytest.mark.parametrize(
    ("intent", "prices", "policy", "fills"),
    [
        # A bar of 60 s that goes 100 -> 110 -> 90 -> 95 (high first) or 100 -> 90 -> 110 -> 95.
        (OrderIntent(BUY, T.MARKET, 5), (100, 110, 90, 95), 0, [107]),
        (OrderIntent(BUY, T.MARKET, 5), (100, 110, 90, 95), 1, [91]),
        (OrderIntent(BUY, T.MARKET, 5), (100, 110, 90, 95), 2, [107]),
        # The low has been when it arrives, and the close does not come back to it.
        (OrderIntent(BUY, T.LIMIT, 5, 92), (100, 104, 90, 95), 0, []),
        (OrderIntent(BUY, T.LIMIT, 5, 92), (100, 104, 90, 95), 1, [92]),
    ],
)
def test_an_order_that_arrives_inside_a_bar_meets_the_rest_of_it(
    intent: OrderIntent, prices: Prices, policy: int, fills: list[int]
) -> None:
    late = 12_000 if intent.type == T.MARKET else 30_000
    venue = play(intent, bars=[prices], policy=policy, latency_ms=late)
    assert [fill.price_ticks for fill in venue.fills] == fills


def test_an_order_that_is_still_on_its_way_does_nothing() -> None:
    venue = play(OrderIntent(BUY, T.MARKET, 5), bars=[UP, UP, UP], latency_ms=2 * MINUTE)
    assert [fill.time_ms // MINUTE for fill in venue.fills] == [3]
    again = play(OrderIntent(BUY, T.LIMIT, 5, 80), bars=[QUIET], latency_ms=30_000)
    again.cancel(1, MINUTE, 2 * MINUTE)
    again.amend(1, 0, 95, 0, 2 * MINUTE)
    assert again.open_orders == 1
    # It falls before the cancellation arrives, so that is too late.
    show(again, bar(2, (100, 101, 79, 100)))
    assert [(fill.price_ticks, fill.maker) for fill in again.fills] == [(80, True)]
    spared = play(OrderIntent(BUY, T.LIMIT, 5, 80), bars=[QUIET], latency_ms=30_000, policy=1)
    spared.cancel(1, MINUTE, 2 * MINUTE)
    show(spared, bar(2, (100, 130, 79, 100)))
    assert (spared.orders[0].reason, spared.fills) == (R.BY_STRATEGY, [])


def test_an_amendment_takes_effect_when_it_arrives() -> None:
    venue = play(OrderIntent(BUY, T.LIMIT, 5, 80), bars=[QUIET], latency_ms=30_000)
    venue.amend(1, 0, 95, 0, 2 * MINUTE)
    show(venue, bar(2, (100, 101, 94, 94)))
    assert venue.orders[0].intent.price_ticks == 95
    assert [fill.price_ticks for fill in venue.fills] == [95]


def test_every_word_has_a_case() -> None:
    intents = [case[1] for case in CASES]
    assert {intent.type for intent in intents} == set(OrderType)
    text = Path(__file__).read_text(encoding="utf-8")
    assert {flag for flag in Flag if flag} == {flag for flag in Flag if flag and f"F.{flag.name}" in text}
    unnamed = [
        reason.name for reason in RejectReason if f'"{reason.name}"' not in text and f"R.{reason.name}" not in text
    ]
    assert unnamed == []


class Nonsense(Strategy):
    """Asks for what is not a number, in every place that takes one."""

    State = Turn

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Any) -> Any:
        nothing = (bar.volume - bar.volume) / state.zero if state.turn > 99 else state.nan
        if state.turn == 0:
            desk.buy(nothing)
            desk.target(nothing)
            desk.buy_limit(5, nothing)
            desk.sell_stop(5, nothing)
            desk.sell_trailing(nothing, 10)
            desk.buy(0)
            desk.buy(-5)
            desk.buy(1e300)
            desk.buy(5.0)
        return Turn(state.turn + 1, state.nan, state.zero)


@pytest.mark.parametrize(
    ("prices", "policy", "fills"),
    [
        # A trail of 5 from a best price of 110: 105. The bar closes above it, but goes below it.
        ((100, 110, 99, 108), 0, [105]),
        ((100, 110, 99, 108), 1, []),
        # On the path the low is nearer and comes first: the high moves the trigger, and it is not reached after that.
        ((100, 110, 99, 108), 2, []),
        # Here the high comes first, and the way down to the low passes the trigger.
        ((100, 103, 96, 100), 2, [98]),
        # The close proves it, whatever the policy.
        ((100, 110, 99, 104), 1, [105]),
    ],
)
def test_a_trailing_stop_inside_a_bar(prices: Prices, policy: int, fills: list[int]) -> None:
    trailing = OrderIntent(SELL, T.TRAILING_STOP, 5, 0, 5)
    venue = play(trailing, bars=[prices], position=5, policy=policy)
    assert [fill.price_ticks for fill in venue.fills] == fills


def test_what_executes_at_the_open_comes_before_what_executes_inside_the_bar() -> None:
    # The stop was there first, but the market order closes the position at the open.
    stop = OrderIntent(SELL, T.STOP, 5, 0, 95, flags=F.REDUCE_ONLY)
    venue = play(OrderIntent(BUY, T.MARKET, 5), bars=[QUIET], cash=10**9)
    venue.submit(stop, MINUTE, 2 * MINUTE)
    show(venue, bar(2, QUIET))
    venue.submit(OrderIntent(SELL, T.MARKET, 5, flags=F.REDUCE_ONLY), 2 * MINUTE, 3 * MINUTE)
    show(venue, bar(3, DOWN))
    assert [(fill.order_id, fill.price_ticks) for fill in venue.fills] == [(1, 100), (3, 100)]
    assert venue.orders[1].reason == R.REDUCE_ONLY


def test_what_is_not_a_number_is_rejected_and_the_run_goes_on() -> None:
    results = [backtest(Nonsense, random_klines(3, 20), instrument_of("linear"), runner=runner) for runner in RUNNERS]
    for result in results:
        reasons = [RejectReason(number).name for number in result.order_rows["reason"].tolist()]
        assert reasons == [
            *("QUANTITY_TOO_SMALL", "QUANTITY_TOO_SMALL", "PRICE_INVALID", "PRICE_INVALID", "QUANTITY_TOO_SMALL"),
            *("QUANTITY_TOO_SMALL", "QUANTITY_TOO_SMALL", "QUANTITY_TOO_SMALL", "NONE"),
        ]
        assert result.fill_rows["lots"].tolist() == [5]
        assert len(result.equity_units) == 20
