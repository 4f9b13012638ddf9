"""Background liquidity: fifty and more levels around the price, moved along a path of trades.

Where no account's order is in the way, the trades come out as the path has them; where one is, it is met in its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from real_trade.exchange.core.exchange import Exchange
    from real_trade.exchange.core.path import Print

LEVELS: Final = 60


class Quote(NamedTuple):
    """What stands at a price.

    Attributes:
        sign: +1 a bid, -1 an ask.
        ticks: the price.
        lots: 0 where nothing stands any more.
    """

    sign: int
    ticks: int
    lots: int


class Crowd:
    """The crowd in one symbol.

    Args:
        exchange: where it quotes.
        symbol: what it trades.
        seed: decides how much stands at each price.
        lots: ordinary quantity at a level near the touch.
        levels: on each side.
    """

    def __init__(self, exchange: Exchange, symbol: str, seed: int, lots: int, levels: int = LEVELS) -> None:
        self.exchange, self.symbol, self.seed, self.lots, self.levels = exchange, symbol, seed, lots, levels
        self._bid: int | None = None
        # It quotes as a recorded book has it.
        self.is_recorded = False

    def stand_around(self, bid: int, now_ms: int) -> None:
        """Quote bids from a price downwards and asks from the next tick upwards; levels left behind are taken back."""
        if self.is_recorded:
            self.is_recorded = False
            self._leave(set(), now_ms)
        before, self._bid = self._bid, bid
        if before == bid:
            return
        for sign in (1, -1):
            wanted = self._prices(bid, sign)
            left = set() if before is None else set(self._prices(before, sign)) - set(wanted)
            # First those that would be in the way of the other side.
            for ticks in left:
                self.exchange.quote(self.symbol, sign, ticks, 0, now_ms)
        for sign in (1, -1):
            known = set() if before is None else set(self._prices(before, sign))
            for ticks in self._prices(bid, sign):
                if ticks not in known:
                    self.exchange.quote(self.symbol, sign, ticks, self._size(ticks, sign), now_ms)

    def show(self, quotes: Sequence[Quote], now_ms: int, *, whole: bool = False) -> None:
        """Quote as a recorded book does: from a whole one on, until the crowd stands by itself again.

        Args:
            quotes: levels that changed; of a whole book all of them.
            now_ms: time.
            whole: what is not among them is taken back.
        """
        if whole:
            self.is_recorded, self._bid = True, None
            self._leave({(quote.sign, quote.ticks) for quote in quotes}, now_ms)
        if not self.is_recorded:
            return
        for sign, ticks, lots in sorted(quotes, key=lambda quote: quote.lots > 0):
            if lots:
                self._make_way(sign, ticks, now_ms)
            self.exchange.quote(self.symbol, sign, ticks, lots, now_ms)

    def play(self, trade: Print, now_ms: int) -> None:
        """Let a trade of the path happen: the book comes to its price, and its lots are taken there."""
        if self.is_recorded:
            self._take_recorded(trade, now_ms)
            return
        self.stand_around(trade.ticks - 1 if trade.sign > 0 else trade.ticks, now_ms)
        side = self.exchange.books[self.symbol].side(-trade.sign)
        level = side.levels.get(trade.ticks)
        standing = 0 if level is None else level.crowd
        if standing < trade.lots:
            self.exchange.quote(self.symbol, -trade.sign, trade.ticks, trade.lots, now_ms)
        self.exchange.crowd_takes(self.symbol, trade.sign, trade.lots, trade.ticks, now_ms)
        self.exchange.quote(self.symbol, -trade.sign, trade.ticks, self._size(trade.ticks, -trade.sign), now_ms)

    def fidget(self, draw: Random, levels: int, now_ms: int) -> None:
        """Change what stands at so many levels of each side."""
        if self._bid is None:
            return
        for sign in (1, -1):
            prices = self._prices(self._bid, sign)
            for _ in range(levels):
                # Near the touch more than far from it.
                ticks = prices[int(len(prices) * draw.random() ** 2)]
                lots = max(1, int(self._size(ticks, sign) * (0.5 + draw.random())))
                self.exchange.quote(self.symbol, sign, ticks, lots, now_ms)

    def _take_recorded(self, trade: Print, now_ms: int) -> None:
        """Let a recorded trade happen, of which the recorded book may not have heard yet."""
        taken = self.exchange.books[self.symbol].side(-trade.sign)
        for ticks in [ticks for ticks in taken.prices() if (trade.ticks - ticks) * trade.sign > 0]:
            self.exchange.quote(self.symbol, -trade.sign, ticks, 0, now_ms)
        self._make_way(-trade.sign, trade.ticks, now_ms)
        level = taken.levels.get(trade.ticks)
        standing = 0 if level is None else level.crowd
        if standing < trade.lots:
            self.exchange.quote(self.symbol, -trade.sign, trade.ticks, trade.lots, now_ms)
        self.exchange.crowd_takes(self.symbol, trade.sign, trade.lots, trade.ticks, now_ms)
        self.exchange.quote(self.symbol, -trade.sign, trade.ticks, max(0, standing - trade.lots), now_ms)

    def _make_way(self, sign: int, ticks: int, now_ms: int) -> None:
        """Take back what the crowd quotes on the other side at a price or beyond it."""
        other = self.exchange.books[self.symbol].side(-sign)
        reached = []
        for price in other.prices():
            if (ticks - price) * sign < 0:
                break
            reached.append(price)
        for price in reached:
            self.exchange.quote(self.symbol, -sign, price, 0, now_ms)

    def _leave(self, kept: set[tuple[int, int]], now_ms: int) -> None:
        """Take back all quotes but those at some levels."""
        for sign in (1, -1):
            levels = self.exchange.books[self.symbol].side(sign).levels
            for ticks in [ticks for ticks, level in levels.items() if level.crowd and (sign, ticks) not in kept]:
                self.exchange.quote(self.symbol, sign, ticks, 0, now_ms)

    def _prices(self, bid: int, sign: int) -> range:
        if sign > 0:
            return range(bid, max(0, bid - self.levels), -1)
        return range(bid + 1, bid + 1 + self.levels)

    def _size(self, ticks: int, sign: int) -> int:
        """Return what stands at a price: the same whenever the price is come back to."""
        draw = crc32(f"{self.seed}/{self.symbol}/{ticks}/{sign}".encode()) / 2**32
        return 1 + int(self.lots * (0.2 + 1.8 * draw))
