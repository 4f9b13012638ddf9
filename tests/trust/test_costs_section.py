"""The cost waterfall: it adds up, on every market, and says what more of it a run would bear."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines
from hypothesis import given
from hypothesis import strategies as st

from real_trade.backtest import AccountSettings, BacktestResult, backtest
from real_trade.backtest.material import Extras
from real_trade.backtest.plan import Feed
from real_trade.backtest.result import FILL_DTYPE
from real_trade.backtest.trust.statistics import costs_of, statistics_sections
from real_trade.metrics.costs import column_sum, cost_waterfall, traded_value
from real_trade.model.bars import bars_from_klines
from real_trade.model.series import FundingRates
from real_trade.strategies.sma_cross import SmaCross

UNITS = 100_000_000
units = st.integers(-(10**14), 10**14)
KLINES = random_klines(5, 4000)


def run(fee: str = "0.0005", size: str = "0.01") -> BacktestResult:
    settings = AccountSettings(Decimal(10_000), Decimal(fee), Decimal(fee))
    params = {"fast": 10, "slow": 40, "size": size}
    return backtest(SmaCross, KLINES, instrument_of("linear"), params=params, settings=settings)


@given(units, st.integers(0, 10**12), st.integers(0, 10**12), units)
def test_the_steps_add_up(net: int, fees: int, slippage: int, funding: int) -> None:
    section = cost_waterfall(net, fees, slippage, funding, 1e6)
    parts = section["gross"] - section["fees"] - section["slippage"] - section["funding"]
    assert parts == pytest.approx(section["net"], abs=1e-7)
    assert section["net_if_costs_double"] <= section["net"]
    if funding <= 0:
        assert section["net_if_costs_double"] == pytest.approx(section["net"] - section["fees"] - section["slippage"])


def test_a_worked_waterfall() -> None:
    section = cost_waterfall(60 * UNITS, 25 * UNITS, 10 * UNITS, 5 * UNITS, 50_000.0)
    assert section == {
        "gross": 100.0,
        "fees": 25.0,
        "slippage": 10.0,
        "funding": 5.0,
        "net": 60.0,
        "break_even_bps": 20.0,
        "net_if_costs_double": 20.0,
    }


def test_a_run_without_trades_costs_nothing() -> None:
    klines = KLINES.take(slice(0, 20))
    section = costs_of(backtest(SmaCross, klines, instrument_of("linear")))
    assert section["break_even_bps"] is None
    assert set(section.values()) == {0.0, None}


def test_the_waterfall_of_a_run_and_the_cost_that_it_breaks_even_at() -> None:
    result = run()
    section = costs_of(result)
    assert section["net"] == result.stats["net_profit"]
    assert section["fees"] == pytest.approx(float(result.fill_rows["fee"].sum()) / UNITS)
    assert section["fees"] > 0
    free = costs_of(run("0"))
    assert section["gross"] == pytest.approx(free["net"], abs=1e-6)
    assert section["net_if_costs_double"] == pytest.approx(costs_of(run("0.001"))["net"], abs=1e-5)


def test_a_fee_at_the_break_even_leaves_nothing() -> None:
    free = costs_of(run("0"))
    assert free["break_even_bps"] is not None
    rate = abs(free["break_even_bps"]) / 10_000
    paid = costs_of(run(f"{rate:.9f}"))
    expected = 0.0 if free["break_even_bps"] > 0 else 2 * free["net"]
    assert paid["net"] == pytest.approx(expected, abs=abs(free["net"]) * 1e-3)


def test_slippage_is_read_where_fills_carry_it() -> None:
    rows = np.zeros(3, [("fee", "i8"), ("slippage", "i8")])
    rows["slippage"] = [1, 2, 3]
    assert column_sum(rows, "slippage") == 6
    assert column_sum(np.zeros(3, FILL_DTYPE)[["fee"]], "slippage") == 0


def test_the_value_of_inverse_contracts_is_in_the_coin() -> None:
    fills = np.zeros(2, FILL_DTYPE)
    fills["lots"], fills["price_ticks"] = [100, 200], [20_000, 40_000]
    inverse = instrument_of("inverse", tick="0.5", step="1", contract_value=Decimal(1))
    assert traded_value(fills, inverse) == pytest.approx(100 / 10_000 + 200 / 20_000)
    linear = instrument_of("linear", tick="0.5", step="0.001", contract_value=Decimal(10))
    assert traded_value(fills, linear) == pytest.approx(0.1 * 10 * 10_000 + 0.2 * 10 * 20_000)


def test_the_sections_of_a_run() -> None:
    instrument = instrument_of("linear")
    feed = Feed(bars_from_klines(KLINES, instrument))
    sections = statistics_sections(run(), feed)
    assert list(sections) == ["costs", "clock", "capacity", "monte_carlo"]
    few = KLINES.take(slice(0, 20))
    nothing = backtest(SmaCross, few, instrument)
    assert list(statistics_sections(nothing, Feed(bars_from_klines(few, instrument)))) == ["costs"]


def test_funding_of_an_open_position_counts() -> None:
    few = KLINES.take(slice(0, 480))
    rates = FundingRates(few.timestamp[::5].copy(), np.full(96, 0.0001))
    params = {"fast": 20, "slow": 60, "size": "0.1", "mode": "long_short"}
    account = AccountSettings(Decimal(10_000), leverage=2)
    result = backtest(
        SmaCross, few, instrument_of("linear"), params=params, settings=account, extras=Extras(funding=rates),
        runner="python",
    )  # fmt: skip
    section = costs_of(result)
    assert result.ledger.position != 0 and len(result.payment_rows) > 5
    assert section["funding"] == int(result.payment_rows["amount"].sum()) / UNITS == result.ledger.funding / UNITS
    assert section["funding"] != int(result.trade_rows["funding"].sum()) / UNITS, "the open trade has paid too"
    frame = result.trades
    assert frame["funding"].sum() == pytest.approx(int(result.trade_rows["funding"].sum()) / UNITS)
    np.testing.assert_allclose(frame["net"], frame["gross"] - frame["fees"] - frame["funding"], atol=1e-9)
