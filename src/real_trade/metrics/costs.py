"""What trading cost, step by step from gross to net, and how much more of it a result would bear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from real_trade.metrics.trades import UNITS, traded_values
from real_trade.model.instrument import Market

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model.instrument import Instrument


class CostSection(TypedDict):
    """The cost waterfall: ``gross - fees - slippage - funding = net``, in settlement currency."""

    gross: float
    fees: float
    slippage: float
    funding: float
    net: float
    break_even_bps: float | None
    net_if_costs_double: float


def traded_value(fills: NDArray[Any], instrument: Instrument) -> float:
    """Return the value of all fills in settlement currency: price times quantity; inverse: contracts over price."""
    unit = float(instrument.quantity_step * instrument.contract_value)
    inverse = instrument.market == Market.INVERSE
    return float(traded_values(fills, float(instrument.tick_size), unit, inverse=inverse).sum())


def column_sum(rows: NDArray[Any], name: str) -> int:
    """Return the sum of a column of money units; 0 where the rows have no such column."""
    return int(rows[name].sum(dtype=np.int64)) if name in (rows.dtype.names or ()) else 0


def cost_waterfall(net: int, fees: int, slippage: int, funding: int, value: float) -> CostSection:
    """Return the waterfall from gross to net.

    The break-even cost is the gross profit over the traded value: paying that many basis points in all would have left
    nothing. If costs double, fees and slippage are paid twice, and so is funding; funding that was received is not.

    Args:
        net: profit after everything, money units.
        fees: paid, money units.
        slippage: lost against the price before slippage, money units.
        funding: paid (negative: received), money units.
        value: traded value, settlement currency.
    """
    gross = net + fees + slippage + funding
    return {
        "gross": gross / UNITS,
        "fees": fees / UNITS,
        "slippage": slippage / UNITS,
        "funding": funding / UNITS,
        "net": net / UNITS,
        "break_even_bps": gross / UNITS / value * 10_000 if value > 0 else None,
        "net_if_costs_double": (net - fees - slippage - max(funding, 0)) / UNITS,
    }
