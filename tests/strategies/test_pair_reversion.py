"""The pair: what it does bar by bar, that the runners agree, its numbers on real data."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import MINUTE, START, instrument_of, random_klines

from real_trade.backtest import AccountSettings, backtest
from real_trade.backtest.portfolio import Allocation, backtest_portfolio
from real_trade.model import Klines
from real_trade.model.errors import InputError
from real_trade.strategies.pair_reversion import PairReversion

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.backtest.portfolio_result import PortfolioResult

RICH = AccountSettings(Decimal(1_000_000), Decimal("0.00055"), Decimal("0.0002"), 5)


def flat(closes: list[float]) -> Klines:
    levels = np.array(closes)
    stamps = START + np.arange(len(levels)) * MINUTE
    return Klines.of(stamps, levels, levels, levels, levels, np.full(len(levels), 1e6))


def run(first: Klines, second: Klines, *, runner: Any = "compiled", **params: Any) -> PortfolioResult:
    data = {"A": (first, instrument_of("linear", "1", "0.001")), "B": (second, instrument_of("linear", "1", "0.001"))}
    allocations = [Allocation("pair_reversion", ("A", "B"), None, params)]
    return backtest_portfolio(allocations, data, settings=RICH, runner=runner)


def test_the_dear_symbol_is_sold_and_the_cheap_one_bought_for_the_same_value() -> None:
    first = flat([200, 202, 200, 202, 200, 202, 240, 240, 201, 201, 201])
    second = flat([100] * 11)
    result = run(first, second, window=6, entry=2.0, exit=0.5, size="0.5")
    sold, bought = result.legs
    # Dear on the close of bar 6; of the second symbol 0.5 * 240 / 100 are bought. At the mean again on bar 8.
    assert [(f["bar"], f["side"], f["lots"]) for f in sold.fill_rows] == [(7, -1, 500), (9, 1, 500)]
    assert [(f["bar"], f["side"], f["lots"]) for f in bought.fill_rows] == [(7, 1, 1_200), (9, -1, 1_200)]
    assert sold.trade_rows["gross"].sum() > 0


def test_nothing_is_done_on_a_bar_that_one_symbol_lacks() -> None:
    first = flat([200, 202, 200, 202, 200, 202, 240, 240, 201, 201, 201])
    second = flat([100] * 11)
    holed = second.take(np.arange(11) != 6)
    result = run(first, holed, window=6, entry=2.0, exit=0.5, size="0.5")
    assert 6 not in result.legs[0].order_rows["bar"].tolist()


def test_the_runners_agree() -> None:
    first, second = random_klines(3, 4_000, 1.0, 30_000.0), random_klines(4, 4_000, 1.0, 2_000.0)
    results = [run(first, second, runner=runner, window=60) for runner in ("compiled", "python", "reference")]
    assert len(results[0].legs[0].fill_rows) > 20
    assert len({result.hashes["orders"] for result in results}) == 1
    np.testing.assert_array_equal(results[0].equity_units, results[2].equity_units)


@pytest.mark.parametrize(
    ("params", "field"),
    [({"entry": 1.0, "exit": 1.0}, "exit"), ({"window": 1}, "window"), ({"wibdow": 5}, "wibdow")],
)
def test_parameters_that_do_not_fit_are_refused(params: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        run(flat([200] * 10), flat([100] * 10), **params)
    assert caught.value.field == field


@pytest.mark.parametrize("market", ["spot", "inverse"])
def test_it_needs_linear_contracts(market: str) -> None:
    data = {name: (flat([100.0] * 20), instrument_of(market, "1", "1")) for name in "AB"}
    with pytest.raises(InputError) as caught:
        backtest_portfolio([Allocation("pair_reversion", ("A", "B"), None, {"size": "1"})], data)
    assert caught.value.code in {"no_short_on_spot", "unsupported_market"}


def test_one_symbol_is_not_enough() -> None:
    with pytest.raises(InputError, match="2 symbols"):
        backtest(PairReversion, flat([100.0] * 20), instrument_of("linear", "1", "1"))


@pytest.mark.shared
def test_golden_numbers_of_a_real_month_of_bitcoin_and_ether(real_data: Path) -> None:
    import pyarrow.parquet as pq

    data = {}
    for symbol, tick, step in (("BTCUSDT", "0.1", "0.001"), ("ETHUSDT", "0.01", "0.001")):
        table = pq.read_table(real_data / "klines" / f"bybit_linear_{symbol}_1m_2025-05-29_2025-06-29.parquet")
        names = ("timestamp", "open", "high", "low", "close", "volume")
        data[symbol] = Klines.of(*(table[name].to_numpy() for name in names)), instrument_of("linear", tick, step)
    results = [
        backtest_portfolio(
            [Allocation("pair_reversion", ("BTCUSDT", "ETHUSDT"), None, {"size": "0.1"})],
            data,
            settings=AccountSettings(Decimal(50_000), Decimal("0.00055"), Decimal("0.0002"), 5),
            runner=runner,
        )
        for runner in ("compiled", "reference")
    ]
    result = results[0]
    assert results[0].hashes == results[1].hashes
    found = [len(leg.fill_rows) for leg in result.legs], int(result.equity_units[-1]), result.hashes["orders"][:16]
    assert found == ([516, 516], 4_488_309_707_414, "e017233d79d5d93b")
