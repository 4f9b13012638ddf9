"""Slippage: every model of the registry is shown to act, never to the trader's good, the same on both sides."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.kernels.slippage import (
    NONE,
    PARAMETER_LIMIT,
    SLIPPAGE_MODELS,
    SLIPPAGE_TICKS_LIMIT,
    root_up,
    slippage_terms,
    slippage_ticks,
    slipped_price,
    true_range,
)
from real_trade.model import InputError

# Parameter as people write it, and the distance at 100,000 ticks, 25 of 100 lots, a true range of 800 ticks.
EXPECTED = {
    "none": ("0", 0),
    "basis_points": ("2.5", 25),
    "half_spread": ("3", 2),
    "volume_share": ("0.001", 50),  # 0.1 % of the price times the root of a quarter
    "volatility": ("0.1", 80),
}


def distance(
    name: str, parameter: str, *, price: int = 100_000, lots: int = 25, volume: int = 100, span: int = 800
) -> int:
    number, units = slippage_terms(name, Decimal(parameter))
    return slippage_ticks(number, price, lots, volume, span, units)


def test_every_model_is_shown_here() -> None:
    assert set(EXPECTED) == set(SLIPPAGE_MODELS)


@pytest.mark.parametrize("name", SLIPPAGE_MODELS)
def test_each_model_acts_as_expected(name: str) -> None:
    parameter, expected = EXPECTED[name]
    assert distance(name, parameter) == expected
    model = SLIPPAGE_MODELS[name]
    assert model.distance(100_000, 25, 100, 800, slippage_terms(name, parameter)[1]) == expected
    assert model.description
    assert model.source


def test_numbers_are_distinct_and_zero_means_none() -> None:
    numbers = [model.number for model in SLIPPAGE_MODELS.values()]
    assert numbers == list(range(len(SLIPPAGE_MODELS)))
    assert SLIPPAGE_MODELS["none"].number == NONE


NAMES = st.sampled_from(sorted(SLIPPAGE_MODELS))
PRICES = st.integers(1, 10**9)
LOTS = st.integers(1, 10**12)
PARAMETERS = st.integers(0, PARAMETER_LIMIT)


@settings(deadline=None)
@given(NAMES, PRICES, LOTS, LOTS, PRICES)
def test_a_parameter_of_zero_is_no_slippage(name: str, price: int, lots: int, volume: int, span: int) -> None:
    assert slippage_ticks(SLIPPAGE_MODELS[name].number, price, lots, volume, span, 0) == 0
    assert slipped_price(1, price, 0, price, price, True) == slipped_price(-1, price, 0, price, price, False) == price


@settings(deadline=None, max_examples=300)
@given(NAMES, PRICES, LOTS, LOTS, PRICES, PARAMETERS, PARAMETERS, st.integers(0, 10**12))
def test_more_is_never_less(
    name: str, price: int, lots: int, volume: int, span: int, parameter: int, further: int, more: int
) -> None:
    number = SLIPPAGE_MODELS[name].number
    low, high = sorted([parameter, further])
    base = slippage_ticks(number, price, lots, volume, span, low)
    assert 0 <= base <= slippage_ticks(number, price, lots, volume, span, high)
    assert base <= slippage_ticks(number, price, lots + more, volume, span, low)
    assert base >= slippage_ticks(number, price, lots, volume + more, span, low)
    assert base <= slippage_ticks(number, price, lots, volume, span + more, low)


@settings(deadline=None, max_examples=300)
@given(PRICES, st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**6))
def test_both_sides_suffer_alike_and_stay_within_the_bar(price: int, far: int, above: int, below: int) -> None:
    high, low = price + above, max(1, price - below)
    assert slipped_price(1, price, far, high, low, False) == price + far
    assert slipped_price(-1, price, far, high, low, False) == max(1, price - far)
    assert slipped_price(1, price, far, high, low, True) == min(price + far, high)
    assert slipped_price(-1, price, far, high, low, True) == max(price - far, low, 1)


def test_slippage_never_improves_a_price_outside_the_bar() -> None:
    assert slipped_price(1, 120, 5, 110, 90, True) == 120
    assert slipped_price(-1, 80, 5, 110, 90, True) == 80


@settings(deadline=None)
@given(PRICES, LOTS, LOTS, st.integers(0, 10**9))
def test_the_square_root_model_is_the_square_root_rounded_up(
    price: int, lots: int, volume: int, parameter: int
) -> None:
    number = SLIPPAGE_MODELS["volume_share"].number
    exact = price * parameter / 1e9 * math.sqrt(min(1.0, lots / volume))
    found = slippage_ticks(number, price, lots, volume, 0, parameter)
    assert exact - 1e-3 <= found <= exact + 2.001 + price * 2e-9


def test_an_order_in_a_bar_without_volume_pays_the_whole() -> None:
    assert distance("volume_share", "0.001", volume=0) == distance("volume_share", "0.001", lots=100) == 100


def test_the_smallest_order_in_the_largest_volume_still_slips() -> None:
    assert distance("volume_share", "0.001", lots=1, volume=2**62) == 1


@settings(deadline=None)
@given(st.integers(0, 2**60))
def test_roots_are_exact(number: int) -> None:
    assert root_up(number) == (math.isqrt(number - 1) + 1 if number else 0)
    square = math.isqrt(number) ** 2
    assert root_up(square) == math.isqrt(square)


def test_the_bounds_hold_at_the_bound() -> None:
    top = SLIPPAGE_TICKS_LIMIT
    for name, model in SLIPPAGE_MODELS.items():
        found = slippage_ticks(model.number, top, 2**62, 1, top, PARAMETER_LIMIT)
        expected = {"none": 0, "half_spread": PARAMETER_LIMIT // 2}.get(name, 10 * top)
        assert found == expected
        assert slipped_price(1, top, found, top, 1, False) == top + expected
    number = SLIPPAGE_MODELS["basis_points"].number
    assert slippage_ticks(number, top, 1, 1, 1, 1) == math.ceil(Fraction(top, 10**9))


def test_true_range_reaches_to_the_close_before() -> None:
    assert [true_range(110, 90, close) for close in (100, 130, 70)] == [20, 40, 40]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("volum_share", "1", "unknown_slippage"),
        ("zzz", "1", "unknown_slippage"),
        ("none", "1", "bad_slippage"),
        ("basis_points", "-1", "bad_slippage"),
        ("basis_points", "NaN", "bad_slippage"),
        ("basis_points", "one", "bad_slippage"),
        ("basis_points", "0.000001", "bad_slippage"),
        ("half_spread", "0.5", "bad_slippage"),
        ("volatility", "11", "bad_slippage"),
    ],
)
def test_bad_models_are_refused(name: str, value: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        slippage_terms(name, value)
    assert caught.value.code == code
    assert caught.value.field == "slippage"
    assert caught.value.fix
