"""Market making with an inventory limit, with limit orders on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.rolling import rolling_mean
from real_trade.model.errors import InputError
from real_trade.model.order import Flag
from real_trade.trading import Bar, Bars, Choice, Desk, Float, Int, Quantity, Strategy, refuse_on_spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.model.instrument import Instrument

LONG_SHORT = 1
POST_ONLY = int(Flag.POST_ONLY)


class MakerState(NamedTuple):
    """The quotes, how many of them were given, and the position they were made for; prices in ticks, signed lots."""

    bid: int = 0
    ask: int = 0
    quotes: int = 0
    position: int = 0


class MarketMaker(Strategy):
    """Bid below and offer above a mean of closes; lean against the inventory, and stop at its limit.

    The point quoted around falls as the inventory grows, by ``skew`` at the limit, so that the side that reduces it is
    nearer. Quotes are post-only and stay off the last close, so that every fill pays the maker's fee. They are moved
    when one should move by more than ``requote``, and renewed when one has filled or was canceled rather than take. In
    long_only it offers only what it holds.
    Source: Avellaneda and Stoikov (2008), Quantitative Finance 8, with a fixed spread and skew in place of theirs.
    """

    window = Int(5, 1, 100_000, "bars in the mean that is quoted around; 1 is the last close")
    spread = Float(10.0, 0.0, 5000.0, "distance of each quote, basis points")
    skew = Float(10.0, 0.0, 5000.0, "shift of both quotes at the inventory limit, basis points")
    requote = Float(2.0, 0.0, 1000.0, "move that moves the quotes, basis points")
    size = Quantity("0.01", "quantity of each quote")
    limit = Quantity("0.05", "largest inventory")
    mode = Choice(("long_only", "long_short"), "whether the inventory may be short")
    State = MakerState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return the mean, in ticks."""
        return {"mean": rolling_mean(bars.close, p.window)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        """Keep a bid and an offer, each as large as the inventory limit allows."""
        if not x.mean > 0.0:
            return state
        position = desk.position
        point = x.mean * (1.0 - p.skew * 1e-4 * position / p.limit)
        bid = min(int(point * (1.0 - p.spread * 1e-4)), bar.close - 1)
        ask = max(int(point * (1.0 + p.spread * 1e-4)) + 1, bar.close + 1)
        near = p.requote * 1e-4 * x.mean
        is_near = abs(bid - state.bid) <= near and abs(ask - state.ask) <= near
        if 0 < desk.open_orders == state.quotes and position == state.position and is_near:
            return state
        desk.cancel_all()
        buys = min(p.size, p.limit - position)
        sells = min(p.size, position + p.limit if p.mode == LONG_SHORT else position)
        if buys > 0:
            desk.buy_limit(buys, bid, POST_ONLY)
        if sells > 0:
            desk.sell_limit(sells, ask, POST_ONLY)
        return MakerState(bid, ask, (buys > 0) + (sells > 0), position)

    @staticmethod
    def check(p: Any, instrument: Instrument) -> None:
        """Refuse a limit below one quote, and short positions on spot."""
        if p.limit < p.size:
            raise InputError(
                "The inventory limit is smaller than one quote.",
                code="bad_parameter",
                field="limit",
                value=p.limit,
                fix="Choose limit >= size.",
            )
        if p.mode == LONG_SHORT:
            refuse_on_spot(instrument.market, "mode=long_short")
