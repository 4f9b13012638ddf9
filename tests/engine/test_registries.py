"""Every word that an account's settings know has a case here that shows its effect; a word without one fails."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from engine_markets import START, instrument_of

from real_trade.backtest import AccountSettings, BacktestResult, backtest
from real_trade.backtest.account import MARGINS, POLICIES, QUEUES
from real_trade.backtest.engine import RUNNERS
from real_trade.backtest.material import Extras
from real_trade.kernels.slippage import SLIPPAGE_MODELS
from real_trade.model import Klines
from real_trade.model.series import FundingRates, Trades
from real_trade.model.tiers import MarginTiers
from real_trade.trading import Bar, Choice, Desk, Int, Strategy

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60_000


class Step(NamedTuple):
    bars: int = 0


class Once(Strategy):
    """On the first bar: a market order, a limit order, or a bracket; nothing after."""

    what = Choice(("market", "limit", "bracket"))
    lots = Int(100, 1, 10**9)
    State = Step

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars == 0:
            if p.what == 1:
                desk.buy_limit(p.lots, bar.close - 100)
            else:
                entry = desk.buy(p.lots)
                if p.what == 2:
                    desk.attach_stop(entry, bar.close - 500)
                    desk.attach_target(entry, bar.close + 500)
        return Step(state.bars + 1)


def klines(*rows: tuple[int, int, int, int], volume: float = 10.0) -> Klines:
    """Return bars of open, high, low and close in ticks of 0.01."""
    columns = np.array([(10_000,) * 4, *rows]).T / 100
    stamps = START + np.arange(len(rows) + 1) * MINUTE
    return Klines.of(stamps, *columns, np.full(len(rows) + 1, volume))


WIDE = (10_000, 10_600, 9_400, 10_000)
# A fee-free account in which the range of a bar is all that matters.
FREE: dict[str, Any] = {"fee_taker": Decimal(0), "fee_maker": Decimal(0), "cash": Decimal(100_000)}


def run(what: str, *rows: tuple[int, int, int, int], extras: Extras | None = None, **settings: Any) -> BacktestResult:
    lots = settings.pop("lots", 100)
    return backtest(
        Once,
        klines(*rows),
        instrument_of("linear", "0.01", "0.001"),
        params={"what": what, "lots": lots},
        settings=AccountSettings(**(FREE | settings)),
        extras=extras,
    )


def exits(policy: str) -> list[int]:
    """Return the prices of a bracket whose second bar reaches both exits; inside, the high comes first."""
    path = np.array([10_000, 10_600, 9_400, 10_000]) / 100
    trades = Trades.of(START + 2 * MINUTE + np.array([0, 1, 2, 3]) * 1_000, path, np.ones(4), np.ones(4))
    result = run("bracket", (10_000,) * 4, (10_000, 10_600, 9_400, 10_000), policy=policy, extras=Extras(finer=trades))
    return result.fill_rows["price_ticks"].tolist()[1:]


POLICY_CASES: dict[str, list[int]] = {
    "pessimistic": [9_500],
    "optimistic": [10_500],
    # Both extremes are equally near: the high first.
    "path": [10_500],
    "finer": [10_500],
}
QUEUE_CASES: dict[str, int] = {"touch": 1, "through": 0}
MARGIN_CASES: dict[str, int] = {"cross": 100_000, "isolated": 0}


def test_policies() -> None:
    assert set(POLICY_CASES) == set(POLICIES)
    assert {policy: exits(policy) for policy in POLICIES} == POLICY_CASES


def test_finer_data_overrule_the_nearer_extreme() -> None:
    lopsided = (10_000, 10_550, 9_400, 10_000)
    path = np.array([10_000, 9_400, 10_550, 10_000]) / 100
    trades = Trades.of(START + 2 * MINUTE + np.array([0, 1, 2, 3]) * 1_000, path, np.ones(4), np.ones(4))
    prices = {
        policy: run("bracket", (10_000,) * 4, lopsided, policy=policy, extras=Extras(finer=trades)).fill_rows[
            "price_ticks"
        ][1]
        for policy in ("path", "finer")
    }
    # The stop goes at the price of the trade that set it off.
    assert prices == {"path": 10_500, "finer": 9_400}


def test_queues() -> None:
    assert set(QUEUE_CASES) == set(QUEUES)
    fills = {queue: len(run("limit", (10_000, 10_000, 9_900, 10_000), queue=queue).fill_rows) for queue in QUEUES}
    assert fills == QUEUE_CASES


def test_margins() -> None:
    assert set(MARGIN_CASES) == set(MARGINS)
    tiers = MarginTiers.of([(Decimal(10**8), Decimal("0.01"), Decimal(50))], as_of="", source="")
    # A fall of 12 % is beyond the margin of a position at leverage 10, and nothing to an account of twice its value.
    ended = {
        margin: run(
            "market", (10_000,) * 4, (10_000, 10_000, 8_800, 8_800), margin=margin, leverage=10, lots=100_000,
            cash=Decimal(20_000), extras=Extras(tiers=tiers),
        ).ledger.position
        for margin in MARGINS
    }  # fmt: skip
    assert ended == MARGIN_CASES


SLIPPAGE_CASES: dict[str, tuple[str, int]] = {
    # Filled at the open of 10,000 in a bar that goes to 10,600; the bar before has a range of 0.
    "none": ("none", 10_000),
    "basis_points": ("basis_points:10", 10_010),
    "half_spread": ("half_spread:6", 10_003),
    # A tenth of a lot of ten: a hundredth of the volume, its root a tenth, of one per cent of the price.
    "volume_share": ("volume_share:0.01", 10_010),
    "volatility": ("volatility:0.5", 10_100),
}


@pytest.mark.parametrize("name", SLIPPAGE_MODELS)
def test_slippage_models(name: str) -> None:
    assert set(SLIPPAGE_CASES) == set(SLIPPAGE_MODELS)
    model, price = SLIPPAGE_CASES[name]
    bars = klines(WIDE)
    if name == "volatility":
        first = klines((10_000, 10_100, 9_900, 10_000), WIDE)
        # Decided on the bar of that range: take the first, quiet one away.
        bars = first.take(slice(1, 3))
    result = backtest(
        Once, bars, instrument_of("linear", "0.01", "0.001"), settings=AccountSettings(**FREE, slippage=model)
    )
    assert result.fill_rows["price_ticks"].tolist() == [price]
    assert int(result.fill_rows["slippage"][0]) == (price - 10_000) * 100 * 1_000


def _funding(rate: str | None) -> int:
    rates = FundingRates(np.array([START + 3 * MINUTE]), np.array([0.001]))
    extras = Extras(funding=None if rate else rates)
    settings = {"funding_rate": Decimal(rate)} if rate else {}
    bars = [(10_000,) * 4] * 600
    return run("market", *bars, extras=extras, **settings).ledger.funding


# Each further setting, and what shows it.
SETTING_CASES: dict[str, Callable[[], bool]] = {
    "cash": lambda: run("market", WIDE, cash=Decimal(5)).order_rows["reason"][0] == 1,
    "fee_taker": lambda: run("market", WIDE, fee_taker=Decimal("0.001")).ledger.fees == 10**6,
    "fee_maker": lambda: run("limit", WIDE, fee_maker=Decimal("0.001")).ledger.fees == 990_000,
    "fee_tier": lambda: run("market", WIDE, fee_tier="vip9", fee_taker=None).ledger.fees == 170_000,
    "leverage": lambda: len(run("market", WIDE, cash=Decimal(2), leverage=5).fill_rows) == 1,
    "volume_share": lambda: (
        run("market", WIDE, WIDE, volume_share=Decimal("0.001")).fill_rows["lots"].tolist() == [10, 10]
    ),
    "latency_ms": lambda: (
        run("market", WIDE, latency_ms=15_000).fill_rows["price_ticks"].tolist() == [10_600]
        and run("market", WIDE, WIDE, latency_ms=60_000).fill_rows["bar"].tolist() == [2]
    ),
    # A stored settlement of 0.1 % on a position of 10; one stated at 0.2 %, at 08:00.
    "funding_rate": lambda: (_funding(None), _funding("0.002")) == (10**6, 2 * 10**6),
    "fee_liquidation": lambda: (
        run(
            "market", (10_000,) * 4, (10_000, 10_000, 9_020, 9_020), leverage=10, margin="isolated", lots=1_000,
            fee_liquidation=Decimal("0.005"),
        ).ledger.fees
        > 0
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTING_CASES)
def test_settings(name: str) -> None:
    shown_elsewhere = {"queue", "policy", "slippage", "margin"}
    assert set(SETTING_CASES) | shown_elsewhere == set(AccountSettings.__dataclass_fields__)
    assert SETTING_CASES[name]()


def test_runners() -> None:
    """That all give the same is shown by test_parity.py; that each is what it says, here."""
    assert RUNNERS == ("compiled", "python", "reference")
    results = {
        runner: backtest(Once, klines(WIDE), instrument_of("linear", "0.01", "0.001"), runner=runner)
        for runner in RUNNERS
    }
    assert {result.runner for result in results.values()} == set(RUNNERS)
