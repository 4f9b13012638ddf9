"""Several strategies in several instruments: runners agree, ledgers add up, margin is shared, capital is divided."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_parity import RUNNERS, Noise, Storm

from real_trade.backtest import AccountSettings, backtest
from real_trade.backtest.material import Extras
from real_trade.backtest.portfolio import Allocation, backtest_portfolio
from real_trade.kernels.accounting import book_fill, opening, pay_funding, worth_of
from real_trade.model import Instrument, Klines, RejectReason
from real_trade.model.errors import InputError
from real_trade.model.series import FundingRates
from real_trade.model.tiers import MarginTiers
from real_trade.trading import Bar, Desk, Int, Quantity, Strategy

if TYPE_CHECKING:
    from real_trade.backtest.portfolio_result import PortfolioResult

TIERS = MarginTiers.of(
    [(Decimal(5_000), Decimal("0.01"), Decimal(50)), (Decimal(10**8), Decimal("0.05"), Decimal(25))],
    as_of="2026-01-01",
    source="made up",
)


class Two(NamedTuple):
    number: int = 7


class Pair(Strategy):
    """Buys one symbol and sells the other, pseudo-randomly, with limit and market orders; looks at both."""

    seed = Int(1, 0, 2**31)
    first = Int(1_000, 0, 10**9)
    second = Int(1_000, 0, 10**9)
    State = Two
    symbols = 2

    @staticmethod
    def features(bars: Any, p: Any) -> dict[str, Any]:
        return {"ratio": bars[0].close / bars[1].close}

    @staticmethod
    def on_bars(bars: Any, x: Any, state: Any, p: Any, desks: Any) -> Any:
        number = (state.number * 1103515245 + 12345 + p.seed) % 2147483648
        dice = number // 65536 % 8
        side = 1 if number // 7 % 2 == 0 else -1
        if dice == 0 and not bars[0].synthetic:
            desks[0].target(side * p.first)
            desks[1].target(-side * p.second)
        elif dice == 1 and x.ratio > 0.0:
            desks[1].buy_limit(p.second, bars[1].close - number % 40)
        elif dice == 2:
            desks[0].sell_limit(p.first, bars[0].close + number % 40)
        elif dice == 3:
            desks[1].cancel_all()
        elif dice == 4 and desks[0].cash + desks[0].worth(bars[0].close) + desks[1].worth(bars[1].close) < 100.0:
            desks[0].target(0)
        return Two(number)


def with_holes(klines: Klines, seed: int, part: float) -> Klines:
    rng = np.random.default_rng(seed)
    keep = rng.random(len(klines)) >= part
    keep[[0, -1]] = True
    return klines.take(keep)


def market(kind: str, seed: int, bars: int, *, holes: float = 0.0, wild: float = 8e-4) -> tuple[Klines, Instrument]:
    klines = random_klines(seed, bars, price=300.0 if seed % 2 else 30_000.0, volatility=wild)
    return with_holes(klines, seed, holes), instrument_of(kind)


def funding(klines: Klines, seed: int) -> FundingRates:
    stamps = klines.timestamp[::9].copy()
    return FundingRates(stamps, np.random.default_rng(seed).normal(0, 0.002, len(stamps)).round(6))


def run_all(allocations: list[Allocation], data: dict[str, Any], **arguments: Any) -> list[PortfolioResult]:
    results = [backtest_portfolio(allocations, data, runner=runner, **arguments) for runner in RUNNERS]
    for other in results[1:]:
        for mine, theirs in zip(results[0].legs, other.legs, strict=True):
            np.testing.assert_array_equal(mine.order_rows, theirs.order_rows)
            np.testing.assert_array_equal(mine.fill_rows, theirs.fill_rows)
            np.testing.assert_array_equal(mine.payment_rows, theirs.payment_rows)
            assert mine.ledger == theirs.ledger
        for mine_m, theirs_m in zip(results[0].mandates, other.mandates, strict=True):
            np.testing.assert_array_equal(mine_m.equity_units, theirs_m.equity_units)
        assert results[0].hashes == other.hashes
    return results


def adds_up(result: PortfolioResult) -> None:
    """Each ledger is conserved, each strategy is the sum of its legs, and the account that of its strategies."""
    for mandate in result.mandates:
        for place, leg in enumerate(mandate.legs):
            ledger, initial = leg.ledger, 0 if place else mandate.cash_units
            assert ledger.cash == initial + ledger.realised - ledger.cost - ledger.fees - ledger.funding
            assert ledger.fees == int(leg.fill_rows["fee"].sum())
            assert ledger.funding == int(leg.payment_rows["amount"].sum())
        assert int(mandate.equity_units[-1]) == mandate.sums.equity
        assert mandate.sums.equity == sum(leg.ledger.cash for leg in mandate.legs) + mandate.sums.worth
    assert int(result.equity_units[-1]) == result.sums.equity
    assert result.initial_units == int(Decimal(str(result.settings["cash"])) * 10**8)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**31),
    bars=st.integers(2, 160),
    kind=st.sampled_from(["spot", "linear", "linear"]),
    lots=st.integers(1, 40_000),
    cash=st.integers(10_000, 10**7),
    rules=st.tuples(
        st.sampled_from([1, 5, 25]),
        st.sampled_from(["cross", "isolated"]),
        st.sampled_from([0, 0, 30_000]),
        st.sampled_from([0, 20]),
        st.sampled_from([0.05, 0.3]),
        st.sampled_from(["pessimistic", "path"]),
        st.sampled_from([8e-4, 2e-2]),
    ),
)
def test_runners_agree_and_ledgers_add_up(
    seed: int, bars: int, kind: str, lots: int, cash: int, rules: tuple[int, str, int, int, float, str, float]
) -> None:
    leverage, margin, latency, share, holes, policy, wild = rules
    data = {name: market(kind, seed + n, bars, holes=holes, wild=wild) for n, name in enumerate("AB")}
    extras = {name: Extras(funding(klines, seed), tiers=TIERS) for name, (klines, _) in data.items()}
    params: dict[str, object] = {"seed": seed, "lots": lots}
    allocations = [
        Allocation(Storm, ("A",), None, params),
        Allocation(Pair, ("A", "B"), Decimal("0.6"), {"seed": seed, "first": lots, "second": lots * 90}),
    ]
    account = AccountSettings(
        Decimal(cash) / 100,
        Decimal("0.00055"),
        Decimal("0.0002"),
        leverage if kind == "linear" else 1,
        margin=margin,
        latency_ms=latency,
        volume_share=Decimal(share) / 1000,
        policy=policy,
    )
    results = run_all(allocations, data, settings=account, extras=extras)
    adds_up(results[0])
    replayed(results[0])


def replayed(result: PortfolioResult) -> None:
    """Event by event, from the tables alone: every ledger is conserved, and the account is the sum of its ledgers."""
    events = []
    for number, leg in enumerate(result.legs):
        for place, row in enumerate(leg.payment_rows):
            events.append((int(row["bar"]), 0, number, place, int(row["amount"]), None))
        for place, row in enumerate(leg.fill_rows):
            events.append((int(row["bar"]), 1, number, place, 0, row))
    starts = [0 if place else m.cash_units for m in result.mandates for place, _ in enumerate(m.legs)]
    ledgers = [opening(start) for start in starts]
    owners = [number for number, mandate in enumerate(result.mandates) for _ in mandate.legs]
    at = 0
    events.sort(key=lambda event: event[:4])
    for bar in range(len(result.time_ms)):
        while at < len(events) and events[at][0] == bar:
            _, _, number, _, amount, row = events[at]
            terms = result.legs[number].terms
            if row is None:
                ledgers[number] = pay_funding(ledgers[number], amount)
            else:
                side, lots, price, fee = (int(row[name]) for name in ("side", "lots", "price_ticks", "fee"))
                ledgers[number] = book_fill(ledgers[number], side, lots, price, fee, terms)
            one = ledgers[number]
            assert one.cash == starts[number] + one.realised - one.cost - one.fees - one.funding
            at += 1
        closes = [int(leg.close[bar]) for leg in result.legs]
        worth = [
            worth_of(one.position, close, leg.terms)
            for one, close, leg in zip(ledgers, closes, result.legs, strict=True)
        ]
        for owner, mandate in enumerate(result.mandates):
            mine = [n for n, whose in enumerate(owners) if whose == owner]
            assert int(mandate.equity_units[bar]) == sum(ledgers[n].cash + worth[n] for n in mine)
            unrealised = sum(worth[n] - ledgers[n].cost for n in mine)
            made = sum(ledgers[n].realised - ledgers[n].fees - ledgers[n].funding for n in mine)
            assert int(mandate.equity_units[bar]) == mandate.cash_units + made + unrealised
        assert int(result.equity_units[bar]) == sum(ledgers[n].cash + worth[n] for n in range(len(ledgers)))
    assert at == len(events)
    assert ledgers == [leg.ledger for leg in result.legs]


def test_joint_liquidation_happens_and_leaves_nobody_with_a_debt() -> None:
    liquidated = 0
    for seed in range(6):
        data = {name: market("linear", seed + n, 400, wild=6e-3) for n, name in enumerate("AB")}
        extras = {name: Extras(funding(klines, seed), tiers=TIERS) for name, (klines, _) in data.items()}
        allocations = [
            Allocation(Pair, ("A", "B"), None, {"seed": seed, "first": 30_000, "second": 30_000}),
            Allocation(Storm, ("A",), None, {"seed": seed, "lots": 20_000}),
        ]
        account = AccountSettings(Decimal(1_500), leverage=20)
        results = run_all(allocations, data, settings=account, extras=extras)
        adds_up(results[0])
        reasons = [leg.order_rows["reason"] for leg in results[0].legs]
        liquidated += sum(int((column == RejectReason.LIQUIDATION).any()) for column in reasons)
        assert int(results[0].equity_units.min()) > -(10**8)
    assert liquidated > 1


def test_one_strategy_alone_is_the_backtest_of_that_strategy() -> None:
    klines, instrument = market("linear", 4, 1_500)
    account = AccountSettings(Decimal(3_000), leverage=5)
    extras = Extras(funding(klines, 1), tiers=TIERS)
    alone = backtest(Storm, klines, instrument, params={"lots": 3_000}, settings=account, extras=extras)
    portfolio = backtest_portfolio(
        [Allocation(Storm, ("A",), None, {"lots": 3_000})], {"A": (klines, instrument)}, settings=account,
        extras={"A": extras},
    )  # fmt: skip
    np.testing.assert_array_equal(alone.fill_rows, portfolio.legs[0].fill_rows)
    np.testing.assert_array_equal(alone.equity_units, portfolio.equity_units)
    assert alone.ledger == portfolio.legs[0].ledger
    np.testing.assert_array_equal(alone.trade_rows, portfolio.legs[0].trade_rows)


def test_a_strategy_spends_its_own_capital_only() -> None:
    klines, instrument = market("spot", 3, 800)
    allocations = [
        Allocation(Noise, ("A",), Decimal("0.0001"), {"lots": 1_000}),
        Allocation(Noise, ("A",), Decimal("0.9999"), {"lots": 1_000}),
    ]
    result = backtest_portfolio(allocations, {"A": (klines, instrument)}, settings=AccountSettings(Decimal(3_000)))
    poor, rich = result.legs
    assert [mandate.cash_units for mandate in result.mandates] == [3 * 10**7, 29_997 * 10**7]
    assert RejectReason.INSUFFICIENT_FUNDS in poor.order_rows["reason"]
    assert RejectReason.INSUFFICIENT_FUNDS not in rich.order_rows["reason"]


class Hold(Strategy):
    """Takes a position on the first bar and keeps it."""

    lots = Int(1_000, -(10**9), 10**9)
    State = Two

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.number == 7:
            desk.target(p.lots)
        return Two(8)


def flat(price: float, steps: list[float]) -> Klines:
    levels = np.array([price, *steps])
    stamps = 1_704_067_200_000 + np.arange(len(levels)) * 60_000
    return Klines.of(stamps, levels, levels, levels, levels, np.full(len(levels), 1e6))


def test_profit_of_one_position_keeps_another_alive_in_a_cross_account_and_not_in_an_isolated_one() -> None:
    falling = flat(100.0, [100.0, 95.0, 90.0, 85.0, 80.0])
    instrument = instrument_of("linear", step="0.01")
    data = {"A": (falling, instrument), "B": (falling, instrument)}
    allocations = [Allocation(Hold, ("A",), None, {"lots": 10_000}), Allocation(Hold, ("B",), None, {"lots": -10_000})]
    # Two positions of 10,000 on 1,250 each at leverage 10: the long would be gone at 88.
    ended = {}
    for margin in ("cross", "isolated"):
        account = AccountSettings(Decimal(2_500), Decimal(0), Decimal(0), 10, margin=margin)
        result = backtest_portfolio(
            allocations, data, settings=account, extras={"A": Extras(tiers=TIERS), "B": Extras(tiers=TIERS)}
        )
        adds_up(result)
        ended[margin] = [leg.ledger.position for leg in result.legs]
    assert ended == {"cross": [10_000, -10_000], "isolated": [0, -10_000]}


def test_where_a_symbol_has_no_bar_nothing_is_matched_and_nothing_decided() -> None:
    whole, instrument = market("linear", 5, 60)
    holed = whole.take(np.arange(60) % 5 != 3)
    result = backtest_portfolio(
        [Allocation(Storm, ("A",), None, {"lots": 500}), Allocation(Storm, ("B",), None, {"lots": 500})],
        {"A": (whole, instrument), "B": (holed, instrument)},
    )
    missing = {i for i in range(60) if i % 5 == 3}
    assert not missing & set(result.legs[1].order_rows["bar"].tolist())
    assert not missing & set(result.legs[1].fill_rows["bar"].tolist())
    assert missing & set(result.legs[0].order_rows["bar"].tolist())
    alone = backtest(Storm, holed, instrument, params={"lots": 500}, settings=AccountSettings(Decimal(5_000)))
    assert alone.fill_rows["price_ticks"].tolist() == result.legs[1].fill_rows["price_ticks"].tolist()


@pytest.mark.parametrize(
    ("allocations", "field"),
    [
        ([], "strategy"),
        ([Allocation(Pair, ("A",))], "symbols"),
        ([Allocation(Pair, ("A", "A"))], "symbols"),
        ([Allocation(Hold, ("Z",))], "symbols"),
        ([Allocation(Hold, ("A",), Decimal("0.4")), Allocation(Hold, ("A",), Decimal("0.4"))], "share"),
        ([Allocation(Hold, ("A",), Decimal("1.4")), Allocation(Hold, ("A",))], "share"),
        ([Allocation(Hold, ("A",), Decimal("NaN"))], "share"),
        ([Allocation(Hold, ("A", "B"))], "symbols"),
    ],
)
def test_impossible_portfolios_are_refused(allocations: list[Allocation], field: str) -> None:
    data = {name: market("linear", 3, 30) for name in "AB"}
    with pytest.raises(InputError) as caught:
        backtest_portfolio(allocations, data)
    assert caught.value.field == field


def test_symbols_without_a_common_time_or_currency_are_refused() -> None:
    first, instrument = market("linear", 3, 30)
    later = Klines.of(first.timestamp + 10**9, first.open, first.high, first.low, first.close, first.volume)
    allocations = [Allocation(Hold, ("A",)), Allocation(Hold, ("B",))]
    with pytest.raises(InputError, match="no time in common"):
        backtest_portfolio(allocations, {"A": (first, instrument), "B": (later, instrument)})
    other = instrument_of("inverse", tick="0.01", step="1")
    object.__setattr__(other, "settle", "BTC")
    with pytest.raises(InputError, match="settled in"):
        backtest_portfolio(allocations, {"A": (first, instrument), "B": (first, other)})


def test_a_quantity_belongs_to_one_of_the_symbols() -> None:
    class Sized(Strategy):
        base = Quantity("0.5")
        other = Quantity("0.5", symbol=1)
        symbols = 2

        @staticmethod
        def on_bars(bars: Any, x: Any, state: Any, p: Any, desks: Any) -> Any:
            return state

    _, params = Sized.resolve_params({}, instrument_of(step="0.01"), instrument_of(step="0.1"))
    assert (params.base, params.other) == (50, 5)
