"""Public trades as Binance numbers them: one after the other in each symbol, and joined where they belong together."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from real_trade.exchange.core.events import Executed, Traded

if TYPE_CHECKING:
    from real_trade.exchange.core.events import Event
    from real_trade.exchange.world import BarClosed, World

KEPT: Final = 1_000
_FIRST: Final = 1_000_000


@dataclass(slots=True)
class Joined:
    """Trades of one taker at one price, as aggTrade has them: its number, the first and the last of them."""

    number: int
    first: int
    last: int
    time_ms: int
    ticks: int
    lots: int
    sign: int


class _Strip:
    """The trades of one symbol."""

    def __init__(self) -> None:
        self.last_id = _FIRST
        self.last_trade = 0
        self.trades: deque[tuple[int, Traded]] = deque(maxlen=KEPT)
        self.joined: deque[Joined] = deque(maxlen=KEPT)
        self.number = _FIRST
        self.sealed = True

    def see(self, trade: int) -> int:
        """Return the number, in its symbol, of a trade of the core."""
        if trade != self.last_trade:
            self.last_trade = trade
            self.last_id += 1
        return self.last_id

    def add(self, event: Traded) -> tuple[int, Joined | None]:
        """Take a trade; return its number, and the joined trade that it begins."""
        number = self.see(event.trade)
        self.trades.append((number, event))
        last = self.joined[-1] if self.joined else None
        if last is not None and not self.sealed and (last.time_ms, last.ticks, last.sign) == _key(event):
            last.last, last.lots = number, last.lots + event.lots
            return number, None
        self.number += 1
        self.sealed = False
        begun = Joined(self.number, number, number, event.time_ms, event.ticks, event.lots, event.sign)
        self.joined.append(begun)
        return number, begun


class Tape:
    """All trades.

    Args:
        world: what happens.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._strips: dict[str, _Strip] = {}
        self._numbers: dict[int, int] = {}
        world.listen(self._hear)
        # What nobody was told of yet, in symbols that somebody listens to.
        self._fresh: dict[str, list[tuple[int, Traded]]] = {}
        self._begun: dict[str, list[Joined]] = {}

    def trades(self, name: str) -> list[tuple[int, Traded]]:
        """Return the last trades of a symbol of the core with their numbers, oldest first."""
        return list(self._strip(name).trades)

    def joined(self, name: str) -> list[Joined]:
        """Return the last joined trades, oldest first."""
        return list(self._strip(name).joined)

    def last_id(self, name: str) -> int:
        """Return the number of the last trade."""
        return self._strip(name).last_id

    def number(self, trade: int) -> int:
        """Return the number, in its symbol, of a trade that an account had part in."""
        return self._numbers[trade]

    def watch(self, name: str) -> None:
        """Keep what happens in a symbol until `take` asks for it."""
        self._fresh.setdefault(name, [])
        self._begun.setdefault(name, [])

    def take(self, name: str) -> tuple[list[tuple[int, Traded]], list[Joined]]:
        """Return the trades since the last call, single and joined; what comes next is joined with none of them."""
        fresh, begun = self._fresh.get(name, []), self._begun.get(name, [])
        if fresh:
            self._fresh[name], self._begun[name] = [], []
            self._strip(name).sealed = True
        return fresh, begun

    def leave(self, name: str) -> None:
        """Keep nothing any more."""
        self._fresh.pop(name, None)
        self._begun.pop(name, None)

    def _strip(self, name: str, before: int = 2**62) -> _Strip:
        """Return the trades of a symbol; they begin with what the market remembers from before it was watched."""
        strip = self._strips.get(name)
        if strip is None:
            strip = self._strips[name] = _Strip()
            for event in self._world.listing(name).recent:
                if event.trade < before:
                    strip.add(event)
            strip.sealed = True
        return strip

    def _hear(self, events: list[Event | BarClosed]) -> None:
        for event in events:
            if isinstance(event, Executed) and event.kind != "funding":
                self._numbers[event.trade] = self._strip(event.symbol, event.trade).see(event.trade)
            elif isinstance(event, Traded):
                number, begun = self._strip(event.symbol, event.trade).add(event)
                if event.symbol in self._fresh:
                    self._fresh[event.symbol].append((number, event))
                    if begun is not None:
                        self._begun[event.symbol].append(begun)


def _key(event: Traded) -> tuple[int, int, int]:
    return event.time_ms, event.ticks, event.sign
