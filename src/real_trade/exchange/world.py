"""The market going on: a source's bars happen trade by trade, crowds quote around them, funding falls due.

The core knows no time; this drives it. Whoever holds a world moves it forward: a server by the clock, a test by hand.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.exchange.core.contract import RATE_SCALE, UNIT, Contract, Kind, Tier
from real_trade.exchange.core.crowd import Crowd
from real_trade.exchange.core.events import Executed, Traded
from real_trade.exchange.core.exchange import Exchange
from real_trade.exchange.core.orders import Price
from real_trade.exchange.core.path import Candle, made_of, prints_of
from real_trade.exchange.ladder import ladder
from real_trade.model import Market, SeriesKind
from real_trade.model.fees import FEE_TIERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.core.account import Account
    from real_trade.exchange.core.events import Event
    from real_trade.exchange.core.path import Print
    from real_trade.exchange.pages import History
    from real_trade.exchange.recording import Recording
    from real_trade.exchange.source import MarketSource
    from real_trade.model import Instrument

SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60_000
# Public trades that are remembered of each instrument.
_TRADES_KEPT: Final = 1_000
# What stands at a level near the touch, as a share of an ordinary bar's volume.
_LEVEL_SHARE: Final = 0.01
# Levels of each side whose size changes within a second.
_RESTLESS: Final = 2
_KINDS: Final = {Market.SPOT: Kind.SPOT, Market.LINEAR: Kind.LINEAR, Market.INVERSE: Kind.INVERSE}


@dataclass(slots=True)
class OpenCandle:
    """The bar that is going on, made of the trades so far.

    Attributes:
        time_ms: its opening time.
        open, high, low, close: ticks; those of the last trade before it while there is none.
        lots, turnover, trades: so far; turnover in units of the settlement coin.
        disturbed: an account has traded in it, so that it may differ from the source's.
    """

    time_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int = 0
    turnover: int = 0
    trades: int = 0
    disturbed: bool = False

    def add(self, ticks: int, lots: int, turnover: int) -> None:
        """Count a trade."""
        if self.trades == 0:
            self.open = self.high = self.low = ticks
        self.high, self.low, self.close = max(self.high, ticks), min(self.low, ticks), ticks
        self.lots += lots
        self.turnover += turnover
        self.trades += 1


@dataclass(frozen=True, slots=True)
class BarClosed:
    """A bar is over; what comes next belongs to another."""

    time_ms: int
    symbol: str
    candle: OpenCandle


@dataclass(slots=True)
class Listing:
    """One instrument as it is going on.

    Attributes:
        instrument: as listed.
        contract: the core's; its symbol is unique across markets.
        table: bars of its trades.
        mark, index: bars of those prices; empty where there are none.
        length_ms: of a bar.
        crowd: who quotes.
        candle: the bar that is open.
        recording: what was recorded beside the bars; None where nothing was.
        is_trading: orders are taken.
        recent: the last public trades, oldest first.
    """

    instrument: Instrument
    contract: Contract
    table: BarTable
    mark: BarTable
    index: BarTable
    length_ms: int
    crowd: Crowd
    candle: OpenCandle
    recording: Recording | None = None
    is_trading: bool = True
    recent: deque[Traded] = field(default_factory=lambda: deque(maxlen=_TRADES_KEPT))

    @property
    def name(self) -> str:
        """Return its name in the core."""
        return self.contract.symbol


class World:
    """An exchange with its market.

    Args:
        source: where prices come from.
        history: its bars; those in which accounts traded are corrected there.
        start_ms: when it begins; the bar that is open when it wakes is played from its opening.
        seed: decides what the source leaves open.
    """

    def __init__(self, source: MarketSource, history: History, start_ms: int, seed: int = 0) -> None:
        self._source, self._history, self._seed = source, history, seed
        self.exchange = Exchange([contract_of(instrument) for instrument in source.instruments()])
        self.listings: dict[tuple[Market, str], Listing] = {}
        self._by_name: dict[str, Listing] = {}
        self._listeners: list[Callable[[list[Event | BarClosed]], None]] = []
        self._closed: list[BarClosed] = []
        self._later: list[Callable[[], None]] = []
        # Which schedule of funding counts, by listing: an earlier one is void.
        self._funding_plan: dict[str, int] = {}
        self._agenda: list[tuple[int, int, Callable[[int], None]]] = []
        self._number = 0
        self.now_ms = start_ms
        self._is_awake = False

    def wake(self) -> None:
        """Begin: until somebody looks at more than history, the market costs nothing."""
        if self._is_awake:
            return
        self._is_awake = True
        for instrument in self._source.instruments():
            self._list(instrument, self.now_ms)
        self._history.follow(self.live_bar)
        self.begin(self.now_ms)

    def begin(self, start_ms: int) -> None:
        """Go on from another time; what lies between did not happen trade by trade."""
        self._agenda.clear()
        first = min(start_ms, *(self._opening(listing, start_ms) for listing in self.listings.values()))
        for listing in self.listings.values():
            at = self._opening(listing, start_ms)
            price = _price_before(listing, at)
            listing.candle = OpenCandle(at, price, price, price, price)
            for by in Price:
                self.exchange.prices[listing.name, by] = price
            listing.crowd.stand_around(price, at)
            self._recall(listing, at)
            self._open_bar(listing, at)
            self._expect_funding(listing, start_ms)
        self._at(first // SECOND_MS * SECOND_MS, self._second)
        self.now_ms = first
        self.advance(start_ms)

    def as_listed(self, instrument: Instrument) -> Instrument | None:
        """Return an instrument as it is listed now, its grid and interval changed perhaps; None once it is delisted."""
        listing = self.listings.get((instrument.market, instrument.symbol))
        if listing is None:
            return instrument
        return listing.instrument if listing.is_trading else None

    def open_account(self, wallet: dict[str, Decimal], tier: str = "") -> Account:
        """Open an account that holds so much of each coin; with a fee tier where its venue has it in a market."""
        account = self.exchange.open_account({coin: int(amount / UNIT) for coin, amount in wallet.items()})
        for venue in {instrument.venue for instrument in self._source.instruments()}:
            for market, kind in _KINDS.items():
                fees = FEE_TIERS.get((venue, market), {}).get(tier)
                if fees is not None:
                    maker, taker = (int(fee * RATE_SCALE) for fee in fees)
                    self.exchange.set_fees(account.number, kind, maker, taker)
        return account

    def listing(self, name: str) -> Listing:
        """Return an instrument by its name in the core."""
        return self._by_name[name]

    def live_bar(self, instrument: Instrument) -> BarTable | None:
        """Return the bar that is open, as a table of one row; None while nothing was traded in it."""
        listing = self.listings[instrument.market, instrument.symbol]
        if listing.candle.trades == 0:
            return None
        row = row_of(listing, listing.candle)
        return listing.table.with_columns({name: np.array([value], np.int64) for name, value in row.items()})

    def listen(self, listener: Callable[[list[Event | BarClosed]], None]) -> None:
        """Have all that happens told to a listener, in order."""
        self._listeners.append(listener)

    def advance(self, to_ms: int) -> None:
        """Let everything happen that falls due until then."""
        if not self._is_awake:
            self.now_ms = max(self.now_ms, to_ms)
            return
        while self._agenda and self._agenda[0][0] <= to_ms:
            at, _, call = heappop(self._agenda)
            self.now_ms = max(self.now_ms, at)
            call(at)
            self.tell()
        self.now_ms = max(self.now_ms, to_ms)

    def later(self, call: Callable[[], None]) -> None:
        """Have a command given to the core once all that has happened is told."""
        self._later.append(call)

    def tell(self) -> None:
        """Pass on what has happened; called by whoever has given the core a command."""
        while True:
            events: list[Event | BarClosed] = list(self.exchange.log.drain())
            for event in events:
                if isinstance(event, Traded):
                    listing = self._by_name[event.symbol]
                    listing.recent.append(event)
                    listing.candle.add(event.ticks, event.lots, listing.contract.value(event.lots, event.ticks))
                elif isinstance(event, Executed) and event.kind != "funding":
                    self._by_name[event.symbol].candle.disturbed = True
            if self._closed:
                events += self._closed
                self._closed = []
            if events:
                for listener in self._listeners:
                    listener(events)
            if not self._later:
                return
            todo, self._later = self._later, []
            for call in todo:
                call()

    # What happens

    def _at(self, at_ms: int, call: Callable[[int], None]) -> None:
        self._number += 1
        heappush(self._agenda, (at_ms, self._number, call))

    def _list(self, instrument: Instrument, start_ms: int) -> None:
        contract = self.exchange.contracts[name_of(instrument)]
        table = self._history.table(instrument, SeriesKind.KLINE)
        mark, index = (self._history.table(instrument, kind) for kind in (SeriesKind.MARK, SeriesKind.INDEX))
        ordinary = float(table.volume.mean()) / _lot(table, contract) if len(table) else 1.0
        crowd = Crowd(self.exchange, contract.symbol, self._seed, max(1, round(ordinary * _LEVEL_SHARE)))
        length = table.interval.length_ms
        candle, recording = OpenCandle(start_ms, 1, 1, 1, 1), self._source.recording(instrument)
        listing = Listing(instrument, contract, table, mark, index, length, crowd, candle, recording)
        self.listings[instrument.market, instrument.symbol] = listing
        self._by_name[contract.symbol] = listing

    @staticmethod
    def _opening(listing: Listing, at_ms: int) -> int:
        return at_ms // listing.length_ms * listing.length_ms

    def _recall(self, listing: Listing, at_ms: int) -> None:
        """Have the trades of the bar before for the last public ones; they change nothing any more."""
        row = int(np.searchsorted(listing.table.time, at_ms)) - 1
        if row < 0:
            return
        candle = candle_of(listing, row)
        for trade in self._prints(listing, candle):
            number, time = self.exchange.number_trade(), candle.time_ms + trade.offset_ms
            listing.recent.append(Traded(time, listing.name, number, trade.sign, trade.lots, trade.ticks))

    def _open_bar(self, listing: Listing, at_ms: int) -> None:
        row = int(np.searchsorted(listing.table.time, at_ms))
        if row < len(listing.table) and int(listing.table.time[row]) == at_ms:
            for trade in self._prints(listing, candle_of(listing, row)):
                self._at(at_ms + trade.offset_ms, lambda now, trade=trade: listing.crowd.play(trade, now))  # type: ignore[misc]
        self._follow_book(listing, at_ms)
        self._at(at_ms + listing.length_ms, lambda now: self._close_bar(listing, now))

    def _prints(self, listing: Listing, candle: Candle) -> list[Print]:
        """Return a bar's trades: the recorded ones where they make up the bar, else what may have happened."""
        if listing.recording is not None:
            found = listing.recording.prints(candle.time_ms, candle.time_ms + listing.length_ms)
            if found and made_of(candle.time_ms, found) == candle:
                return found
        return prints_of(candle, self._seed, listing.name, listing.length_ms)

    def _follow_book(self, listing: Listing, at_ms: int) -> None:
        """Quote as the recorded book does for the length of a bar; without a change in it, the recording is over."""
        if listing.recording is None:
            return
        crowd, updates = listing.crowd, listing.recording.updates(at_ms, at_ms + listing.length_ms)
        if updates and not crowd.is_recorded:
            standing = listing.recording.standing(at_ms)
            if standing:
                crowd.show(standing, at_ms, whole=True)
        elif not updates and crowd.is_recorded:
            crowd.stand_around(listing.candle.close, at_ms)
        for time, whole, quotes in updates:
            self._at(time, lambda now, whole=whole, quotes=quotes: crowd.show(quotes, now, whole=whole))  # type: ignore[misc]

    def _close_bar(self, listing: Listing, now_ms: int) -> None:
        candle = listing.candle
        if candle.disturbed:
            self._history.amend(listing.instrument, row_of(listing, candle))
            listing.table = self._history.table(listing.instrument, SeriesKind.KLINE)
        self._closed.append(BarClosed(now_ms, listing.name, candle))
        listing.candle = OpenCandle(now_ms, candle.close, candle.close, candle.close, candle.close)
        self._open_bar(listing, now_ms)

    def _second(self, now_ms: int) -> None:
        for listing in self.listings.values():
            if listing.contract.kind is not Kind.SPOT:
                for by, table in ((Price.MARK, listing.mark), (Price.INDEX, listing.index)):
                    ticks = _price_within(listing, table, now_ms)
                    if ticks is not None and ticks != self.exchange.prices[listing.name, by]:
                        self.exchange.set_price(listing.name, by, ticks, now_ms)
            else:
                # There are no other places that a mean could be of.
                last = self.exchange.prices[listing.name, Price.LAST]
                self.exchange.prices |= {(listing.name, Price.MARK): last, (listing.name, Price.INDEX): last}
            draw = Random(f"{self._seed}/{listing.name}/{now_ms}")  # noqa: S311 - a market, not a secret
            listing.crowd.fidget(draw, _RESTLESS, now_ms)
        self._at(now_ms + SECOND_MS, self._second)

    def next_funding(self, listing: Listing, after_ms: int) -> tuple[int, float] | None:
        """Return time and rate of the next settlement of funding; None if there is none.

        They are the source's; once the interval was changed, its times are full multiples and its rate is their share.
        """
        rates = self._history.funding(listing.instrument)
        row = int(np.searchsorted(rates.timestamp, after_ms, side="right"))
        if row == len(rates.timestamp):
            return None
        at, rate = int(rates.timestamp[row]), float(rates.rate[row])
        usual, minutes = listing.contract.funding_minutes, listing.instrument.funding_interval_minutes
        if minutes != usual:
            span = minutes * _MINUTE_MS
            return (after_ms // span + 1) * span, round(rate * minutes / usual, 8)
        return at, rate

    def reschedule_funding(self, listing: Listing) -> None:
        """Expect funding anew after its interval was changed."""
        self._funding_plan[listing.name] = self._funding_plan.get(listing.name, 0) + 1
        self._expect_funding(listing, self.now_ms)

    def _expect_funding(self, listing: Listing, after_ms: int) -> None:
        coming = self.next_funding(listing, after_ms)
        if coming is None:
            return
        at, rate = coming
        plan = self._funding_plan.get(listing.name, 0)

        def due(now_ms: int) -> None:
            if plan == self._funding_plan.get(listing.name, 0):
                self.exchange.settle_funding(listing.name, round(rate * RATE_SCALE), now_ms)
                self._expect_funding(listing, now_ms)

        self._at(at, due)


def name_of(instrument: Instrument) -> str:
    """Return an instrument's name in the core: symbols are unique within a market only."""
    return f"{instrument.market}/{instrument.symbol}"


def contract_of(instrument: Instrument) -> Contract:
    """Return the core's contract of an instrument."""
    kind = _KINDS[instrument.market]
    tiers: tuple[Tier, ...] = ()
    if kind is not Kind.SPOT:
        tiers = tuple(
            Tier(
                int(rung.cap / UNIT),
                int(rung.maintenance * RATE_SCALE),
                int(rung.deduction / UNIT),
                rung.leverage,
            )
            for rung in ladder(instrument)
        )
    return Contract(
        name_of(instrument),
        kind,
        instrument.base,
        instrument.quote,
        instrument.settle,
        instrument.tick_size,
        instrument.quantity_step,
        instrument.contract_value,
        min_lots=int(instrument.min_quantity / instrument.quantity_step),
        min_value=instrument.min_notional,
        tiers=tiers,
        maker_rate=int(instrument.maker_fee * RATE_SCALE),
        taker_rate=int(instrument.taker_fee * RATE_SCALE),
        funding_minutes=instrument.funding_interval_minutes,
    )


def row_of(listing: Listing, candle: OpenCandle) -> dict[str, int]:
    """Return a bar as a row of the listing's table."""
    grid = listing.table.grid
    tick, lot = _tick(listing.table, listing.contract), _lot(listing.table, listing.contract)
    return {
        "time": candle.time_ms,
        "open": round(candle.open * tick),
        "high": round(candle.high * tick),
        "low": round(candle.low * tick),
        "close": round(candle.close * tick),
        "volume": round(candle.lots * lot),
        "turnover": int(candle.turnover * UNIT * 10**grid.turnover),
        "trades": candle.trades,
    }


def _tick(table: BarTable, contract: Contract) -> Decimal:
    """Return a tick in the whole numbers of a table's prices."""
    return contract.tick * Decimal(10**table.grid.price)


def _lot(table: BarTable, contract: Contract) -> float:
    """Return a lot in the whole numbers of a table's volumes."""
    return float(contract.step * 10**table.grid.volume)


def candle_of(listing: Listing, row: int) -> Candle:
    """Return a bar of a listing's table in ticks and lots."""
    table, tick, lot = listing.table, _tick(listing.table, listing.contract), _lot(listing.table, listing.contract)
    columns = (table.open, table.high, table.low, table.close)
    opened, high, low, close = (max(1, round(int(column[row]) / tick)) for column in columns)
    return Candle(int(table.time[row]), opened, high, low, close, round(int(table.volume[row]) / lot))


def _price_before(listing: Listing, at_ms: int) -> int:
    """Return the price at which a bar begins, ticks."""
    table = listing.table
    row = int(np.searchsorted(table.time, at_ms))
    if row < len(table) and int(table.time[row]) == at_ms:
        price = int(table.open[row])
    else:
        price = int(table.close[row - 1]) if row else int(table.open[0])
    return max(1, round(price / _tick(table, listing.contract)))


def _price_within(listing: Listing, table: BarTable, now_ms: int) -> int | None:
    """Return the mark or index price of now, ticks: on its way from its bar's open to the close; None if unknown."""
    row = int(np.searchsorted(table.time, now_ms, side="right")) - 1
    if row < 0 or now_ms - int(table.time[row]) >= table.interval.length_ms:
        return None
    begin, end = int(table.open[row]), int(table.close[row])
    price = begin + (end - begin) * (now_ms - int(table.time[row])) // table.interval.length_ms
    return max(1, round(price / _tick(table, listing.contract)))
