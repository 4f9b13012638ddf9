"""The metrics of the account: result, risk, drawdown, days and activity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.metrics import drawdown, ratios, trades
from real_trade.metrics.metric import Metric
from real_trade.metrics.returns import finite
from real_trade.model.clock import format_time
from real_trade.model.interval import DAY_MS
from real_trade.model.order import OrderStatus, RejectReason

if TYPE_CHECKING:
    from real_trade.metrics.sample import Sample


def _time_at(sample: Sample, bar: int | None) -> str | None:
    return None if bar is None else format_time(int(sample.time_ms[bar]))


def _drawdown_days(sample: Sample) -> float:
    worst = sample.deepest
    if worst is None:
        return 0.0
    until = len(sample.time_ms) - 1 if worst.recovery is None else worst.recovery
    return int(sample.time_ms[until] - sample.time_ms[worst.start]) / DAY_MS


def _longest_days(sample: Sample) -> float:
    if not len(sample.time_ms):
        return 0.0
    start, stop = drawdown.longest_under_water(sample.drawdowns)
    return int(sample.time_ms[stop] - sample.time_ms[start]) / DAY_MS


def _over(amount: float, base: float, scale: float = 1.0) -> float | None:
    return finite(amount / base * scale) if base > 0 else None


def _with_status(sample: Sample, status: OrderStatus) -> int:
    return int(np.count_nonzero(sample.orders["status"] == status))


def _maker_share(sample: Sample) -> float | None:
    return _over(float(sample.traded_values[sample.fills["maker"] != 0].sum()), sample.volume)


def _extreme_day(sample: Sample, *, highest: bool) -> float | None:
    profit = sample.daily_profit
    return float(profit.max() if highest else profit.min()) if len(profit) else None


def _liquidations(sample: Sample) -> int:
    # The orders that a liquidation cancels carry its reason too; the one that closes the position is filled.
    filled = sample.orders["status"] == OrderStatus.FILLED
    return int(np.count_nonzero(filled & (sample.orders["reason"] == RejectReason.LIQUIDATION)))


def _ambiguous_share(sample: Sample) -> float | None:
    return _over(float(np.count_nonzero(sample.fills["ambiguous"])), len(sample.fills))


def _equity_extreme(sample: Sample, *, highest: bool) -> float:
    if not len(sample.equity):
        return sample.initial
    return round(float(sample.equity.max() if highest else sample.equity.min()), 8)


RESULT: Final = (
    Metric("initial_equity", "Result", "Start balance", "money", "Starting capital.", lambda s: s.initial),
    Metric("final_equity", "Result", "Final balance", "money", "Equity at the last close.", lambda s: s.final, True),
    Metric(
        "net_profit", "Result", "Net profit", "money", "Final balance less start balance.", lambda s: s.profit, True,
    ),
    Metric(
        "net_profit_pct", "Result", "Net profit", "percent", "Net profit in per cent of the start balance.",
        lambda s: _over(s.profit, s.initial, 100.0), True,
    ),
    Metric(
        "gross_profit", "Result", "Profit before fees and funding", "money",
        "Net profit with fees and funding added back.", lambda s: s.gross, True,
    ),
    Metric(
        "realised", "Result", "Realised profit", "money", "Profit of what was closed, before fees and funding.",
        lambda s: s.realised, True,
    ),
    Metric(
        "unrealised", "Result", "Unrealised profit", "money",
        "Profit of the position still open, at the last close, before fees and funding.", lambda s: s.unrealised, True,
    ),
    Metric("fees", "Result", "Fees", "money", "Sum of the fees of all fills.", lambda s: s.fees, False),
    Metric(
        "funding", "Result", "Funding", "money", "Sum of the funding paid; negative where more was received.",
        lambda s: s.funding, False,
    ),
    Metric(
        "slippage", "Result", "Slippage", "money",
        "Sum over all fills of what was lost against the price before slippage.",
        lambda s: trades.money_sum(s.fills["slippage"]), False,
    ),
    Metric(
        "cagr", "Result", "CAGR", "fraction",
        "Compound annual growth: (final / start) ** (365 / days) - 1; none below one day.", lambda s: s.growth, True,
    ),
    Metric(
        "market_change", "Result", "Market change", "fraction", "Last close over first close, less one.",
        lambda s: s.market_change,
    ),
    Metric(
        "buy_and_hold", "Result", "Buy and hold", "money",
        "Profit of a long position worth the start balance, from the first close to the last, without costs.",
        lambda s: s.market_gain,
    ),
    Metric(
        "min_equity", "Result", "Lowest balance", "money", "Lowest equity at a close.",
        lambda s: _equity_extreme(s, highest=False), True,
    ),
    Metric(
        "max_equity", "Result", "Highest balance", "money", "Highest equity at a close.",
        lambda s: _equity_extreme(s, highest=True), True,
    ),
)  # fmt: skip

RISK: Final = (
    Metric(
        "sharpe", "Risk", "Sharpe ratio", "ratio",
        "Mean over standard deviation of daily returns, times sqrt(365); UTC days, risk-free rate zero.",
        lambda s: ratios.sharpe(s.daily_returns), True,
    ),
    Metric(
        "sortino", "Risk", "Sortino ratio", "ratio",
        "Mean over downside deviation of daily returns (against zero, over all days), times sqrt(365).",
        lambda s: ratios.sortino(s.daily_returns), True,
    ),
    Metric(
        "calmar", "Risk", "Calmar ratio", "ratio", "CAGR over the greatest drawdown.",
        lambda s: ratios.calmar(s.growth, s.deepest.fraction if s.deepest else 0.0), True,
    ),
    Metric(
        "omega", "Risk", "Omega ratio", "ratio", "Sum of daily gains over sum of daily losses, threshold zero.",
        lambda s: ratios.omega(s.daily_returns), True,
    ),
    Metric(
        "volatility", "Risk", "Volatility", "fraction", "Standard deviation of daily returns times sqrt(365).",
        lambda s: ratios.volatility(s.daily_returns), False,
    ),
    Metric(
        "recovery_factor", "Risk", "Recovery factor", "ratio", "Net profit over the greatest drawdown in money.",
        lambda s: _over(s.profit, s.deepest_amount), True,
    ),
)  # fmt: skip

DRAWDOWN: Final = (
    Metric(
        "max_drawdown", "Drawdown", "Max drawdown", "fraction",
        "Greatest fall of equity at closes below its peak so far, as a share of the peak.",
        lambda s: s.deepest.fraction if s.deepest else 0.0, False,
    ),
    Metric(
        "max_drawdown_abs", "Drawdown", "Max drawdown in money", "money",
        "Greatest fall in money; it need not be the greatest in per cent.",
        lambda s: s.deepest_amount, False,
    ),
    Metric(
        "max_drawdown_start", "Drawdown", "Drawdown start", "time", "Bar of the peak before the greatest drawdown.",
        lambda s: _time_at(s, s.deepest.start if s.deepest else None),
    ),
    Metric(
        "max_drawdown_end", "Drawdown", "Drawdown low", "time", "Bar of the lowest point of the greatest drawdown.",
        lambda s: _time_at(s, s.deepest.end if s.deepest else None),
    ),
    Metric(
        "max_drawdown_recovery", "Drawdown", "Drawdown recovered", "time",
        "First bar back at the peak; none if never.",
        lambda s: _time_at(s, s.deepest.recovery if s.deepest else None),
    ),
    Metric(
        "max_drawdown_days", "Drawdown", "Drawdown length", "days",
        "From the peak to the recovery, or to the end of the run.", _drawdown_days, False,
    ),
    Metric(
        "longest_drawdown_days", "Drawdown", "Longest time below a peak", "days",
        "Longest stay below a peak, however deep.", _longest_days, False,
    ),
    Metric(
        "time_under_water", "Drawdown", "Time under water", "fraction",
        "Share of bars that close below the highest equity so far.",
        lambda s: drawdown.under_water_share(s.drawdowns), False,
    ),
)  # fmt: skip

DAYS: Final = (
    Metric(
        "best_day", "Days", "Best day", "money", "Greatest profit of a UTC day.",
        lambda s: _extreme_day(s, highest=True), True,
    ),
    Metric(
        "worst_day", "Days", "Worst day", "money", "Smallest profit of a UTC day.",
        lambda s: _extreme_day(s, highest=False), True,
    ),
    Metric(
        "winning_days", "Days", "Days won", "count", "UTC days with a profit.",
        lambda s: int(np.count_nonzero(s.daily_profit > 0)), True,
    ),
    Metric(
        "losing_days", "Days", "Days lost", "count", "UTC days with a loss.",
        lambda s: int(np.count_nonzero(s.daily_profit < 0)), False,
    ),
    Metric(
        "flat_days", "Days", "Days flat", "count", "UTC days that changed nothing.",
        lambda s: int(np.count_nonzero(s.daily_profit == 0)),
    ),
)  # fmt: skip

ACTIVITY: Final = (
    Metric("orders", "Activity", "Orders", "count", "Orders submitted.", lambda s: len(s.orders)),
    Metric("fills", "Activity", "Fills", "count", "Executions.", lambda s: len(s.fills)),
    Metric(
        "rejected_orders", "Activity", "Orders rejected", "count", "Orders refused, such as for want of funds.",
        lambda s: _with_status(s, OrderStatus.REJECTED), False,
    ),
    Metric(
        "canceled_orders", "Activity", "Orders canceled", "count", "Orders taken back before they were filled.",
        lambda s: _with_status(s, OrderStatus.CANCELED),
    ),
    Metric(
        "liquidations", "Activity", "Liquidations", "count", "Positions that the venue closed for want of margin.",
        _liquidations, False,
    ),
    Metric(
        "ambiguous_fills", "Activity", "Ambiguous fills", "fraction",
        "Share of the fills that the policy decided, because the bar could have hit another exit too.",
        _ambiguous_share, False,
    ),
    Metric(
        "volume_traded", "Activity", "Value traded", "money",
        "Price times quantity over all fills; of inverse contracts, their value in base.", lambda s: round(s.volume, 8),
    ),
    Metric(
        "turnover", "Activity", "Turnover", "ratio", "Value traded over the start balance.",
        lambda s: _over(s.volume, s.initial),
    ),
    Metric(
        "break_even_cost_bps", "Activity", "Break-even cost", "bps",
        "Cost per traded value at which nothing is left: profit before fees and funding over value traded.",
        lambda s: _over(s.gross, s.volume, 10_000.0), True,
    ),
    Metric(
        "cost_bps", "Activity", "Cost paid", "bps", "Fees and funding over value traded.",
        lambda s: _over(s.fees + s.funding, s.volume, 10_000.0), False,
    ),
    Metric("maker_share", "Activity", "Maker share", "fraction", "Share of the value traded as maker.", _maker_share),
    Metric(
        "exposure", "Activity", "Exposure", "fraction", "Share of bars at whose close a position was held.",
        lambda s: trades.exposure(s.fills, len(s.time_ms)),
    ),
    Metric(
        "open_position", "Activity", "Position at the end", "quantity",
        "Quantity still held at the end, negative when short; valued at the last close.",
        lambda s: round(trades.open_position_lots(s.fills) * s.quantity_step, 12),
    ),
    Metric(
        "span_days", "Activity", "Days covered", "days", "From the first opening to the last close.", lambda s: s.days,
    ),
)  # fmt: skip
