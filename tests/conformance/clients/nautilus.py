"""What both adapters of nautilus_trader share: a strategy that trades for a quarter of a minute, and its checks."""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks import PATIENCE_S, same
from nautilus_trader.config import LiveExecEngineConfig, LoggingConfig, StrategyConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import BookType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable

# What the script is given: ``exchange``, its first line; ``held`` and ``resting``, what the account has already.
GIVEN = json.loads(sys.argv[1])
QUANTITY = Decimal("0.01")
PLACED = ["Initialized", "Submitted", "Accepted"]


class CourseConfig(StrategyConfig, frozen=True):
    """Settings of the strategy.

    Attributes:
        instrument_id: what it trades.
        streams: subscriptions that the adapter has beside quotes, trades, book and bars: name of what comes.
    """

    instrument_id: InstrumentId
    streams: tuple[str, ...]


class Course(Strategy):
    """Does a step a second; keeps what it was told of every order, position and subscription.

    Args:
        config: its settings.
        done: called after the last step.
    """

    def __init__(self, config: CourseConfig, done: Callable[[], None]) -> None:
        super().__init__(config)
        self.done = done
        self.heard: Counter[str] = Counter()
        self.told: defaultdict[str, list[str]] = defaultdict(list)
        self.positions: list[str] = []
        self.made: dict[str, str] = {}
        self.found: dict[str, Any] = {}
        self.steps = iter((
            self.place, self.amend, self.cancel, self.buy, self.cross, self.stop_order, self.cancel, self.at_once,
            self.place_list, self.cancel_list, self.sell, self.look,
        ))  # fmt: skip

    def on_start(self) -> None:
        which = self.config.instrument_id
        self.instrument = self.cache.instrument(which)
        self.found["held"] = [str(each.signed_decimal_qty()) for each in self.cache.positions_open()]
        self.found["resting"] = [str(each.quantity) for each in self.cache.orders_open()]
        self.found["before"] = self.wallet()
        bars = BarType.from_str(f"{which}-1-MINUTE-LAST-EXTERNAL")
        self.subscribe_quote_ticks(which)
        self.subscribe_trade_ticks(which)
        self.subscribe_order_book_deltas(which, book_type=BookType.L2_MBP)
        self.subscribe_bars(bars)
        for name in self.config.streams:
            getattr(self, f"subscribe_{name}s")(which)
        self.request_bars(bars, start=self.clock.utc_now() - timedelta(hours=2))
        self.clock.set_timer("step", timedelta(seconds=1), callback=self.step)

    def step(self, _event: object) -> None:
        """Do what comes next, once prices are known and a minute has ended."""
        if self.heard["quote"] and self.heard["bar"]:
            next(self.steps, self.ignore)()

    def ignore(self) -> None:
        """Do nothing: the node is stopping."""

    def on_quote_tick(self, tick: Any) -> None:
        self.bid = float(tick.bid_price)
        self.heard["quote"] += 1

    def on_trade_tick(self, _tick: object) -> None:
        self.heard["trade"] += 1

    def on_order_book_deltas(self, _deltas: object) -> None:
        self.heard["deltas"] += 1

    def on_bar(self, _bar: object) -> None:
        self.heard["bar"] += 1

    def on_mark_price(self, _price: object) -> None:
        self.heard["mark_price"] += 1

    def on_index_price(self, _price: object) -> None:
        self.heard["index_price"] += 1

    def on_funding_rate(self, _rate: object) -> None:
        self.heard["funding_rate"] += 1

    def on_historical_data(self, _bar: object) -> None:
        self.heard["history"] += 1

    def on_order_event(self, event: Any) -> None:
        self.told[event.client_order_id.value].append(type(event).__name__.removeprefix("Order"))

    def on_position_event(self, event: Any) -> None:
        self.positions.append(f"{type(event).__name__} {event.signed_qty:g}")

    def wallet(self) -> float:
        """Return the account's dollars."""
        balances = self.portfolio.account(self.config.instrument_id.venue).balances_total()
        return next(float(amount) for currency, amount in balances.items() if currency.code == "USDT")

    def submit(self, name: str, order: Any) -> None:
        """Send an order and remember it under a name."""
        self.order, self.made[name] = order, order.client_order_id.value
        self.submit_order(order)

    def limit(self, factor: float, **more: Any) -> Any:
        """Return a bid at so much of the best one."""
        price = self.instrument.make_price(self.bid * factor)
        size = self.instrument.make_qty(QUANTITY)
        return self.order_factory.limit(self.instrument.id, OrderSide.BUY, size, price, **more)

    def market(self, side: OrderSide) -> Any:
        """Return an order at the market."""
        return self.order_factory.market(self.instrument.id, side, self.instrument.make_qty(QUANTITY))

    def place(self) -> None:
        self.submit("limit", self.limit(0.97))

    def amend(self) -> None:
        price = self.instrument.make_price(self.bid * 0.96)
        self.modify_order(self.order, price=price, quantity=self.instrument.make_qty(QUANTITY * 2))

    def cancel(self) -> None:
        self.cancel_order(self.order)

    def buy(self) -> None:
        self.submit("buy", self.market(OrderSide.BUY))

    def cross(self) -> None:
        self.submit("post only", self.limit(1.02, post_only=True))

    def stop_order(self) -> None:
        trigger = self.instrument.make_price(self.bid * 0.95)
        size = self.instrument.make_qty(QUANTITY)
        self.submit("stop", self.order_factory.stop_market(self.instrument.id, OrderSide.SELL, size, trigger))

    def at_once(self) -> None:
        self.submit("at once", self.limit(0.97, time_in_force=TimeInForce.IOC))

    def place_list(self) -> None:
        orders = [self.limit(0.97), self.limit(0.96)]
        for number, order in enumerate(orders):
            self.made[f"list {number}"] = order.client_order_id.value
        self.submit_order_list(self.order_factory.create_list(orders))

    def cancel_list(self) -> None:
        self.cancel_all_orders(self.instrument.id)

    def sell(self) -> None:
        self.submit("sell", self.market(OrderSide.SELL))

    def look(self) -> None:
        book = self.cache.order_book(self.instrument.id)
        self.found["book"] = book.best_bid_price() < book.best_ask_price()
        self.found["near"] = abs(float(book.best_bid_price()) / self.bid - 1) < 0.001
        self.found["left"] = [str(each.signed_decimal_qty()) for each in self.cache.positions_open()]
        self.found["open"] = len(self.cache.orders_open())
        self.found["after"] = self.wallet()
        self.done()


@dataclass(frozen=True)
class Adapter:
    """An adapter of a venue, and what its events look like where venues or adapters differ.

    Attributes:
        venue: name of the client in the node.
        instrument: what is traded.
        data: factory and settings of the client of data.
        execution: factory and settings of the client that trades.
        streams: what it streams beside quotes, trades, book and bars.
        at_once: how an order that is to fill at once ends without a fill.
        crossing: events of a post-only order that would take, after it was submitted.
        positions: the strategy's events of positions; where the venue has one position of a symbol, what the strategy
            buys is added to what was there, which is not its own.
        left_open: orders that are open after all were cancelled: an adapter may spare those that are not its own.
    """

    venue: str
    instrument: str
    data: tuple[type, Any]
    execution: tuple[type, Any]
    streams: tuple[str, ...]
    at_once: str
    crossing: list[str]
    positions: list[str]
    left_open: int


def trade(adapter: Adapter, prepare: Callable[[TradingNode], None] | None = None) -> None:
    """Run a node until its strategy is through, and tell what came of it.

    Args:
        adapter: the adapter.
        prepare: called with the node before it runs.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = TradingNodeConfig(
            trader_id="TESTER-001",
            logging=LoggingConfig(
                log_level="OFF", log_level_file="INFO", log_directory=folder, log_file_name="node", log_colors=False
            ),
            exec_engine=LiveExecEngineConfig(
                reconciliation=True,
                reconciliation_startup_delay_secs=0.0,
                open_check_interval_secs=3.0,
                open_check_open_only=False,
                position_check_interval_secs=4.0,
            ),
            data_clients={adapter.venue: adapter.data[1]},
            exec_clients={adapter.venue: adapter.execution[1]},
            timeout_disconnection=2.0,
            timeout_post_stop=0.5,
        )
        node = TradingNode(config=config)
        instrument = InstrumentId.from_str(adapter.instrument)
        course = Course(CourseConfig(instrument_id=instrument, streams=adapter.streams), node.stop)
        node.trader.add_strategy(course)
        node.add_data_client_factory(adapter.venue, adapter.data[0])
        node.add_exec_client_factory(adapter.venue, adapter.execution[0])
        node.build()
        if prepare is not None:
            prepare(node)
        node.kernel.loop.call_later(PATIENCE_S, node.stop)
        try:
            node.run()
        finally:
            node.dispose()
        log = [line for path in Path(folder).iterdir() for line in path.read_text().splitlines()]
    tell_of(course, adapter, log)


def tell_of(course: Course, adapter: Adapter, log: list[str]) -> None:
    """Tell whether the course went as it should."""
    found = course.found
    same("positions", "held before", found.get("held"), GIVEN["held"])
    same("order stream", "resting before", found.get("resting"), GIVEN["resting"])
    for name in ("quote", "trade", "deltas", "bar", "history", *adapter.streams):
        same("klines" if name in {"bar", "history"} else "ticker", name, course.heard[name] > 0, True)
    for name, events in {
        "limit": [*PLACED, "PendingUpdate", "Updated", "PendingCancel", "Canceled"],
        "buy": [*PLACED, "Filled"],
        "post only": ["Initialized", "Submitted", *adapter.crossing],
        "stop": [*PLACED, "PendingCancel", "Canceled"],
        "at once": [*PLACED, adapter.at_once],
        "list 0": [*PLACED, "Canceled"],
        "list 1": [*PLACED, "Canceled"],
        "sell": [*PLACED, "Filled"],
    }.items():
        same("order stream", name, course.told[course.made.get(name, "")], events)
    same("positions", "events", course.positions, adapter.positions)
    same("positions", "held after", found.get("left"), GIVEN["held"])
    same("order stream", "left open", found.get("open"), adapter.left_open)
    same("kept book", "not crossed", found.get("book"), True)
    same("kept book", "near the quote", found.get("near"), True)
    same("balance", "commission was paid", 0 < found.get("before", 0) - found.get("after", 0) < 5, True)
    same("positions", "reconciled", any("Reconciliation for" in line and "succeeded" in line for line in log), True)
    same("positions", "no error in the log", [line for line in log if "[ERROR]" in line], [])
