"""An order book: price-time priority, with an anonymous crowd before and behind the orders of accounts."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Owner of liquidity that belongs to no account.
CROWD = 0


class Entry(NamedTuple):
    """A place in the queue of a level: an order, or a part of the crowd."""

    order_id: int
    lots: int


class Match(NamedTuple):
    """One maker met by a taker.

    Attributes:
        order_id: of the maker; `CROWD` for the crowd.
        ticks: price of the maker.
        lots: how much of it is taken.
        left: what is left of the maker's place in the queue.
    """

    order_id: int
    ticks: int
    lots: int
    left: int


@dataclass(slots=True)
class Level:
    """All that is offered at one price, first come first served.

    Attributes:
        queue: places in order of arrival.
        lots: their sum.
        crowd: the crowd's part of it.
    """

    queue: deque[Entry]
    lots: int = 0
    crowd: int = 0

    def append(self, entry: Entry) -> None:
        """Join the end of the queue; the crowd joins the crowd that stands there."""
        self.lots += entry.lots
        if entry.order_id == CROWD:
            self.crowd += entry.lots
            if self.queue and self.queue[-1].order_id == CROWD:
                self.queue[-1] = Entry(CROWD, self.queue[-1].lots + entry.lots)
                return
        self.queue.append(entry)


class Side:
    """Bids or asks.

    Args:
        sign: +1 for bids (best is highest), -1 for asks.
    """

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: dict[int, Level] = {}
        # Grows with every change.
        self.version = 0
        # Prices times -sign, ascending: the best one first.
        self._keys: list[int] = []

    @property
    def best(self) -> int | None:
        """Return the best price, None if nothing is offered."""
        return -self.sign * self._keys[0] if self._keys else None

    def prices(self) -> Iterator[int]:
        """Yield prices from the best on."""
        return (-self.sign * key for key in self._keys)

    def reaches(self, limit: int | None) -> bool:
        """Tell whether the best price is at least as good as a taker's limit (None: any)."""
        best = self.best
        if best is None:
            return False
        return limit is None or self.sign * best >= self.sign * limit

    def add(self, ticks: int, entry: Entry) -> None:
        """Join the queue at a price."""
        self.version += 1
        level = self.levels.get(ticks)
        if level is None:
            level = self.levels[ticks] = Level(deque())
            insort(self._keys, -self.sign * ticks)
        level.append(entry)

    def drop(self, ticks: int) -> None:
        """Forget an empty level."""
        del self.levels[ticks]
        del self._keys[bisect_left(self._keys, -self.sign * ticks)]

    def remove(self, ticks: int, order_id: int) -> int:
        """Take an order out of its queue and return what was left of it."""
        self.version += 1
        level = self.levels[ticks]
        for place, entry in enumerate(level.queue):
            if entry.order_id == order_id:
                del level.queue[place]
                level.lots -= entry.lots
                if not level.queue:
                    self.drop(ticks)
                return entry.lots
        raise KeyError(order_id)

    def reduce(self, ticks: int, order_id: int, lots: int) -> None:
        """Make an order smaller without its losing its place."""
        self.version += 1
        level = self.levels[ticks]
        for place, entry in enumerate(level.queue):
            if entry.order_id == order_id:
                level.queue[place] = Entry(order_id, lots)
                level.lots -= entry.lots - lots
                return
        raise KeyError(order_id)

    def set_crowd(self, ticks: int, lots: int) -> None:
        """Let the crowd offer so much at a price: more joins the end, less leaves from the end."""
        self.version += 1
        level = self.levels.get(ticks)
        if level is None:
            if lots > 0:
                self.add(ticks, Entry(CROWD, lots))
            return
        if lots > level.crowd:
            level.append(Entry(CROWD, lots - level.crowd))
            return
        self._thin_out(level, level.crowd - lots)
        if not level.queue:
            self.drop(ticks)

    @staticmethod
    def _thin_out(level: Level, excess: int) -> None:
        for place in range(len(level.queue) - 1, -1, -1):
            if excess == 0:
                return
            order_id, lots = level.queue[place]
            if order_id != CROWD:
                continue
            taken = min(lots, excess)
            if taken == lots:
                del level.queue[place]
            else:
                level.queue[place] = Entry(CROWD, lots - taken)
            level.lots -= taken
            level.crowd -= taken
            excess -= taken

    def available(self, limit: int | None, wanted: int) -> int:
        """Return how much could be taken at a limit, up to what is wanted."""
        found = 0
        for entry in self.entries(limit):
            found += entry.lots
            if found >= wanted:
                return wanted
        return found

    def entries(self, limit: int | None) -> Iterator[Entry]:
        """Yield what could be taken at a limit, in the order in which it would be."""
        for ticks in self.prices():
            if limit is not None and self.sign * ticks < self.sign * limit:
                return
            yield from self.levels[ticks].queue

    def first(self) -> int:
        """Return who is first in the queue at the best price: an order's number, or `CROWD`."""
        best = self.best
        assert best is not None
        return self.levels[best].queue[0].order_id

    def take(self, lots: int) -> Match:
        """Take up to so many lots from who is first in the queue at the best price."""
        self.version += 1
        best = self.best
        assert best is not None
        level = self.levels[best]
        order_id, offered = level.queue[0]
        taken = min(lots, offered)
        if taken == offered:
            level.queue.popleft()
        else:
            level.queue[0] = Entry(order_id, offered - taken)
        level.lots -= taken
        if order_id == CROWD:
            level.crowd -= taken
        if not level.queue:
            self.drop(best)
        return Match(order_id, best, taken, offered - taken)


class Book:
    """Bids and asks of one instrument."""

    def __init__(self) -> None:
        self.bids = Side(1)
        self.asks = Side(-1)

    def side(self, sign: int) -> Side:
        """Return bids for +1, asks for -1."""
        return self.bids if sign > 0 else self.asks

    @property
    def version(self) -> int:
        """Return a number that grows with every change."""
        return self.bids.version + self.asks.version

    @property
    def is_crossed(self) -> bool:
        """Tell whether somebody bids as much as another asks, which matching never leaves behind."""
        bid, ask = self.bids.best, self.asks.best
        return bid is not None and ask is not None and bid >= ask

    def depth(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return so many levels of bids and asks from the best on, as pairs of ticks and lots."""
        found: list[list[tuple[int, int]]] = []
        for side in (self.bids, self.asks):
            pairs = ((ticks, side.levels[ticks].lots) for ticks in side.prices())
            found.append([pair for _, pair in zip(range(levels), pairs, strict=False)])
        return found[0], found[1]
