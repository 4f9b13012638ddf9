"""Each ready strategy does, on bars made by hand, what its page says; and keeps its promises on random ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_markets import MINUTE, SINGLES, START, instrument_of, random_klines

from real_trade.backtest import AccountSettings, BacktestResult, backtest
from real_trade.backtest.engine import RUNNERS, compute_features
from real_trade.model import InputError, Klines, OrderStatus
from real_trade.model.bars import bars_from_klines
from real_trade.model.order import OrderType, RejectReason
from real_trade.strategies.catalogue import READY
from real_trade.trading import Choice, Float, Int, Quantity
from real_trade.trading.loading import load_strategy

RICH = AccountSettings(Decimal(10_000_000), Decimal(0), Decimal(0), 1)
BUY, SELL = 1, -1
MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
OPEN, FILLED, CANCELED, REJECTED = (
    OrderStatus.ACCEPTED,
    OrderStatus.FILLED,
    OrderStatus.CANCELED,
    OrderStatus.REJECTED,
)

Order = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Scenario:
    """Bars by hand (closes, or open, high, low, close; whole ticks) and every order that they must bring about.

    An order is its bar, side, type, price and final status; one that rests when the run ends is OPEN.
    """

    strategy: str
    bars: list[Any]
    orders: list[Order]
    params: dict[str, Any] = field(default_factory=dict)
    market: str = "spot"
    volume: float = 1.0


def quiet(*closes: int) -> list[tuple[int, int, int, int]]:
    """Return bars that go straight from one close to the next."""
    before = [closes[0], *closes]
    return [(o, max(o, c), min(o, c), c) for o, c in zip(before, closes, strict=False)]


def klines_of(bars: list[tuple[int, int, int, int]], volume: float = 1.0) -> Klines:
    columns = np.array(bars, np.float64).T
    stamps = START + np.arange(len(bars), dtype=np.int64) * MINUTE
    return Klines.of(stamps, *columns, np.full(len(bars), volume))


def run(name: str, klines: Klines, market: str, **params: Any) -> BacktestResult:
    instrument = instrument_of(market, "1", "0.001")
    return backtest(load_strategy(name, READY), klines, instrument, params=params, settings=RICH)


def orders_of(result: BacktestResult) -> list[Order]:
    """Return bar, side, type, the one price that the order names, and status of each order."""
    rows = result.order_rows
    prices = np.maximum(rows["price_ticks"], rows["trigger_ticks"])
    columns = (rows["bar"], rows["side"], rows["type"], prices, rows["status"])
    return list(zip(*(column.tolist() for column in columns), strict=True))


LONG_SHORT = {"mode": "long_short"}
MOMENTUM = {"lookback": 2, "length": 2, "threshold": 1.0, "stop": 1.0, "goal": 2.0}
# Average true range 3 and a move of 4 on the third bar; entered at 104: the stop is 101, the target 110.
RUN_UP = [(100, 101, 99, 100), (100, 101, 99, 100), (100, 104, 100, 104), (104, 105, 103, 104)]
RUN_DOWN = [(100, 101, 99, 100), (100, 101, 99, 100), (100, 100, 96, 96), (96, 97, 95, 96)]
# Both quotes 16 basis points away, and 40 lower at the limit of two quotes.
MAKER = {"window": 1, "spread": 16.0, "skew": 40.0, "size": "0.01", "limit": "0.02"}
GEOMETRIC_UP = [round(1_000_000 * 1.001**bar) for bar in range(8)]
GEOMETRIC_DOWN = [round(GEOMETRIC_UP[-1] * 0.999**bar) for bar in range(1, 9)]

TREND = "the trend is held at the size that volatility allows, and left"

SCENARIOS: dict[str, Scenario] = {
    "a cross is bought and sold": Scenario(
        "sma_cross",
        quiet(100, 99, 98, 97, 96, 105, 106, 107, 90, 80),
        [(5, BUY, MARKET, 0, FILLED), (8, SELL, MARKET, 0, FILLED)],
        {"fast": 1, "slow": 3},
    ),
    "a breakout is bought above the channel and sold below it": Scenario(
        "breakout",
        [(100, 101, 99, 100), (100, 102, 99, 100), (100, 101, 98, 100), (100, 104, 100, 103), (103, 103, 97, 97)],
        [(2, BUY, STOP, 103, FILLED), (3, SELL, STOP, 97, FILLED), (4, BUY, STOP, 105, OPEN)],
        {"entry": 3, "exit": 2},
    ),
    "a dip is bid for and the mean is offered": Scenario(
        "mean_reversion",
        [(100, 100, 100, 100), (100, 100, 100, 100), (100, 100, 90, 100), (100, 101, 100, 100)],
        [(1, BUY, LIMIT, 95, FILLED), (2, SELL, LIMIT, 101, FILLED), (3, BUY, LIMIT, 95, OPEN)],
        {"window": 2, "distance": 500.0},
    ),
    "oversold is bought once, and sold at the middle": Scenario(
        "rsi_reversion",
        quiet(100, 101, 102, 90, 88, 100, 120),
        [(3, BUY, MARKET, 0, FILLED), (5, SELL, MARKET, 0, FILLED)],
        {"length": 2},
    ),
    "overbought is sold short": Scenario(
        "rsi_reversion",
        quiet(100, 101, 102, 90, 88, 100, 120),
        [(2, SELL, MARKET, 0, FILLED), (3, BUY, MARKET, 0, FILLED), (5, SELL, MARKET, 0, FILLED)],
        {"length": 2, **LONG_SHORT},
        "linear",
    ),
    "a close below the band is bought once, and sold at the mean": Scenario(
        "bollinger_reversion",
        quiet(100, 102, 100, 102, 90, 89, 110, 111),
        [(4, BUY, MARKET, 0, FILLED), (6, SELL, MARKET, 0, FILLED)],
        {"window": 4, "width": 1.0},
    ),
    "a close above the band is sold short": Scenario(
        "bollinger_reversion",
        quiet(100, 98, 100, 98, 110, 111, 90, 89),
        [(4, SELL, MARKET, 0, FILLED), (6, BUY, MARKET, 0, FILLED)],
        {"window": 4, "width": 1.0, **LONG_SHORT},
        "linear",
    ),
    "the target ends a trade and the stop is taken back": Scenario(
        "momentum_atr",
        [*RUN_UP, (104, 111, 103, 110), (110, 110, 110, 110)],
        [(2, BUY, MARKET, 0, FILLED), (2, SELL, STOP, 101, CANCELED), (2, SELL, LIMIT, 110, FILLED)],
        MOMENTUM,
    ),
    "the stop ends a trade and the target is taken back": Scenario(
        "momentum_atr",
        [*RUN_UP, (104, 105, 100, 101), (101, 101, 101, 101)],
        [(2, BUY, MARKET, 0, FILLED), (2, SELL, STOP, 101, FILLED), (2, SELL, LIMIT, 110, CANCELED)],
        MOMENTUM,
    ),
    "a fall is followed on linear": Scenario(
        "momentum_atr",
        [*RUN_DOWN, (96, 97, 89, 90), (90, 90, 90, 90)],
        [(2, SELL, MARKET, 0, FILLED), (2, BUY, STOP, 99, CANCELED), (2, BUY, LIMIT, 90, FILLED)],
        {**MOMENTUM, **LONG_SHORT},
        "linear",
    ),
    "a bar that reaches stop and target ends the trade once": Scenario(
        "momentum_atr",
        [*RUN_UP, (104, 111, 100, 111), (111, 111, 111, 111)],
        [(2, BUY, MARKET, 0, FILLED), (2, SELL, STOP, 101, FILLED), (2, SELL, LIMIT, 110, CANCELED)],
        {**MOMENTUM, **LONG_SHORT},
        "linear",
    ),
    "the exits guard the bar of the entry too": Scenario(
        "momentum_atr",
        [*RUN_UP[:3], (104, 104, 100, 100), (100, 100, 100, 100)],
        [(2, BUY, MARKET, 0, FILLED), (2, SELL, STOP, 101, FILLED), (2, SELL, LIMIT, 110, CANCELED)],
        MOMENTUM,
    ),
    "below the day's mean price is bid for, and that price is offered": Scenario(
        "vwap_reversion",
        [(8000, 8000, 8000, 8000), (8000, 8000, 8000, 8000), (8000, 8000, 7600, 7980), (7980, 8000, 7980, 8000)],
        [(0, BUY, LIMIT, 7600, FILLED), (2, SELL, LIMIT, 7954, FILLED), (3, BUY, LIMIT, 7565, OPEN)],
        {"distance": 500.0, "requote": 0.0},
    ),
    "a small move of the mean price leaves the quote alone": Scenario(
        "vwap_reversion",
        quiet(8000, 8001, 8002, 8003, 8100),
        [(0, BUY, LIMIT, 7600, CANCELED), (4, BUY, LIMIT, 7613, OPEN)],
        {"distance": 500.0, "requote": 10.0},
    ),
    TREND: Scenario(
        "volatility_trend",
        quiet(*GEOMETRIC_UP, *GEOMETRIC_DOWN),
        [(4, BUY, MARKET, 0, FILLED), (10, SELL, MARKET, 0, FILLED)],
        {"fast": 2, "slow": 5, "window": 4, "risk": 5.0, "size": "1"},
    ),
    "a falling trend is held short": Scenario(
        "volatility_trend",
        quiet(*GEOMETRIC_UP, *GEOMETRIC_DOWN),
        [(4, BUY, MARKET, 0, FILLED), (10, SELL, MARKET, 0, FILLED)],
        {"fast": 2, "slow": 5, "window": 4, "risk": 5.0, "size": "1", **LONG_SHORT},
        "linear",
    ),
    "both sides are quoted, lower and off the last close once something is held, one side at the limit": Scenario(
        "market_maker",
        [(10_000, 10_000, 10_000, 10_000), (10_000, 10_000, 9_980, 10_000), (10_000, 10_000, 9_960, 10_000)],
        [
            (0, BUY, LIMIT, 9_984, FILLED),
            (0, SELL, LIMIT, 10_017, CANCELED),
            (1, BUY, LIMIT, 9_964, FILLED),
            (1, SELL, LIMIT, 10_001, CANCELED),
            (2, SELL, LIMIT, 10_001, OPEN),
        ],
        {**MAKER, **LONG_SHORT},
        "linear",
    ),
    "a fill renews the quotes even where they do not move": Scenario(
        "market_maker",
        [(10_000, 10_000, 10_000, 10_000), (10_000, 10_000, 9_980, 10_000), (10_000, 10_000, 10_000, 10_000)],
        [
            (0, BUY, LIMIT, 9_984, FILLED),
            (0, SELL, LIMIT, 10_017, CANCELED),
            (1, BUY, LIMIT, 9_984, OPEN),
            (1, SELL, LIMIT, 10_017, OPEN),
        ],
        {**MAKER, **LONG_SHORT, "skew": 0.0},
        "linear",
    ),
    "a quote that would take is canceled, and given anew": Scenario(
        "market_maker",
        [(10_000, 10_000, 10_000, 10_000), (9_980, 10_000, 9_980, 10_000), (10_000, 10_000, 10_000, 10_000)],
        [
            (0, BUY, LIMIT, 9_984, CANCELED),
            (0, SELL, LIMIT, 10_017, CANCELED),
            (1, BUY, LIMIT, 9_984, OPEN),
            (1, SELL, LIMIT, 10_017, OPEN),
        ],
        {**MAKER, **LONG_SHORT},
        "linear",
    ),
    "on spot only what is held is offered": Scenario(
        "market_maker",
        [(10_000, 10_000, 10_000, 10_000), (10_000, 10_000, 9_980, 10_000), (10_000, 10_000, 9_970, 10_000)],
        [(0, BUY, LIMIT, 9_984, FILLED), (1, BUY, LIMIT, 9_964, OPEN), (1, SELL, LIMIT, 10_001, OPEN)],
        MAKER,
    ),
}


@pytest.mark.parametrize("title", list(SCENARIOS))
def test_a_strategy_does_what_its_page_says(title: str) -> None:
    scene = SCENARIOS[title]
    result = run(scene.strategy, klines_of(scene.bars, scene.volume), scene.market, **{"size": "0.01", **scene.params})
    assert orders_of(result) == scene.orders


def test_every_ready_strategy_has_a_scene() -> None:
    assert {scene.strategy for scene in SCENARIOS.values()} == set(SINGLES)


@pytest.mark.parametrize(("market", "sold"), [("spot", 1), ("linear", 2)])
def test_the_trend_is_sized_by_volatility(market: str, sold: int) -> None:
    """Ten basis points a bar against a risk of five: half the size; on linear the turn sells it twice."""
    scene = SCENARIOS["a falling trend is held short" if market == "linear" else TREND]
    result = run("volatility_trend", klines_of(scene.bars), market, **scene.params)
    lots = result.fill_rows["lots"].tolist()
    assert lots == [pytest.approx(500, abs=1), pytest.approx(sold * 500, abs=2)]


def test_a_calmer_market_is_held_larger_up_to_the_most() -> None:
    steps = [0.0004] * 12 + [0.0001] * 12
    closes = [round(price) for price in 1e6 * np.exp(np.cumsum(steps))]
    params = {"fast": 2, "slow": 5, "window": 4, "risk": 2.0, "size": "1", "most": 1.5}
    coarse = run("volatility_trend", klines_of(quiet(*closes)), "linear", **params, band=0.25)
    held = np.cumsum(coarse.fill_rows["lots"])
    assert held[0] == pytest.approx(500, abs=1)
    assert held[-1] == 1500
    # Steps of volatility from 4 to 1 basis points: a wide band waits for more of them.
    wide = run("volatility_trend", klines_of(quiet(*closes)), "linear", **params, band=0.9)
    assert len(wide.fill_rows) < len(coarse.fill_rows)


def test_a_turn_of_the_trend_is_followed_however_wide_the_band() -> None:
    steps = [0.0001] * 12 + [0.0005] * 10 + [-0.0005] * 8
    closes = [round(price) for price in 1e6 * np.exp(np.cumsum(steps))]
    params = {"fast": 2, "slow": 5, "window": 4, "risk": 2.0, "size": "1", "most": 1.5, "band": 0.9}
    result = run("volatility_trend", klines_of(quiet(*closes)), "spot", **params)
    held = np.cumsum(result.fill_rows["side"] * result.fill_rows["lots"])
    assert held.tolist() == [1500, pytest.approx(555, abs=2), 0]


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("oversold is bought once, and sold at the middle", [3]),
        ("a close below the band is bought once, and sold at the mean", [4]),
        ("the target ends a trade and the stop is taken back", [2]),
        (TREND, [4]),
    ],
)
def test_an_entry_that_cannot_be_paid_is_not_asked_for_on_every_bar(title: str, asked: list[int]) -> None:
    scene = SCENARIOS[title]
    result = backtest(
        load_strategy(scene.strategy, READY),
        klines_of(scene.bars),
        instrument_of("spot", "1", "0.001"),
        params={"size": "0.01", **scene.params},
        settings=AccountSettings(Decimal("0.01")),
    )
    rejected = [bar for bar, side, _, _, status in orders_of(result) if side == BUY and status == REJECTED]
    assert rejected == asked


def second_mode(name: str) -> dict[str, object]:
    mode = load_strategy(name, READY).parameters.get("mode")
    return {"mode": mode.options[1]} if mode else {}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", SINGLES)
def test_spot_is_never_short_and_linear_may_be(name: str) -> None:
    klines = random_klines(17, 4000)
    strategy = load_strategy(name, READY)
    spot = backtest(strategy, klines, instrument_of("spot"), settings=RICH)
    held = np.cumsum(spot.fill_rows["side"] * spot.fill_rows["lots"])
    assert held.min() >= 0 < held.max()
    if "mode" not in strategy.parameters:
        return
    linear = backtest(strategy, klines, instrument_of("linear"), params=second_mode(name), settings=RICH)
    held = np.cumsum(linear.fill_rows["side"] * linear.fill_rows["lots"])
    assert held.min() < 0 < held.max()
    with pytest.raises(InputError, match="spot does not have") as caught:
        backtest(strategy, klines, instrument_of("spot"), params=second_mode(name))
    assert caught.value.code == "no_short_on_spot"


@pytest.mark.parametrize("name", SINGLES)
def test_the_runners_agree_on_linear(name: str) -> None:
    results = [
        backtest(
            load_strategy(name, READY),
            random_klines(23, 2000),
            instrument_of("linear"),
            params=second_mode(name),
            runner=runner,
        )
        for runner in RUNNERS
    ]
    assert len({result.hashes["orders"] for result in results}) == 1
    for other in results[1:]:
        np.testing.assert_array_equal(results[0].equity_units, other.equity_units)
    assert len(results[0].fill_rows) > 5


@pytest.mark.parametrize("name", SINGLES)
def test_features_do_not_see_the_future(name: str) -> None:
    strategy = load_strategy(name, READY)
    instrument = instrument_of()
    klines = random_klines(29, 3000)
    _, p = strategy.resolve_params({}, instrument)
    whole = compute_features(strategy, bars_from_klines(klines, instrument), p)
    for stop in (1, 2, 50, 777, 2999):
        known = compute_features(strategy, bars_from_klines(klines.take(slice(0, stop)), instrument), p)
        for feature, values in known.items():
            np.testing.assert_array_equal(values, whole[feature][:stop])


def other_value(parameter: object) -> object:
    if isinstance(parameter, Choice):
        return parameter.default
    if isinstance(parameter, Quantity):
        return Decimal(parameter.default) * 2
    if isinstance(parameter, Int):
        return parameter.default + max(1, parameter.default // 5)
    assert isinstance(parameter, Float)
    return parameter.default * 1.2


@pytest.mark.parametrize("name", SINGLES)
def test_every_parameter_changes_the_orders(name: str) -> None:
    strategy = load_strategy(name, READY)
    klines = random_klines(31, 6000, volatility=1.9e-4)

    def orders(**params: object) -> str:
        given = {**second_mode(name), **params}
        return backtest(strategy, klines, instrument_of("linear"), params=given, settings=RICH).hashes["orders"]

    plain = orders()
    for parameter, declared in strategy.parameters.items():
        assert orders(**{parameter: other_value(declared)}) != plain, parameter
        assert declared.doc


def test_the_inventory_limit_holds() -> None:
    for market, lowest in (("spot", 0), ("linear", -3000)):
        params = {"size": "0.01", "limit": "0.03", **(second_mode("market_maker") if market == "linear" else {})}
        result = backtest(
            load_strategy("market_maker", READY),
            random_klines(3, 5000),
            instrument_of(market),
            params=params,
            settings=RICH,
        )
        held = np.cumsum(result.fill_rows["side"] * result.fill_rows["lots"])
        assert held.min() == lowest and held.max() == 3000
        # Every quote stays off the last close, so that it may rest.
        rows = result.order_rows
        away = rows["side"] * (result.close[rows["bar"]] - rows["price_ticks"])
        assert away.min() >= 1
        assert result.fill_rows["maker"].all()
        assert (rows["reason"] == RejectReason.POST_ONLY_WOULD_TAKE).any()


@pytest.mark.parametrize(
    ("name", "params", "field"),
    [
        ("rsi_reversion", {"low": 60.0}, "middle"),
        ("rsi_reversion", {"high": 50.0}, "middle"),
        ("volatility_trend", {"fast": 240}, "fast"),
        ("market_maker", {"limit": "0.005"}, "limit"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(name: str, params: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        load_strategy(name, READY).resolve_params(params, instrument_of())
    assert caught.value.field == field
    assert caught.value.fix


def test_the_guide_lists_every_strategy_with_its_parameters() -> None:
    text = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
    rows = {cells[0].strip(" `"): cells for cells in (line.split("|")[1:] for line in text.splitlines()) if cells}
    for name in READY:
        assert rows[name][3].split() == [f"`{parameter}`" for parameter in load_strategy(name, READY).parameters]
