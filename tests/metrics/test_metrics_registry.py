"""Every registered metric against a value worked out by hand."""

from __future__ import annotations

import json
import math
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from real_trade.backtest.result import FILL_DTYPE, ORDER_DTYPE, PAYMENT_DTYPE, TRADE_DTYPE
from real_trade.kernels.accounting import opening
from real_trade.metrics import METRICS, compute_stats
from real_trade.model.order import OrderStatus, RejectReason

if TYPE_CHECKING:
    from real_trade.metrics import Metric

DAY = 86_400_000
START = 1_704_067_200_000  # 2024-01-01
UNITS = 10**8

# Five daily bars; a tick is 0.5, a lot 0.1, so that a lot gains 0.05 with a tick.
EQUITY = [110.0, 99.0, 99.0, 121.0, 115.0]
CLOSE = [10.0, 11.0, 12.0, 9.0, 15.0]
# order, bar, side, ticks, lots, fee, maker
FILLS = [
    (1, 0, 1, 20, 10, 0.01, 1),  # 10.0 traded
    (2, 1, -1, 24, 10, 0.02, 0),  # 12.0
    (3, 1, -1, 24, 20, 0.04, 0),  # 24.0
    (4, 2, 1, 26, 20, 0.06, 0),  # 26.0
    (5, 3, 1, 20, 10, 0.01, 1),  # 10.0
    (6, 4, -1, 21, 10, 0.49, 0),  # 10.5
    (7, 4, 1, 21, 10, 0.10, 0),  # 10.5
    (8, 4, -1, 25, 10, 0.10, 0),  # 12.5
    (9, 4, 1, 20, 5, 0.01, 0),  # 5.0, still open at the end
]
# entry bar, exit bar, side, lots, entry price, exit price, gross, fees
TRADES = [
    (0, 1, 1, 10, 10.0, 12.0, 2.0, 0.03),  # +1.97 on 10
    (1, 2, -1, 20, 12.0, 13.0, -2.0, 0.10),  # -2.10 on 24
    (3, 4, 1, 10, 10.0, 10.5, 0.5, 0.50),  # 0
    (4, 4, 1, 10, 10.5, 12.5, 2.0, 0.20),  # +1.80 on 10.5
]
STATUSES = [OrderStatus.FILLED] * 9 + [OrderStatus.REJECTED] * 2 + [OrderStatus.CANCELED]
# The last order that was filled closed a position for the venue; what was canceled with it is no second liquidation.
REASONS = {8: RejectReason.LIQUIDATION, 9: RejectReason.RISK_LIMIT, 11: RejectReason.LIQUIDATION}
AMBIGUOUS = [1, 6, 7]  # fills that the policy decided
SLIPPAGE = {1: 0.02, 3: 0.05}
PAYMENTS = [0.30, -0.10]
REALISED = 13.0

DAILY = [0.1, -0.1, 0.0, 2 / 9, -6 / 121]
GROWTH = 1.15**73 - 1
YEAR = math.sqrt(365)
EXPECTED = {
    "initial_equity": 100.0,
    "final_equity": 115.0,
    "net_profit": 15.0,
    "net_profit_pct": 15.0,
    "gross_profit": 16.04,
    "realised": 13.0,
    "unrealised": 3.04,
    "fees": 0.84,
    "funding": 0.2,
    "slippage": 0.07,
    "cagr": GROWTH,
    "market_change": 0.5,
    "buy_and_hold": 50.0,
    "min_equity": 99.0,
    "max_equity": 121.0,
    "sharpe": statistics.mean(DAILY) / statistics.stdev(DAILY) * YEAR,
    "sortino": statistics.mean(DAILY) / math.sqrt((0.01 + (6 / 121) ** 2) / 5) * YEAR,
    "calmar": GROWTH / 0.1,
    "omega": (0.1 + 2 / 9) / (0.1 + 6 / 121),
    "volatility": statistics.stdev(DAILY) * YEAR,
    "recovery_factor": 15 / 11,
    "max_drawdown": 0.1,
    "max_drawdown_abs": 11.0,
    "max_drawdown_start": "2024-01-01T00:00:00Z",
    "max_drawdown_end": "2024-01-02T00:00:00Z",
    "max_drawdown_recovery": "2024-01-04T00:00:00Z",
    "max_drawdown_days": 3.0,
    "longest_drawdown_days": 3.0,
    "time_under_water": 0.6,
    "best_day": 22.0,
    "worst_day": -11.0,
    "winning_days": 2,
    "losing_days": 2,
    "flat_days": 1,
    "trades": 4,
    "trades_per_day": 0.8,
    "wins": 2,
    "losses": 1,
    "draws": 1,
    "win_rate": 0.5,
    "profit_factor": 3.77 / 2.1,
    "expectancy": 1.67 / 4,
    "expectancy_ratio": 1.67 / 4 / 2.1,
    "payoff_ratio": 1.885 / 2.1,
    "avg_trade": (0.197 - 0.0875 + 0 + 1.8 / 10.5) / 4,
    "best_trade": 0.197,
    "worst_trade": -0.0875,
    "total_won": 3.77,
    "total_lost": -2.1,
    "avg_win": 1.885,
    "avg_loss": -2.1,
    "largest_win": 1.97,
    "largest_loss": -2.1,
    "max_consecutive_wins": 1,
    "max_consecutive_losses": 1,
    # Squared distances from the mean 0.4175: 2.41025625 + 6.33780625 + 0.17430625 + 1.91130625.
    "sqn": 2 * 0.4175 / math.sqrt(10.833675 / 3),
    "kelly": 0.5 - 0.5 * 2.1 / 1.885,
    "long_trades": 3,
    "short_trades": 1,
    "long_net": 3.77,
    "short_net": -2.1,
    "long_win_rate": 2 / 3,
    "short_win_rate": 0.0,
    "avg_holding_minutes": 1080.0,
    "median_holding_minutes": 1440.0,
    "max_holding_minutes": 1440.0,
    "avg_holding_minutes_wins": 720.0,
    "median_holding_minutes_wins": 720.0,
    "max_holding_minutes_wins": 1440.0,
    "avg_holding_minutes_losses": 1440.0,
    "median_holding_minutes_losses": 1440.0,
    "max_holding_minutes_losses": 1440.0,
    "orders": 12,
    "fills": 9,
    "rejected_orders": 2,
    "canceled_orders": 1,
    "liquidations": 1,
    "ambiguous_fills": 1 / 3,
    "volume_traded": 120.5,
    "turnover": 1.205,
    "break_even_cost_bps": 16.04 / 120.5 * 1e4,
    "cost_bps": 1.04 / 120.5 * 1e4,
    "maker_share": 20 / 120.5,
    "exposure": 0.8,
    "open_position": 0.5,
    "span_days": 5.0,
}


def arguments(**changes: object) -> dict[str, object]:
    fills = np.zeros(len(FILLS), dtype=FILL_DTYPE)
    for row, (order, bar, side, ticks, lots, fee, maker) in zip(fills, FILLS, strict=True):
        row["order_id"], row["bar"], row["side"], row["price_ticks"], row["lots"] = order, bar, side, ticks, lots
        row["fee"], row["maker"] = round(fee * UNITS), maker
    fills["ambiguous"][AMBIGUOUS] = 1
    for at, lost in SLIPPAGE.items():
        fills["slippage"][at] = round(lost * UNITS)
    payments = np.zeros(len(PAYMENTS), dtype=PAYMENT_DTYPE)
    payments["amount"] = np.rint(np.array(PAYMENTS) * UNITS)
    trades = np.zeros(len(TRADES), dtype=TRADE_DTYPE)
    for row, (entry, exit_, side, lots, entry_price, exit_price, gross, fees) in zip(trades, TRADES, strict=True):
        row["entry_bar"], row["exit_bar"], row["side"], row["lots"] = entry, exit_, side, lots
        row["entry_ms"], row["exit_ms"] = START + entry * DAY, START + exit_ * DAY
        row["entry_price"], row["exit_price"] = entry_price, exit_price
        row["gross"], row["fees"] = round(gross * UNITS), round(fees * UNITS)
        row["net"] = row["gross"] - row["fees"]
    orders = np.zeros(len(STATUSES), dtype=ORDER_DTYPE)
    orders["status"] = STATUSES
    for at, reason in REASONS.items():
        orders["reason"][at] = reason
    return {
        "time_ms": START + np.arange(5) * DAY,
        "equity": np.array(EQUITY),
        "close": np.array(CLOSE),
        "initial": 100.0,
        "orders": orders,
        "fills": fills,
        "payments": payments,
        "trades": trades,
        "ledger": opening(100 * UNITS)._replace(realised=round(REALISED * UNITS)),
        "tick_size": 0.5,
        "quantity_step": 0.1,
        "contract_value": 1.0,
        "inverse": False,
    } | changes


@pytest.fixture(scope="module")
def stats() -> dict[str, object]:
    return compute_stats(**arguments())


def test_every_metric_has_a_value_worked_out_by_hand() -> None:
    assert set(EXPECTED) == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_metric(name: str, stats: dict[str, object]) -> None:
    expected = EXPECTED[name]
    if isinstance(expected, str):
        assert stats[name] == expected
    else:
        assert stats[name] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_metric_says_what_it_is(metric: Metric) -> None:
    assert METRICS[metric.name] is metric
    assert metric.label
    assert metric.description.endswith(".")


def test_counts_are_whole_numbers(stats: dict[str, object]) -> None:
    for name, metric in METRICS.items():
        if metric.unit == "count":
            assert type(stats[name]) is int, name


def test_money_is_exact_where_floats_are_not() -> None:
    # A million fees of 0.1 are 100000 exactly; added as floats they are 100000.00000133288.
    fills = np.zeros(1_000_000, dtype=FILL_DTYPE)
    fills["fee"] = UNITS // 10
    stats = compute_stats(**arguments(fills=fills))
    assert stats["fees"] == 100_000.0


def nothing(**changes: object) -> dict[str, object]:
    kinds = {"orders": ORDER_DTYPE, "fills": FILL_DTYPE, "payments": PAYMENT_DTYPE, "trades": TRADE_DTYPE}
    empty = {name: np.zeros(0, kind) for name, kind in kinds.items()}
    return arguments(**({"ledger": opening(100 * UNITS)} | empty | changes))


def first_bars(count: int) -> dict[str, object]:
    return {
        "time_ms": START + np.arange(count) * DAY,
        "equity": np.array(EQUITY[:count]),
        "close": np.array(CLOSE[:count]),
    }


@pytest.mark.parametrize("bars", [0, 1, 2])
def test_short_and_empty_runs_have_figures_that_json_knows(bars: int) -> None:
    stats = compute_stats(**nothing(**first_bars(bars)))
    assert list(stats) == list(METRICS)
    json.dumps(stats, allow_nan=False)
    assert stats["trades"] == stats["fills"] == 0
    assert stats["win_rate"] is None
    assert stats["profit_factor"] is None
    assert stats["final_equity"] == (EQUITY[bars - 1] if bars else 100.0)


def test_one_bar_has_no_ratios() -> None:
    stats = compute_stats(**nothing(**first_bars(1)))
    assert [stats[name] for name in ("sharpe", "cagr", "calmar", "volatility", "trades_per_day")] == [None] * 5
    assert stats["net_profit"] == 10.0


def test_a_flat_account_has_no_ratios_and_no_drawdown() -> None:
    stats = compute_stats(**nothing(equity=np.full(5, 100.0)))
    assert [stats[name] for name in ("sharpe", "sortino", "omega", "calmar", "recovery_factor")] == [None] * 5
    assert (stats["max_drawdown"], stats["max_drawdown_start"], stats["time_under_water"]) == (0.0, None, 0.0)
    assert (stats["flat_days"], stats["cagr"], stats["volatility"]) == (5, 0.0, 0.0)


def test_equal_returns_have_no_sharpe_ratio_however_they_are_rounded() -> None:
    stats = compute_stats(**nothing(equity=100.0 * 1.001 ** np.arange(1, 6)))
    assert stats["sharpe"] is None
    assert stats["cagr"] == pytest.approx(1.001**365 - 1)


def test_a_ruined_account() -> None:
    stats = compute_stats(**nothing(equity=np.array([100.0, 50.0, -20.0, -40.0, -30.0])))
    json.dumps(stats, allow_nan=False)
    assert stats["cagr"] == -1.0
    assert stats["max_drawdown"] == pytest.approx(1.4)
    assert stats["sharpe"] is None  # a debt has no return
    assert stats["worst_day"] == -70.0


def test_a_loss_from_the_first_bar_counts_from_the_starting_capital() -> None:
    stats = compute_stats(**nothing(equity=np.array([90.0, 95.0, 80.0, 85.0, 70.0])))
    assert stats["max_drawdown"] == pytest.approx(0.3)
    assert stats["max_drawdown_start"] == "2024-01-01T00:00:00Z"
    assert stats["max_drawdown_recovery"] is None
    assert stats["max_drawdown_days"] == 4.0


def test_only_wins_leave_the_factors_undefined() -> None:
    won = arguments()["trades"][[0, 3]]
    stats = compute_stats(**arguments(trades=won))
    assert [stats[name] for name in ("profit_factor", "payoff_ratio", "kelly", "avg_loss")] == [None] * 4
    assert stats["max_consecutive_wins"] == 2
    assert stats["total_lost"] == 0.0


def test_an_inverse_market_is_counted_in_base() -> None:
    # 10 contracts of 100 dollars are worth 1000 dollars: 0.1 BTC at 10,000, 0.08 BTC at 12,500.
    fills = np.zeros(2, FILL_DTYPE)
    fills["lots"], fills["side"], fills["price_ticks"] = 10, [1, -1], [20_000, 25_000]
    fills["fee"], fills["maker"], fills["bar"] = round(1e-4 * UNITS), [1, 0], [0, 2]
    trades = np.zeros(1, TRADE_DTYPE)
    trades["lots"], trades["side"], trades["entry_price"], trades["exit_price"] = 10, 1, 10_000.0, 12_500.0
    trades["gross"], trades["fees"], trades["net"] = 2_000_000, 20_000, 1_980_000
    stats = compute_stats(
        **arguments(
            equity=np.array([0.5, 0.5, 0.52, 0.52, 0.5198]),
            close=np.array([10_000.0, 11_000.0, 12_500.0, 12_500.0, 20_000.0]),
            initial=0.5,
            fills=fills,
            payments=np.zeros(0, PAYMENT_DTYPE),
            trades=trades,
            ledger=opening(UNITS // 2)._replace(realised=2_000_000),
            quantity_step=1.0,
            contract_value=100.0,
            inverse=True,
        )
    )
    assert stats["volume_traded"] == pytest.approx(0.18)
    assert stats["turnover"] == pytest.approx(0.36)
    assert stats["maker_share"] == pytest.approx(0.1 / 0.18)
    assert stats["avg_trade"] == pytest.approx(0.0198 / 0.1)
    assert stats["cost_bps"] == pytest.approx(0.0002 / 0.18 * 1e4)
    assert (stats["gross_profit"], stats["realised"], stats["unrealised"]) == (0.02, 0.02, 0.0)
    # Bitcoin doubled: a long of half a bitcoin's worth of dollars, now worth a quarter, has gained the other quarter.
    assert (stats["market_change"], stats["buy_and_hold"]) == (1.0, 0.25)
    assert (stats["exposure"], stats["open_position"]) == (0.4, 0.0)


def test_speed_and_memory_over_a_long_run() -> None:
    bars, count = 1_402_480, 5000
    rng = np.random.default_rng(5)
    trades = np.zeros(count, TRADE_DTYPE)
    trades["net"], trades["lots"], trades["entry_price"] = rng.integers(-UNITS, UNITS, count), 1, 10.0
    fills = np.zeros(2 * count, FILL_DTYPE)
    fills["bar"], fills["lots"], fills["price_ticks"] = np.sort(rng.integers(0, bars, 2 * count)), 1, 20
    fills["side"] = np.tile([1, -1], count)
    given = arguments(
        time_ms=START + np.arange(bars) * 60_000,
        equity=10_000 + np.cumsum(rng.normal(0, 0.1, bars)),
        close=np.full(bars, 10.0),
        trades=trades,
        fills=fills,
    )
    best = math.inf
    for _ in range(5):
        begun = time.perf_counter()
        compute_stats(**given)
        best = min(best, time.perf_counter() - begun)
    tracemalloc.start()
    compute_stats(**given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert best < 0.12  # about 0.03 s on a free core; the bound leaves room for a busy one
    assert peak < 48_000_000
