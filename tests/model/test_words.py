"""Intervals, times, instruments, and the order table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_trade.model import (
    HistoricalClock,
    InputError,
    Instrument,
    Interval,
    Market,
    Order,
    OrderEvent,
    OrderIntent,
    OrderStatus,
    OrderType,
    Side,
    format_time,
    money,
    next_status,
    parse_time,
)
from real_trade.model.order import ORDER_TABLE, TERMINAL, OrderStateError

INTERVALS = ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"]
TIMES = st.integers(1_400_000_000_000, 1_900_000_000_000)


@pytest.mark.parametrize(
    ("text", "name"), [("1", "1m"), ("60", "1h"), ("720", "12h"), ("D", "1d"), ("W", "1w"), ("M", "1M"), ("1m", "1m")]
)
def test_both_spellings_of_an_interval(text: str, name: str) -> None:
    assert Interval.parse(text).name == name


@pytest.mark.parametrize("text", ["", "7m", "1H", "d", "minute", "0"])
def test_an_unknown_interval_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Interval.parse(text)
    assert caught.value.field == "interval"


@given(TIMES, st.sampled_from(INTERVALS), st.integers(1, 50))
def test_grid_of_an_interval(time_ms: int, name: str, bars: int) -> None:
    interval = Interval.parse(name)
    floor = interval.floor(time_ms)
    assert floor <= time_ms < interval.next_open(floor)
    assert interval.floor(floor) == interval.ceil(floor) == floor
    assert interval.ceil(time_ms) in (floor, interval.next_open(floor))
    later = floor
    for _ in range(bars):
        later = interval.next_open(later)
    assert interval.next_open(floor, bars) == later
    assert interval.count(floor, later) == bars
    assert interval.count(later, floor) == 0


def test_weeks_open_on_monday_and_months_on_the_first() -> None:
    wednesday = parse_time("2024-05-15T10:00:00Z")
    assert format_time(Interval.parse("1w").floor(wednesday)) == "2024-05-13T00:00:00Z"
    assert format_time(Interval.parse("1M").floor(wednesday)) == "2024-05-01T00:00:00Z"


@given(TIMES, st.integers(-12, 14))
def test_every_form_of_a_time_is_the_same_instant(time_ms: int, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    moment = datetime.fromtimestamp(time_ms // 1000, UTC).astimezone(zone)
    whole = time_ms // 1000 * 1000
    assert parse_time(moment) == parse_time(moment.isoformat()) == parse_time(whole) == parse_time(str(whole)) == whole
    assert parse_time(format_time(time_ms)) == time_ms


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2024-01-01T00:00:00", "naive_time"),
        (datetime(2024, 1, 1), "naive_time"),  # noqa: DTZ001 - that is the point
        ("yesterday", "bad_time"),
        ("2024-13-01", "bad_time"),
        (1_704_067_200, "bad_time"),  # seconds
        (1_704_067_200_000_000, "bad_time"),  # microseconds
        (True, "bad_time"),
    ],
)
def test_doubtful_times_are_refused(value: str | int | datetime, code: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_time(value, field="from")
    assert (caught.value.code, caught.value.field) == (code, "from")


def test_a_historical_clock_does_not_run_backwards() -> None:
    clock = HistoricalClock(5)
    clock.advance_to(7)
    assert clock.now_ms() == 7
    with pytest.raises(ValueError, match="back"):
        clock.advance_to(6)


def btc(**facts: Decimal) -> Instrument:
    grid = {"tick_size": Decimal("0.10"), "quantity_step": Decimal("0.001"), "min_quantity": Decimal("0.001"), **facts}
    return Instrument("bybit", "BTCUSDT", Market.LINEAR, "BTC", "USDT", "USDT", **grid)


@given(st.integers(1, 10**9))
def test_prices_and_quantities_are_whole_steps(steps: int) -> None:
    instrument = btc()
    assert instrument.ticks(instrument.price(steps)) == steps
    assert instrument.lots(instrument.quantity(steps)) == steps


def test_off_grid_values_are_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"60000\.1"):
        btc().ticks("60000.13")
    with pytest.raises(InputError):
        btc().lots("NaN")
    with pytest.raises(InputError) as caught:
        btc(tick_size=Decimal(0))
    assert caught.value.field == "tick_size"


def test_money_rounds_half_even() -> None:
    assert [money(text) for text in ("0.000000005", "0.000000015", "1", "-0.000000025")] == [0, 2, 100_000_000, -2]


@pytest.mark.parametrize(
    ("word", "market"), [("Spot", "spot"), ("swap", "linear"), ("futures", "linear"), ("delivery", "inverse")]
)
def test_market_words(word: str, market: str) -> None:
    assert Market.parse(word) == market
    with pytest.raises(InputError):
        Market.parse("margin")


def test_terminal_states_stay_terminal_but_for_the_late_fill() -> None:
    late = {(OrderStatus.CANCELED, OrderEvent.PARTIAL_FILL), (OrderStatus.CANCELED, OrderEvent.FILL)}
    late |= {(OrderStatus.EXPIRED, OrderEvent.PARTIAL_FILL), (OrderStatus.EXPIRED, OrderEvent.FILL)}
    assert {row for row in ORDER_TABLE if row[0] in TERMINAL} == late


def test_every_pair_is_a_row_or_refused() -> None:
    for status, event in product(OrderStatus, OrderEvent):
        if (status, event) in ORDER_TABLE:
            assert next_status(status, event) == ORDER_TABLE[status, event]
        else:
            with pytest.raises(OrderStateError):
                next_status(status, event)


def test_every_state_can_be_reached() -> None:
    reached = {OrderStatus.INITIALIZED}
    for _ in OrderStatus:
        reached |= {target for (source, _), target in ORDER_TABLE.items() if source in reached}
    assert reached == set(OrderStatus)


@given(st.lists(st.tuples(st.sampled_from(OrderEvent), st.integers(0, 4)), max_size=12))
def test_an_order_never_fills_more_than_was_ordered(events: list[tuple[OrderEvent, int]]) -> None:
    order = Order(1, OrderIntent(Side.BUY, OrderType.LIMIT, 7, 100), 0)
    for time_ms, (event, lots) in enumerate(events):
        before = (order.status, order.filled_lots)
        try:
            order.apply(event, time_ms, lots=lots)
        except OrderStateError:
            assert (order.status, order.filled_lots) == before
    assert 0 <= order.filled_lots <= 7
