"""The metrics of closed round trips: how often, how much, how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.metrics import ratios, trades
from real_trade.metrics.metric import Metric
from real_trade.metrics.returns import finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.metrics.sample import Sample


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _extreme(values: NDArray[np.float64], *, highest: bool) -> float | None:
    return finite(float(values.max() if highest else values.min())) if len(values) else None


def _average(values: NDArray[np.float64]) -> float | None:
    return finite(float(values.mean())) if len(values) else None


def _median(values: NDArray[np.float64]) -> float | None:
    return finite(float(np.median(values))) if len(values) else None


def _profit_factor(sample: Sample) -> float | None:
    lost = trades.money_sum(sample.lost)
    return trades.money_sum(sample.won) / -lost if lost < 0 else None


def _payoff(sample: Sample) -> float | None:
    win, loss = trades.money_mean(sample.won), trades.money_mean(sample.lost)
    return None if win is None or loss is None else win / -loss


def _expectancy_ratio(sample: Sample) -> float | None:
    mean, loss = trades.money_mean(sample.net), trades.money_mean(sample.lost)
    return None if mean is None or loss is None else mean / -loss


def _kelly(sample: Sample) -> float | None:
    win, loss = trades.money_mean(sample.won), trades.money_mean(sample.lost)
    if win is None or loss is None:
        return None
    return ratios.kelly(len(sample.won) / len(sample.net), win, -loss)


def _side_net(sample: Sample, side: int) -> float:
    return trades.money_sum(sample.net[sample.trades["side"] == side])


def _side_count(sample: Sample, side: int) -> int:
    return int(np.count_nonzero(sample.trades["side"] == side))


def _side_win_rate(sample: Sample, side: int) -> float | None:
    net = sample.net[sample.trades["side"] == side]
    return _share(int(np.count_nonzero(net > 0)), len(net))


TRADES: Final = (
    Metric("trades", "Trades", "Trades", "count", "Closed round trips, flat to flat.", lambda s: len(s.trades)),
    Metric(
        "trades_per_day", "Trades", "Trades per day", "per_day", "Trades over days covered.",
        lambda s: len(s.trades) / s.days if s.days > 0 else None,
    ),
    Metric("wins", "Trades", "Wins", "count", "Trades with a net profit.", lambda s: len(s.won), True),
    Metric("losses", "Trades", "Losses", "count", "Trades with a net loss.", lambda s: len(s.lost), False),
    Metric(
        "draws", "Trades", "Draws", "count", "Trades that came out even.",
        lambda s: len(s.net) - len(s.won) - len(s.lost),
    ),
    Metric(
        "win_rate", "Trades", "Win rate", "fraction", "Wins over trades.",
        lambda s: _share(len(s.won), len(s.net)), True,
    ),
    Metric(
        "profit_factor", "Trades", "Profit factor", "ratio", "Sum of wins over sum of losses, net of costs.",
        _profit_factor, True,
    ),
    Metric(
        "expectancy", "Trades", "Expectancy", "money", "Mean net profit of a trade.",
        lambda s: trades.money_mean(s.net), True,
    ),
    Metric(
        "expectancy_ratio", "Trades", "Expectancy ratio", "ratio", "Expectancy over the mean loss.",
        _expectancy_ratio, True,
    ),
    Metric("payoff_ratio", "Trades", "Payoff ratio", "ratio", "Mean win over mean loss.", _payoff, True),
    Metric(
        "avg_trade", "Trades", "Average trade", "fraction", "Mean of net profit over value at entry.",
        lambda s: _average(s.trade_returns), True,
    ),
    Metric(
        "best_trade", "Trades", "Best trade", "fraction", "Greatest net profit over value at entry.",
        lambda s: _extreme(s.trade_returns, highest=True), True,
    ),
    Metric(
        "worst_trade", "Trades", "Worst trade", "fraction", "Smallest net profit over value at entry.",
        lambda s: _extreme(s.trade_returns, highest=False), True,
    ),
    Metric(
        "total_won", "Trades", "Sum of wins", "money", "Net profit of winning trades.",
        lambda s: trades.money_sum(s.won), True,
    ),
    Metric(
        "total_lost", "Trades", "Sum of losses", "money", "Net loss of losing trades.",
        lambda s: trades.money_sum(s.lost), True,
    ),
    Metric(
        "avg_win", "Trades", "Average win", "money", "Mean of winning trades.",
        lambda s: trades.money_mean(s.won), True,
    ),
    Metric(
        "avg_loss", "Trades", "Average loss", "money", "Mean of losing trades.",
        lambda s: trades.money_mean(s.lost), True,
    ),
    Metric(
        "largest_win", "Trades", "Largest win", "money", "Greatest net profit of a trade that won.",
        lambda s: trades.money_extreme(s.won, highest=True), True,
    ),
    Metric(
        "largest_loss", "Trades", "Largest loss", "money", "Greatest net loss of a trade that lost.",
        lambda s: trades.money_extreme(s.lost, highest=False), True,
    ),
    Metric(
        "max_consecutive_wins", "Trades", "Longest run of wins", "count", "Most wins in a row, in order of exit.",
        lambda s: trades.longest_run(s.net > 0), True,
    ),
    Metric(
        "max_consecutive_losses", "Trades", "Longest run of losses", "count", "Most losses in a row, in order of exit.",
        lambda s: trades.longest_run(s.net < 0), False,
    ),
    Metric(
        "sqn", "Trades", "System quality number", "ratio", "sqrt(n) times mean over standard deviation of net profits.",
        lambda s: ratios.sqn(s.net / trades.UNITS), True,
    ),
    Metric(
        "kelly", "Trades", "Kelly fraction", "fraction", "Win rate less loss rate over payoff ratio.", _kelly, True,
    ),
)  # fmt: skip

LONG_AND_SHORT: Final = (
    Metric(
        "long_trades", "Long and short", "Long trades", "count", "Trades that bought first.",
        lambda s: _side_count(s, 1),
    ),
    Metric(
        "short_trades", "Long and short", "Short trades", "count", "Trades that sold first.",
        lambda s: _side_count(s, -1),
    ),
    Metric(
        "long_net", "Long and short", "Long profit", "money", "Net profit of long trades.",
        lambda s: _side_net(s, 1), True,
    ),
    Metric(
        "short_net", "Long and short", "Short profit", "money", "Net profit of short trades.",
        lambda s: _side_net(s, -1), True,
    ),
    Metric(
        "long_win_rate", "Long and short", "Long win rate", "fraction", "Wins over trades, long.",
        lambda s: _side_win_rate(s, 1), True,
    ),
    Metric(
        "short_win_rate", "Long and short", "Short win rate", "fraction", "Wins over trades, short.",
        lambda s: _side_win_rate(s, -1), True,
    ),
)  # fmt: skip

HOLDING: Final = (
    Metric(
        "avg_holding_minutes", "Holding", "Average holding", "minutes", "Mean minutes from entry to exit.",
        lambda s: _average(s.holding_minutes),
    ),
    Metric(
        "median_holding_minutes", "Holding", "Median holding", "minutes", "Median minutes from entry to exit.",
        lambda s: _median(s.holding_minutes),
    ),
    Metric(
        "max_holding_minutes", "Holding", "Longest holding", "minutes", "Most minutes from entry to exit.",
        lambda s: _extreme(s.holding_minutes, highest=True),
    ),
    Metric(
        "avg_holding_minutes_wins", "Holding", "Average holding, wins", "minutes", "Mean minutes of winning trades.",
        lambda s: _average(s.holding_minutes[s.net > 0]),
    ),
    Metric(
        "median_holding_minutes_wins", "Holding", "Median holding, wins", "minutes",
        "Median minutes of winning trades.", lambda s: _median(s.holding_minutes[s.net > 0]),
    ),
    Metric(
        "max_holding_minutes_wins", "Holding", "Longest holding, wins", "minutes", "Most minutes of a winning trade.",
        lambda s: _extreme(s.holding_minutes[s.net > 0], highest=True),
    ),
    Metric(
        "avg_holding_minutes_losses", "Holding", "Average holding, losses", "minutes", "Mean minutes of losing trades.",
        lambda s: _average(s.holding_minutes[s.net < 0]),
    ),
    Metric(
        "median_holding_minutes_losses", "Holding", "Median holding, losses", "minutes",
        "Median minutes of losing trades.", lambda s: _median(s.holding_minutes[s.net < 0]),
    ),
    Metric(
        "max_holding_minutes_losses", "Holding", "Longest holding, losses", "minutes",
        "Most minutes of a losing trade.", lambda s: _extreme(s.holding_minutes[s.net < 0], highest=True),
    ),
)  # fmt: skip
