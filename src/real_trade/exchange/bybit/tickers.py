"""Bybit's tickers: the last 24 hours of an instrument, and where it stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.exchange.bybit.spelling import price, quantity
from real_trade.exchange.core.orders import Price
from real_trade.exchange.words import plain
from real_trade.model import Market, SeriesKind

if TYPE_CHECKING:
    from decimal import Decimal

    from real_trade.exchange.bybit.dated import Dated
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World

_HOUR_MS: Final = 3_600_000


class Tickers:
    """Spells tickers.

    Args:
        history: the market's bars.
        world: the market as it goes on.
        dated: the future that follows a perpetual.
    """

    def __init__(self, history: History, world: World, dated: Dated) -> None:
        self._history, self._world, self._dated = history, world, dated

    def of(self, listing: Listing, symbol: str) -> dict[str, str]:
        """Return the last 24 hours of an instrument and where it stands now."""
        instrument, contract, now = listing.instrument, listing.contract, self._world.now_ms
        prices = self._world.exchange.prices
        last = prices[contract.symbol, Price.LAST]
        bids, asks = self._world.exchange.books[contract.symbol].depth(1)
        day = self._history.last_day(instrument, SeriesKind.KLINE, now)
        now_price = last * contract.tick
        first = now_price if day is None else day.first
        ticker = {
            "symbol": symbol,
            "lastPrice": price(contract, last),
            "prevPrice24h": plain(first),
            "price24hPcnt": plain(round((now_price - first) / first, 6)),
            "highPrice24h": plain(max(now_price, now_price if day is None else day.high)),
            "lowPrice24h": plain(min(now_price, now_price if day is None else day.low)),
            "turnover24h": "0" if day is None else plain(day.turnover),
            "volume24h": "0" if day is None else plain(day.volume),
            "bid1Price": price(contract, bids[0][0]) if bids else "",
            "bid1Size": quantity(contract, bids[0][1]) if bids else "",
            "ask1Price": price(contract, asks[0][0]) if asks else "",
            "ask1Size": quantity(contract, asks[0][1]) if asks else "",
        }
        if instrument.market is Market.SPOT:
            return ticker | {"usdIndexPrice": price(contract, prices[contract.symbol, Price.INDEX])}
        found = ticker | self._perpetual(listing, now)
        if self._dated.is_future(symbol):
            basis = prices[contract.symbol, Price.LAST] - prices[contract.symbol, Price.INDEX]
            found |= {
                "fundingRate": "",
                "nextFundingTime": "0",
                "fundingIntervalHour": "",
                "fundingCap": "",
                "predictedDeliveryPrice": found["indexPrice"],
                "basisRate": f"{basis / prices[contract.symbol, Price.INDEX]:.8f}",
                "basis": plain(basis * contract.tick),
                "deliveryFeeRate": "0.0005",
                "deliveryTime": str(self._dated.delivery_ms),
            }
        return found

    def _perpetual(self, listing: Listing, now: int) -> dict[str, str]:
        instrument, contract = listing.instrument, listing.contract
        coming = self._world.next_funding(listing, now)
        hour = self._history.last_day(instrument, SeriesKind.KLINE, now, _HOUR_MS)
        interest = self.interest(listing, now)
        mark = self._world.exchange.mark(contract)
        index = self._world.exchange.prices[contract.symbol, Price.INDEX]
        return {
            "prevPrice1h": plain(hour.first) if hour else "",
            "markPrice": price(contract, mark),
            "indexPrice": price(contract, index),
            "openInterest": plain(interest),
            "openInterestValue": plain(
                interest if instrument.market is Market.INVERSE else interest * mark * contract.tick
            ),
            "fundingRate": plain(coming[1]) if coming else "",
            "nextFundingTime": str(coming[0]) if coming else "0",
            "fundingIntervalHour": str(instrument.funding_interval_minutes // 60),
            "fundingCap": "0.0075",
            "predictedDeliveryPrice": "",
            "basisRate": "",
            "basis": "",
            "deliveryFeeRate": "",
            "deliveryTime": "0",
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
        }

    def interest(self, listing: Listing, at_ms: int) -> Decimal:
        """Return the open interest: of a rehearsal's crowd, a thousand minutes of its volume and what accounts hold."""
        contract = listing.contract
        held = sum(
            max(0, position.lots)
            for account in self._world.exchange.accounts.values()
            for position in account.positions.values()
            if position.contract is contract
        )
        sway = 100 + (at_ms // _HOUR_MS * 7 % 11)
        return (listing.crowd.lots * 10 * sway + held) * contract.step
