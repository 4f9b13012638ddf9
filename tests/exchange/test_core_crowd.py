"""The crowd along a path: the bars come back, a book of many levels stands, and an account's orders are met in turn."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from real_trade.exchange.core.contract import Contract, Kind, Tier
from real_trade.exchange.core.crowd import LEVELS, Crowd
from real_trade.exchange.core.events import Traded
from real_trade.exchange.core.exchange import Exchange
from real_trade.exchange.core.orders import Price, Request, Status
from real_trade.exchange.core.path import Candle, prints_of

LINEAR = Contract(
    "BTCUSDT",
    Kind.LINEAR,
    "BTC",
    "USDT",
    "USDT",
    Decimal("0.1"),
    Decimal("0.001"),
    tiers=(Tier(10**17, 5_000_000, 0, 100),),
)


@dataclass
class Stage:
    exchange: Exchange
    crowd: Crowd
    account: int


def stage(price: int = 600_000) -> Stage:
    exchange = Exchange([LINEAR])
    account = exchange.open_account({"USDT": 10**14}).number
    exchange.set_price("BTCUSDT", Price.MARK, price, 0)
    crowd = Crowd(exchange, "BTCUSDT", 7, 500)
    crowd.stand_around(price, 0)
    return Stage(exchange, crowd, account)


def random_candles(seed: int, count: int, price: int = 600_000) -> list[Candle]:
    draw, found = random.Random(seed), []
    for minute in range(count):
        opened = price
        price += draw.randint(-40, 40)
        high, low = max(opened, price) + draw.randint(0, 30), min(opened, price) - draw.randint(0, 30)
        found.append(Candle(minute * 60_000, opened, high, low, price, draw.choice([0, 7, 500, 20_000])))
        if found[-1].lots == 0:
            price = opened
            found[-1] = Candle(minute * 60_000, opened, opened, opened, opened, 0)
    return found


def play(on: Stage, candle: Candle) -> list[Traded]:
    for trade in prints_of(candle, 7, "BTCUSDT"):
        on.crowd.play(trade, candle.time_ms + trade.offset_ms)
    return [event for event in on.exchange.log.drain() if isinstance(event, Traded)]


def test_the_bars_come_back_from_the_public_trades() -> None:
    on = stage()
    for candle in random_candles(3, 120):
        trades = play(on, candle)
        if candle.lots == 0:
            assert trades == []
            continue
        prices = [trade.ticks for trade in trades]
        assert (prices[0], max(prices), min(prices), prices[-1]) == (candle.open, candle.high, candle.low, candle.close)
        assert sum(trade.lots for trade in trades) == candle.lots
        assert not on.exchange.books["BTCUSDT"].is_crossed
        bids, asks = on.exchange.books["BTCUSDT"].depth(LEVELS)
        assert len(bids) == len(asks) == LEVELS


def test_an_order_in_the_way_is_met_and_nobody_passes_it_by() -> None:
    on = stage()
    bid = on.exchange.place(on.account, Request("BTCUSDT", 1, 10, 599_980), 1)
    offer = on.exchange.place(on.account, Request("BTCUSDT", -1, 10, 600_030), 2)
    on.exchange.log.drain()
    for candle in random_candles(5, 60):
        play(on, candle)
        best = on.exchange.books["BTCUSDT"].asks.best
        if best is not None and best < 599_980:
            assert bid.status is Status.FILLED
        assert not on.exchange.books["BTCUSDT"].is_crossed
    assert bid.status is Status.FILLED
    assert offer.status in (Status.FILLED, Status.NEW, Status.PARTIALLY_FILLED)


def test_a_large_order_eats_into_the_book_and_pays_for_it() -> None:
    on = stage()
    order = on.exchange.place(on.account, Request("BTCUSDT", 1, 5_000), 1)
    assert order.status is Status.FILLED
    ticks = [event.ticks for event in on.exchange.log.drain() if isinstance(event, Traded)]
    assert ticks == sorted(ticks)
    assert len(set(ticks)) > 3
