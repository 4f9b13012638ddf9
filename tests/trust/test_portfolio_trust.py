"""Trust of an account of several strategies: each is checked alone, and the account's figures are those of all legs."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import MINUTE, START, instrument_of, random_klines

from real_trade.backtest import AccountSettings, backtest
from real_trade.backtest.judgement import count_trial, is_honest
from real_trade.backtest.material import Extras
from real_trade.backtest.portfolio import Allocation, backtest_portfolio
from real_trade.backtest.trust.montecarlo import monte_carlo
from real_trade.backtest.trust.subject import Subject
from real_trade.backtest.trust.trials import trials_section
from real_trade.model.errors import StrategyError
from real_trade.model.series import FundingRates
from real_trade.storage import open_records
from real_trade.strategies.momentum_atr import MomentumAtr
from real_trade.strategies.pair_reversion import PairReversion
from real_trade.strategies.sma_cross import SmaCross
from real_trade.trading.loading import load_strategy

if TYPE_CHECKING:
    from real_trade.backtest.portfolio_result import PortfolioResult

HERE = Path(__file__).parent
LEAKY = load_strategy(f"{HERE / 'zoo_pair_leaks.py'}:OthersNextClose", {})
WILD = {"mode": "long_short", "threshold": 3.0, "stop": 1.0, "goal": 1.0, "size": "0.15"}
BARS = 2_500


def run(allocations: list[Allocation], **rules: Any) -> PortfolioResult:
    """Return a run over two symbols, the second with holes, with hourly funding."""
    stamps = np.arange(START, START + BARS * MINUTE, 60 * MINUTE, dtype=np.int64)
    data, extras = {}, {}
    for number, symbol in enumerate("AB"):
        rng = np.random.default_rng(number)
        klines = random_klines(12 + number, BARS, price=(30_000.0, 2_000.0)[number], volatility=1e-3)
        if number:
            klines = klines.take(np.append(rng.random(BARS - 1) > 0.01, True))
        instrument = replace(instrument_of("linear", funding_interval_minutes=60), symbol=symbol)
        data[symbol] = (klines, instrument)
        extras[symbol] = Extras(funding=FundingRates(stamps, np.round(rng.normal(1e-4, 2e-3, len(stamps)), 8)))
    account = AccountSettings(**({"cash": Decimal(10_000), "leverage": 25, "slippage": "basis_points:1"} | rules))
    return backtest_portfolio(allocations, data, settings=account, extras=extras, runner="python", trust=True)


@pytest.fixture(scope="module", params=["cross", "isolated"])
def result(request: pytest.FixtureRequest) -> PortfolioResult:
    allocations = [
        Allocation(MomentumAtr, ("A",), Decimal("0.4"), WILD),
        Allocation(PairReversion, ("B", "A"), None, {"size": "1"}),
        Allocation(SmaCross, ("B",), None, {"mode": "long_short", "size": "0.5"}),
    ]
    return run(allocations, margin=request.param)


def test_every_strategy_is_checked(result: PortfolioResult) -> None:
    assert result.trust is not None
    checked = result.trust["mandates"]
    assert [each["name"] for each in checked] == ["momentum_atr A", "pair_reversion B+A", "sma_cross B"]
    assert all(each["lookahead"] == {"ok": True, "bars_checked": 50, "findings": []} for each in checked)
    # Of a mean over 100 bars, 99 are history; the score of the pair's ratio is over 240.
    assert [each["warmup"]["bars_needed"] for each in checked[1:]] == [239, 99]
    assert is_honest(result.trust)
    json.dumps(result.trust, allow_nan=False)


def test_costs_are_those_of_all_legs(result: PortfolioResult) -> None:
    assert result.trust is not None
    costs, sums = result.trust["costs"], result.sums
    assert costs["fees"] == sums.fees / 1e8 > 0
    assert costs["funding"] == pytest.approx(sums.funding / 1e8)
    assert costs["net"] == (sums.equity - result.initial_units) / 1e8
    assert costs["slippage"] == pytest.approx(sum(leg.fill_rows["slippage"].sum() for leg in result.legs) / 1e8)
    assert costs["gross"] == pytest.approx(costs["net"] + costs["fees"] + costs["slippage"] + costs["funding"])


def test_capacity_is_told_of_each_leg(result: PortfolioResult) -> None:
    assert result.trust is not None
    rows = result.trust["capacity"]
    names = [("momentum_atr A", "A"), ("pair_reversion B+A", "B"), ("pair_reversion B+A", "A"), ("sma_cross B", "B")]
    assert [(row["name"], row["symbol"]) for row in rows] == names
    assert all(row["max_share"] >= row["median_share"] > 0 for row in rows)


def test_the_draws_are_from_the_trades_of_all_legs_in_order_of_exit(result: PortfolioResult) -> None:
    assert result.trust is not None
    trades = sorted(
        (int(row["exit_ms"]), number, int(row["net"]))
        for number, leg in enumerate(result.legs)
        for row in leg.trade_rows
    )
    net = np.array([trade[2] for trade in trades])
    assert len({trade[1] for trade in trades}) == 4
    assert result.trust["monte_carlo"] == monte_carlo(net, result.initial_units)


def test_the_range_is_that_of_the_account(result: PortfolioResult) -> None:
    assert result.trust is not None
    found = result.trust["range"]
    assert found["pessimistic"]["final_equity"] == result.sums.equity / 1e8
    assert found["pessimistic"]["trades"] == sum(len(leg.trade_rows) for leg in result.legs)
    assert found["optimistic"]["net_profit"] != found["pessimistic"]["net_profit"]
    assert found["label"] in {"bound", "scenarios"}


def test_one_strategy_that_looks_ahead_is_named() -> None:
    result = run([Allocation(SmaCross, ("A",)), Allocation(LEAKY, ("A", "B"))], leverage=3)
    assert result.trust is not None
    clean, leaky = result.trust["mandates"]
    assert clean["lookahead"]["ok"]
    assert not leaky["lookahead"]["ok"]
    assert leaky["lookahead"]["findings"][0]["name"] == "signal"
    assert not is_honest(result.trust)


def test_one_strategy_in_a_portfolio_has_the_trust_of_its_backtest() -> None:
    klines, instrument = random_klines(3, BARS, volatility=2e-3), instrument_of("linear")
    given: dict[str, Any] = {"settings": AccountSettings(leverage=10), "runner": "python", "trust": True}
    alone = backtest(MomentumAtr, klines, instrument, params=WILD, **given)
    together = backtest_portfolio([Allocation(MomentumAtr, ("A",), None, WILD)], {"A": (klines, instrument)}, **given)
    assert alone.trust is not None and together.trust is not None
    for name in ("costs", "monte_carlo", "range"):
        assert alone.trust[name] == together.trust[name]
    (checked,) = together.trust["mandates"]
    assert {name: alone.trust[name] for name in ("lookahead", "warmup")} == {
        name: checked[name] for name in ("lookahead", "warmup")
    }
    (capacity,) = together.trust["capacity"]
    assert alone.trust["capacity"] == {
        name: value for name, value in capacity.items() if name not in {"name", "symbol"}
    }


def test_a_strategy_that_cannot_run_alone_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(subject: Subject, rows: int | None = None) -> Any:
        raise StrategyError("It fails.", field="on_bar", fix="Mend it.")

    monkeypatch.setattr(Subject, "run", failing)
    result = run([Allocation(SmaCross, ("A",)), Allocation(SmaCross, ("B",))])
    assert result.trust is not None
    assert [list(each) for each in result.trust["mandates"]] == [["name"], ["name"]]
    assert is_honest(result.trust)


def test_a_portfolio_is_one_trial(tmp_path: Path) -> None:
    klines, instrument = random_klines(3, 300), replace(instrument_of("linear"), symbol="A")
    store = open_records(tmp_path)

    def count(*fast: int) -> tuple[PortfolioResult, int]:
        allocations = [Allocation(SmaCross, ("A",), None, {"fast": each}) for each in fast]
        counted = count_trial(backtest_portfolio(allocations, {"A": (klines, instrument)}, runner="python"), store)
        assert counted.trust is not None
        return counted, counted.trust["trials"]["count"]

    pair, first = count(5, 9)
    assert [first, count(5, 9)[1], count(5, 8)[1]] == [1, 1, 2]
    (trial, _) = store.trials("sma_cross A, sma_cross A", pair.hashes["data"])
    assert {name: params["fast"] for name, params in trial.params.items()} == {"1 sma_cross A": 5, "2 sma_cross A": 9}
    # A name that is too long for the table is cut, and does not fall together with another.
    assert [count(*range(5, 20))[1], count(*range(6, 20))[1], count(*range(4, 19))[1]] == [1, 1, 2]
    alone, first = count(5)
    assert (alone.strategy, alone.params["fast"], first) == ("sma_cross", 5, 1)
    assert trials_section(store, alone)["count"] == 1
    store.close()
