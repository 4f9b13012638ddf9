"""Binance's market data of now: order books, trades, tickers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.calls import Call, page_size, span_of, whole
from real_trade.exchange.binance.directory import Quotes, listed, pair_of
from real_trade.exchange.binance.refusals import Refusal
from real_trade.exchange.binance.spelling import amount, price, quantity
from real_trade.exchange.binance.tickers import mean_price, touch
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from real_trade.exchange.answers import Answer
    from real_trade.exchange.binance.tape import Joined, Tape
    from real_trade.exchange.core.events import Traded
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World

    Levels = list[tuple[int, int]]

_FUTURES_DEPTHS: Final = (5, 10, 20, 50, 100, 500, 1_000)
# By how much numbers of books are off after a restart.
_JUMP: Final = 100_000


class Board:
    """Books, trades and tickers.

    Args:
        directory: what is listed.
        world: the market as it goes on.
        history: bars.
        tape: public trades.
        settle: called before a book is told, so that the streams' next change begins there.
    """

    def __init__(
        self,
        directory: Quotes,
        world: World,
        history: History,
        tape: Tape,
        settle: Callable[[Listing], None],
    ) -> None:
        self._directory, self._world, self._history = directory, world, history
        self._tape, self._settle = tape, settle
        self._jump = 0

    # Books

    def depth(self, call: Call) -> dict[str, Any]:
        """Return a book."""
        listing = self._directory.listing(call)
        limit = whole(call.params, "limit")
        if call.is_spot:
            limit = min(100 if limit is None else limit, 5_000)
        else:
            limit = 500 if limit is None else limit
            if limit not in _FUTURES_DEPTHS:
                raise Refusal(-4021, f"'{limit}' is not valid depth limit")
        self._settle(listing)
        # The streams' changes end at even numbers, and the next one begins where this book is.
        head: dict[str, Any] = {"lastUpdateId": self.update_id(listing) + 1}
        now = self._world.now_ms
        if not call.is_spot:
            head |= {"E": now, "T": now}
        if call.market is Market.INVERSE:
            head |= {"symbol": listing.instrument.symbol, "pair": pair_of(listing.instrument)}
        bids, asks = self._world.exchange.books[listing.name].depth(limit)
        return head | {"bids": spelled_levels(listing, bids), "asks": spelled_levels(listing, asks)}

    def update_id(self, listing: Listing) -> int:
        """Return the number of the last change of a book."""
        return 2 * self._world.exchange.books[listing.name].version + self._jump

    def renumber(self) -> None:
        """Go on with other numbers."""
        self._jump += _JUMP

    def book_ticker(self, call: Call) -> Answer:
        """Return the best bid and ask."""
        rows = []
        for listing in self._directory.listings(call):
            bid, bids, ask, asks = touch(self._world, listing)
            row: dict[str, object] = {"symbol": listing.instrument.symbol}
            if call.market is Market.INVERSE:
                row["pair"] = pair_of(listing.instrument)
            row |= {"bidPrice": bid, "bidQty": bids, "askPrice": ask, "askQty": asks}
            if not call.is_spot:
                row |= {"time": self._world.now_ms, "lastUpdateId": self.update_id(listing)}
            rows.append(row)
        return listed(call, rows)

    # Trades

    def trades(self, call: Call) -> list[dict[str, Any]]:
        """Return the last trades, oldest first."""
        listing = self._directory.listing(call)
        limit, first = page_size(call, 500, 1_000), whole(call.params, "fromId")
        found = self._tape.trades(listing.name)
        if first is not None and call.name == "historicalTrades":
            found = [pair for pair in found if pair[0] >= first][:limit]
        return [self._trade(listing, number, trade) for number, trade in found[-limit:]]

    def _trade(self, listing: Listing, number: int, trade: Traded) -> dict[str, Any]:
        contract = listing.contract
        row: dict[str, Any] = {
            "id": number,
            "price": price(contract, trade.ticks),
            "qty": quantity(contract, trade.lots),
        }
        value = amount(contract.value(trade.lots, trade.ticks))
        row["baseQty" if listing.instrument.market is Market.INVERSE else "quoteQty"] = value
        row |= {"time": trade.time_ms, "isBuyerMaker": trade.sign < 0}
        return row | ({"isBestMatch": True} if listing.instrument.market is Market.SPOT else {})

    def joined_trades(self, call: Call) -> list[dict[str, Any]]:
        """Return the last trades, those of one taker at one price together, oldest first."""
        listing = self._directory.listing(call)
        limit, first = page_size(call, 500, 1_000), whole(call.params, "fromId")
        start, end = span_of(call)
        found = [j for j in self._tape.joined(listing.name) if start <= j.time_ms <= end]
        if first is not None:
            found = [j for j in found if j.number >= first]
        ahead = first is not None or "startTime" in call.params
        return [self.joined_row(listing, j) for j in (found[:limit] if ahead else found[-limit:])]

    @staticmethod
    def joined_row(listing: Listing, joined: Joined) -> dict[str, Any]:
        """Return a joined trade as REST writes it."""
        row = {
            "a": joined.number,
            "p": price(listing.contract, joined.ticks),
            "q": quantity(listing.contract, joined.lots),
            "f": joined.first,
            "l": joined.last,
            "T": joined.time_ms,
            "m": joined.sign < 0,
        }
        return row | ({"M": True} if listing.instrument.market is Market.SPOT else {})

    # What is derived

    def average(self, call: Call) -> dict[str, Any]:
        """Return the mean price of five minutes."""
        mean = self.mean(self._directory.listing(call))
        return {"mins": 5, "price": f"{mean:.8f}", "closeTime": self._world.now_ms}

    def mean(self, listing: Listing) -> Decimal:
        """Return the mean price of five minutes."""
        return mean_price(self._history, self._world, listing)

    # Of the futures

    def rpi_depth(self, call: Call) -> dict[str, Any]:
        """Return a book with what retail traders alone may take, of which there is none."""
        return self.depth(replace(call, params={"symbol": call.params.get("symbol", ""), "limit": "1000"}))


def spelled_levels(listing: Listing, levels: Levels) -> list[list[str]]:
    """Spell pairs of ticks and lots."""
    contract = listing.contract
    return [[price(contract, ticks), quantity(contract, lots)] for ticks, lots in levels]
