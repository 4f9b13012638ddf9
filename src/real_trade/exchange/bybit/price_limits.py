"""How far from the market a limit order may be at Bybit, and what becomes of one that is farther."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.bybit.parameters import choice
from real_trade.exchange.bybit.refusals import Refusal, refusal_of
from real_trade.exchange.bybit.spelling import price
from real_trade.exchange.core.contract import RATE_SCALE, Contract, Kind
from real_trade.exchange.core.orders import Price, Why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.core.exchange import Exchange

# Of the mark price, on spot of index and last price: the venue's two ratios, which are the same here; 1e-9.
PRICE_RATIO: Final = 50_000_000


class PriceLimits:
    """The highest bids and the lowest offers.

    Args:
        exchange: the core.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        # Whether what is too far is brought nearer: by account and whether it is spot.
        self._moves: dict[tuple[int, bool], bool] = {}

    def of(self, contract: Contract) -> tuple[int, int]:
        """Return the highest bid and the lowest offer that are taken, in ticks."""
        middles = [self._exchange.mark(contract)]
        if contract.kind is Kind.SPOT:
            # The venue adds to the index how far trades have been from it of late; here it is how far the last one is.
            middles = [self._exchange.prices[contract.symbol, by] for by in (Price.INDEX, Price.LAST)]
        below = min(middles) * (RATE_SCALE - PRICE_RATIO)
        return max(middles) * (RATE_SCALE + PRICE_RATIO) // RATE_SCALE, max(1, -(-below // RATE_SCALE))

    def near(self, account: int, contract: Contract, sign: int, ticks: int) -> int:
        """Return the price at which a limit order is taken: its own, or where it was too far the nearest.

        Raises:
            Refusal: it is too far, and the account wants to be told so; on spot every account does at first.
        """
        highest, lowest = self.of(contract)
        if lowest <= ticks <= highest or (ticks < lowest if sign > 0 else ticks > highest):
            return ticks
        limit, spot = highest if sign > 0 else lowest, contract.kind is Kind.SPOT
        if self._moves.get((account, spot), not spot):
            return limit
        if not spot:
            raise refusal_of(Why.BAD_PRICE, contract.kind)
        said = f"than {price(contract, limit)}{contract.quote}."
        if sign > 0:
            raise Refusal(170193, f"Buy order price cannot be higher {said}")
        raise Refusal(170194, f"Sell order price cannot be lower {said}")

    def choose(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Have orders that are too far brought nearer, or refused: of spot, or of all contracts.

        Raises:
            Refusal: it is not said which.
        """
        category = choice(params, "category", ("spot", "linear", "inverse"))
        wanted = {"modifyEnable": str(params.get("modifyEnable", "")).lower()}
        self._moves[account, category == "spot"] = choice(wanted, "modifyEnable", ("true", "false")) == "true"
        return {}
