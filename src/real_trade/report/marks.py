"""What stands out among fills and trades: those that the policy decided, and liquidations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from real_trade.model.clock import format_time
from real_trade.model.order import OrderStatus, RejectReason
from real_trade.portfolio.round_trips import trips_of_fills

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.backtest.result import BacktestResult
    from real_trade.report.parts import Traded


class TradeMarks(NamedTuple):
    """What the fills of each closed trade say of it, columns as long as ``trade_rows``.

    Attributes:
        slippage: int64, money units lost against the prices before slippage.
        ambiguous: bool, whether the policy decided one of its fills.
        liquidated: bool, whether the venue closed it.
    """

    slippage: NDArray[np.int64]
    ambiguous: NDArray[np.bool_]
    liquidated: NDArray[np.bool_]


def liquidation_fills(result: Traded) -> NDArray[np.bool_]:
    """Tell of each fill whether it is a liquidation."""
    orders = result.order_rows
    # The orders that a liquidation cancels carry its reason too; the one that closes the position is filled.
    closing = (orders["reason"] == RejectReason.LIQUIDATION) & (orders["status"] == OrderStatus.FILLED)
    return np.isin(result.fill_rows["order_id"], orders["order_id"][closing])


def trade_marks(result: Traded) -> TradeMarks:
    """Return what stands out of each closed trade.

    A fill that turns the position belongs to the trade that it ends and to the next; its slippage is split by lots, the
    remainder to the second, as its fee is.
    """
    fills, count = result.fill_rows, len(result.trade_rows)
    trade, turns, before, _ = trips_of_fills(fills)
    # One row more than trades: what is still open is in it, and nobody looks.
    slippage = np.zeros(max(count, int(trade.max(initial=0)) + 1) + 1, np.int64)
    ambiguous, liquidated = np.zeros_like(slippage, np.bool_), np.zeros_like(slippage, np.bool_)
    first = fills["slippage"].copy()
    turning = zip(first[turns].tolist(), before[turns].tolist(), fills["lots"][turns].tolist(), strict=True)
    first[turns] = [lost * abs(held) // lots for lost, held, lots in turning]
    np.add.at(slippage, trade, first)
    np.add.at(slippage, trade[turns] + 1, (fills["slippage"] - first)[turns])
    decided = fills["ambiguous"] != 0
    ambiguous[trade[decided]] = True
    ambiguous[trade[decided & turns] + 1] = True
    liquidated[trade[liquidation_fills(result)]] = True
    return TradeMarks(slippage[:count], ambiguous[:count], liquidated[:count])


def liquidation_line(result: BacktestResult) -> str:
    """Return the sentence that names the liquidations, empty where there was none."""
    return liquidation_words(result.fill_rows["time_ms"][liquidation_fills(result)])


def liquidation_words(times: NDArray[np.int64], whose: str = "") -> str:
    """Return the sentence that names liquidations by their times, ascending.

    Args:
        times: when they happened.
        whose: who was liquidated; empty where there is but one.
    """
    if not len(times):
        return ""
    who = f" ({whose})" if whose else ""
    if len(times) == 1:
        return f"Liquidated once{who}, at {_minute(times[0])} UTC."
    return f"Liquidated {len(times):,} times{who}, first at {_minute(times[0])} UTC, last at {_minute(times[-1])} UTC."


def ambiguous_line(result: BacktestResult) -> str:
    """Return the sentence that counts the fills that the policy decided, empty where there was none."""
    return ambiguous_words(result.fill_rows["ambiguous"], result.settings.get("policy"))


def ambiguous_words(marks: NDArray[np.int64], policy: object) -> str:
    """Return the sentence that counts fills by their marks."""
    count = int(np.count_nonzero(marks))
    if not count:
        return ""
    return (
        f"{count:,} of {len(marks):,} fills ({count / len(marks):.2%}) are ambiguous: their bar could have hit another "
        f"exit too, and the policy{f' ({policy})' if policy else ''} decided."
    )


def _minute(time_ms: int) -> str:
    return format_time(int(time_ms))[:16].replace("T", " ")
