"""Which instruments a request means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.exchange.binance.calls import Call, given, ok, symbol_of
from real_trade.exchange.binance.dated import is_dated
from real_trade.exchange.binance.refusals import Refusal
from real_trade.model import Instrument, Market

if TYPE_CHECKING:
    from real_trade.exchange.answers import Answer
    from real_trade.exchange.binance.dated import Dated
    from real_trade.exchange.core.contract import Contract
    from real_trade.exchange.source import MarketSource
    from real_trade.exchange.world import Listing, World


class Directory:
    """All that accounts trade.

    Args:
        source: the market.
        world: the market as it goes on.
        dated: what is quoted, and not traded.
    """

    def __init__(self, source: MarketSource, world: World, dated: Dated) -> None:
        self._instruments = {(i.market, i.symbol): i for i in source.instruments()}
        self._world, self._dated = world, dated

    def of(self, market: Market) -> list[Instrument]:
        """Return all instruments of a market."""
        return [self._now(i) for i in self._instruments.values() if i.market is market]

    def one(self, call: Call, name: str = "symbol") -> Instrument:
        """Return the instrument that a parameter names.

        Raises:
            Refusal: it names none.
        """
        text = symbol_of(call, name)
        symbol = f"{text}_PERP" if name == "pair" and call.market is Market.INVERSE else text
        instrument = self._instruments.get((call.market, symbol))
        if instrument is not None:
            return self._now(instrument)
        if self._dated.is_future(call.market, symbol):
            return self._only_quoted()
        raise Refusal(-1121, "Invalid symbol.")

    def _only_quoted(self) -> Instrument:
        """Return the dated future, where it will do.

        Raises:
            Refusal: it will not.
        """
        raise Refusal(-4140, "Invalid symbol status for opening position.")

    def _now(self, instrument: Instrument) -> Instrument:
        """Return an instrument as it is listed now: its grid may have changed."""
        listing = self._world.listings.get((instrument.market, instrument.symbol))
        return instrument if listing is None else listing.instrument

    def closed(self, market: Market) -> set[str]:
        """Return the symbols of a market that are not traded any more."""
        found = self._world.listings.items()
        return {symbol for (which, symbol), listing in found if which is market and not listing.is_trading}

    def chosen(self, call: Call) -> list[Instrument]:
        """Return the instrument asked for, some, or all of the market."""
        if given(call, "symbol"):
            return [self.one(call)]
        found = self.of(call.market)
        if call.is_spot and given(call, "symbols"):
            found = [i for i in found if f'"{i.symbol}"' in call.params["symbols"]]
        if call.market is Market.INVERSE and given(call, "pair"):
            found = [i for i in found if pair_of(i) == call.params["pair"]]
        return found

    def listing(self, call: Call) -> Listing:
        """Return the instrument that a request names, as it is going on.

        Raises:
            Refusal: it names none.
        """
        instrument = self.one(call)
        return self._world.listings[instrument.market, instrument.symbol]

    def contract(self, call: Call) -> Contract | None:
        """Return what is traded under the symbol of a request; None for what is only quoted.

        Raises:
            Refusal: the symbol is nothing's.
        """
        return None if self._dated.is_future(call.market, symbol_of(call)) else self.listing(call).contract

    def charged_as(self, call: Call) -> Instrument:
        """Return the instrument whose fees a symbol has: the perpetual for the dated future, itself for others.

        Raises:
            Refusal: the symbol is nothing's.
        """
        if self._dated.perpetual is not None and self._dated.is_future(call.market, symbol_of(call)):
            return self._dated.perpetual
        return self.one(call)

    def listings(self, call: Call) -> list[Listing]:
        """Return the instrument asked for, some, or all of the market, as they are going on."""
        if self._dated.is_future(call.market, call.params.get("symbol", "")):
            return []
        return [self._world.listings[i.market, i.symbol] for i in self.chosen(call)]


class Quotes(Directory):
    """All that has prices: what accounts trade, and the dated future."""

    def of(self, market: Market) -> list[Instrument]:
        """Return all instruments of a market, the dated future last."""
        perpetual = self._dated.perpetual
        found = super().of(market)
        return found if market is not Market.LINEAR or perpetual is None else [*found, self._only_quoted()]

    def _only_quoted(self) -> Instrument:
        assert self._dated.perpetual is not None
        return self._dated.future(self._now(self._dated.perpetual))

    def listing(self, call: Call) -> Listing:
        """Return the instrument that a request names, as it is going on.

        Raises:
            Refusal: it names none.
        """
        listing = self.going(self.one(call))
        assert listing is not None
        return listing

    def listings(self, call: Call) -> list[Listing]:
        """Return the instrument asked for, some, or all of the market, as they are going on."""
        return [listing for i in self.chosen(call) if (listing := self.going(i)) is not None]

    def going(self, instrument: Instrument) -> Listing | None:
        """Return an instrument as it is going on, None where the market does not."""
        parent = self.parent(instrument)
        listing = self._world.listings.get((parent.market, parent.symbol))
        return listing if listing is None or parent is instrument else self._dated.follow(listing)

    def refresh(self, market: Market) -> None:
        """Bring the dated future of a market up to date with its perpetual."""
        if market is Market.LINEAR and self._dated.perpetual is not None:
            self.going(self._only_quoted())

    def named(self, market: Market, symbol: str) -> Listing | None:
        """Return the instrument of a symbol as it is going on, None where there is none."""
        if self._dated.is_future(market, symbol):
            return self.going(self._only_quoted())
        return self._world.listings.get((market, symbol))

    def parent(self, instrument: Instrument) -> Instrument:
        """Return the instrument whose prices one has: the perpetual for the dated future, itself for others."""
        return self._dated.perpetual if is_dated(instrument) and self._dated.perpetual is not None else instrument

    def dated_facts(self, symbol: str) -> dict[str, Any]:
        """Return what exchangeInfo says of a dated future otherwise than of a perpetual; nothing for others."""
        return self._dated.facts() if self._dated.is_future(Market.LINEAR, symbol) else {}

    def is_dated_pair(self, pair: str) -> bool:
        """Tell whether the dated future belongs to a pair."""
        return self._dated.perpetual is not None and pair == self._dated.perpetual.symbol


def listed(call: Call, rows: list[dict[str, object]]) -> Answer:
    """Return one object where a symbol was asked for, a list otherwise; coin-margined answers are always lists."""
    single = call.params.get("symbol") and call.market is not Market.INVERSE
    return ok(rows[0] if single else rows, len(rows))


def pair_of(instrument: Instrument) -> str:
    """Return the pair that an instrument belongs to."""
    return instrument.symbol.partition("_")[0]


def price_decimals(instrument: Instrument) -> int:
    """Return the decimals of a price."""
    return 8 if instrument.market is Market.SPOT else instrument.price_decimals
