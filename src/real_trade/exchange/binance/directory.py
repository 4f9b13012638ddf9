"""Which instruments a request means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.exchange.binance.calls import Call, given, ok, symbol_of
from real_trade.exchange.binance.refusals import Refusal
from real_trade.model import Instrument, Market

if TYPE_CHECKING:
    from real_trade.exchange.answers import Answer
    from real_trade.exchange.source import MarketSource
    from real_trade.exchange.world import Listing, World


class Directory:
    """All that is listed.

    Args:
        source: the market.
        world: the market as it goes on.
    """

    def __init__(self, source: MarketSource, world: World) -> None:
        self._instruments = {(i.market, i.symbol): i for i in source.instruments()}
        self._world = world

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
        if instrument is None:
            raise Refusal(-1121, "Invalid symbol.")
        return self._now(instrument)

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

    def listings(self, call: Call) -> list[Listing]:
        """Return the instrument asked for, some, or all of the market, as they are going on."""
        return [self._world.listings[i.market, i.symbol] for i in self.chosen(call)]


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
