"""Slippage: how much worse than the price of the bar a taker is filled. Prices in ticks, rounded against the trader.

Each model is a pure function that gives the distance in ticks, the same for both sides; `slipped_price` applies it and
keeps it within the bar unless told not to. Fractions are integers of 1e-9. What a model may look at is known when the
order executes, save the bar's volume, of which the order is a part itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from real_trade.kernels.arithmetic import RATE_SCALE, divide_product
from real_trade.kernels.jit import compiled
from real_trade.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

NONE, BASIS_POINTS, HALF_SPREAD, VOLUME_SHARE, VOLATILITY = range(5)
# Bounds: prices and ranges in ticks up to this, fractions up to ten, lots and volumes up to 2**62.
SLIPPAGE_TICKS_LIMIT: Final = 2**53
PARAMETER_LIMIT: Final = 10 * RATE_SCALE
# Share of volume whose square root is taken, in units of the square of 1e-9.
_SHARE_SCALE: Final = RATE_SCALE * RATE_SCALE


@compiled
def _part_up(ticks: int, fraction: int) -> int:
    quotient, rest = divide_product(ticks, fraction, RATE_SCALE)
    return quotient + 1 if rest > 0 else quotient


@compiled
def root_up(number: int) -> int:
    """Return the square root of 0 to 2**60, rounded up, exactly: the float is only a first guess."""
    root = int(math.sqrt(number))
    while root * root < number:
        root += 1
    while root > 0 and (root - 1) * (root - 1) >= number:
        root -= 1
    return root


@compiled
def no_slippage(price_ticks: int, lots: int, volume_lots: int, range_ticks: int, parameter: int) -> int:  # noqa: ARG001
    """Return 0: filled at the price of the bar."""
    return 0


@compiled
def basis_points(price_ticks: int, lots: int, volume_lots: int, range_ticks: int, parameter: int) -> int:  # noqa: ARG001
    """Return a fixed fraction of the price, whatever the order and the market."""
    return _part_up(price_ticks, parameter)


@compiled
def half_spread(price_ticks: int, lots: int, volume_lots: int, range_ticks: int, parameter: int) -> int:  # noqa: ARG001
    """Return half of a spread stated in ticks: the price of a bar stands for the middle of the book."""
    return (parameter + 1) // 2


@compiled
def volume_share(price_ticks: int, lots: int, volume_lots: int, range_ticks: int, parameter: int) -> int:  # noqa: ARG001
    """Return a fraction of the price times the square root of the order's share of the bar's volume.

    The share is at most one, and one where nothing was traded.
    """
    share = _SHARE_SCALE
    if lots < volume_lots:
        share, rest = divide_product(_SHARE_SCALE, lots, volume_lots)
        share += 1 if rest > 0 else 0
    whole = _part_up(price_ticks, parameter)
    return _part_up(whole, root_up(share))


@compiled
def volatility_scaled(price_ticks: int, lots: int, volume_lots: int, range_ticks: int, parameter: int) -> int:  # noqa: ARG001
    """Return a fraction of a range of prices that was known before: the true range of the bar before."""
    return _part_up(range_ticks, parameter)


@compiled
def true_range(high: int, low: int, close_before: int) -> int:
    """Return the largest of high - low and the distances of both from the close before (Wilder 1978), ticks."""
    return max(high, close_before) - min(low, close_before)


@compiled
def slippage_ticks(model: int, price_ticks: int, lots: int, volume_lots: int, range_ticks: int, parameter: int) -> int:
    """Return the distance that a model says, ticks, 0 or more.

    Args:
        model: number in `SLIPPAGE_MODELS`.
        price_ticks: price without slippage.
        lots, volume_lots: of the order and of the bar.
        range_ticks: true range of the bar before.
        parameter: integer from `slippage_terms`.
    """
    if model == BASIS_POINTS:
        return basis_points(price_ticks, lots, volume_lots, range_ticks, parameter)
    if model == HALF_SPREAD:
        return half_spread(price_ticks, lots, volume_lots, range_ticks, parameter)
    if model == VOLUME_SHARE:
        return volume_share(price_ticks, lots, volume_lots, range_ticks, parameter)
    if model == VOLATILITY:
        return volatility_scaled(price_ticks, lots, volume_lots, range_ticks, parameter)
    return no_slippage(price_ticks, lots, volume_lots, range_ticks, parameter)


@compiled
def slipped_price(side: int, price_ticks: int, distance: int, high: int, low: int, bounded: bool) -> int:
    """Return the price of a fill: worse by a distance, at least one tick.

    Args:
        side: +1 buy, -1 sell.
        price_ticks: price without slippage.
        distance: from `slippage_ticks`.
        high, low: of the bar.
        bounded: not beyond the bar's high or low. Slippage never makes a price better, even if it lies outside the bar.
    """
    slipped = price_ticks + side * distance
    if bounded:
        slipped = min(slipped, max(high, price_ticks)) if side > 0 else max(slipped, min(low, price_ticks))
    return max(slipped, 1)


@compiled
def taken_price(
    side: int,
    price: int,
    limit: int,
    lots: int,
    high: int,
    low: int,
    volume_lots: int,
    range_ticks: int,
    model: int,
    parameter: int,
) -> int:
    """Return the price at which a taker is filled: slipped, within the bar, and no worse than its limit (0: none)."""
    if model == NONE:
        return price
    distance = slippage_ticks(model, price, lots, volume_lots, range_ticks, parameter)
    slipped = slipped_price(side, price, distance, high, low, True)
    if limit == 0:
        return slipped
    return min(slipped, limit) if side > 0 else max(slipped, limit)


@dataclass(frozen=True, slots=True)
class SlippageModel:
    """One way to be filled worse.

    Attributes:
        number: how compiled code names it.
        parameter: what its one number is, empty where it takes none.
        scale: integers per one of that number.
        description: one line.
        source: where it comes from.
        distance: the function.
    """

    number: int
    parameter: str
    scale: int
    description: str
    source: str
    distance: Callable[[int, int, int, int, int], int]


SLIPPAGE_MODELS: Final[dict[str, SlippageModel]] = {
    "none": SlippageModel(NONE, "", 1, "No slippage.", "The price of the bar itself.", no_slippage),
    "basis_points": SlippageModel(
        BASIS_POINTS,
        "basis points of the price",
        RATE_SCALE // 10_000,
        "A fixed number of basis points.",
        "Proportional cost, as in Davis and Norman (1990), Portfolio selection with transaction costs.",
        basis_points,
    ),
    "half_spread": SlippageModel(
        HALF_SPREAD,
        "spread in ticks",
        1,
        "Half of a stated spread.",
        "Effective half spread, as in Roll (1984), A simple implicit measure of the effective bid-ask spread.",
        half_spread,
    ),
    "volume_share": SlippageModel(
        VOLUME_SHARE,
        "fraction of the price for an order as large as the bar's volume",
        RATE_SCALE,
        "Grows with the square root of the order's share of the bar's volume.",
        "Square-root impact: Toth et al. (2011), Anomalous price impact and the critical nature of liquidity; Almgren, "
        "Thum, Hauptmann and Li (2005), Direct estimation of equity market impact, fit a power of 3/5; linear in Kyle "
        "(1985), Continuous auctions and insider trading.",
        volume_share,
    ),
    "volatility": SlippageModel(
        VOLATILITY,
        "fraction of the true range of the bar before",
        RATE_SCALE,
        "Grows with the range of prices of the bar before.",
        "Impact in proportion to volatility: Almgren, Thum, Hauptmann and Li (2005); true range: Wilder (1978).",
        volatility_scaled,
    ),
}


def slippage_terms(name: str, value: Decimal | str | int = 0) -> tuple[int, int]:
    """Return number and integer parameter of a model, for `slippage_ticks`.

    >>> slippage_terms("basis_points", "2.5")
    (1, 250000)

    Raises:
        InputError: no such model, or a parameter that is negative, too large or too fine.
    """
    model = SLIPPAGE_MODELS.get(name)
    if model is None:
        near = get_close_matches(name, SLIPPAGE_MODELS, n=1)
        raise InputError(
            f"Unknown slippage model {name!r}.",
            code="unknown_slippage",
            field="slippage",
            value=name,
            fix=f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(SLIPPAGE_MODELS)}.",
        )
    try:
        units = Decimal(value) * model.scale
    except InvalidOperation:
        units = Decimal("NaN")
    limit = PARAMETER_LIMIT if model.parameter else 0
    if not units.is_finite() or not 0 <= units <= limit or units != units.to_integral_value():
        raise InputError(
            f"The parameter of slippage {name} is {value}.",
            code="bad_slippage",
            field="slippage",
            value=str(value),
            fix=f"Give {model.parameter}, from 0 to {limit // model.scale}." if limit else "It takes none.",
        )
    return model.number, int(units)
