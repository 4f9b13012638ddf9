"""The Sharpe ratio's error and its deflation: against the numbers that their authors print, and by properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_trade.metrics import ratios
from real_trade.metrics.deflated import (
    SharpeFacts,
    deflated_sharpe,
    effective_observations,
    expected_max_sharpe,
    judged_returns,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_facts,
    trial_variance,
)

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_704_067_200_000
# Bailey and Lopez de Prado 2014, "A numerical example": an annual ratio of 2.5 from five years of daily returns, 250 a
# year, skewness -3, kurtosis 10; the annual ratios of the trials have variance 1/2.
DAILY = 2.5 / math.sqrt(250)
VARIANCE = 1 / (2 * 250)


def facts(sharpe: float, observations: int, skewness: float = 0.0, kurtosis: float = 3.0) -> SharpeFacts:
    return SharpeFacts(sharpe, observations, skewness, kurtosis, 0.0)


def test_the_numerical_example_of_the_deflated_sharpe_ratio() -> None:
    assert expected_max_sharpe(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(facts(DAILY, 1250, -3, 10), 100, VARIANCE) == pytest.approx(0.9004, abs=5e-5)
    # The same ratio would pass at 95 % after 46 trials, and with normal returns after 88.
    assert deflated_sharpe(facts(DAILY, 1250, -3, 10), 46, VARIANCE) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(facts(DAILY, 1250), 88, VARIANCE) == pytest.approx(0.9505, abs=5e-5)


def test_the_numerical_example_of_the_probabilistic_sharpe_ratio() -> None:
    # Bailey and Lopez de Prado 2012, section 4: monthly ratio 0.458, skewness -2.448, kurtosis 10.164.
    assert probabilistic_sharpe(0.458, 0, 24) == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe(0.458, 0, 24, -2.448, 10.164) == pytest.approx(0.913, abs=5e-4)
    assert probabilistic_sharpe(0.458, 0, 36, -2.448, 10.164) == pytest.approx(0.953, abs=6e-4)


@pytest.mark.parametrize(
    ("per_year", "skewness", "kurtosis", "years"),
    [(252, 0, 3, 2.73), (52, 0, 3, 2.83), (12, 0, 3, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_the_numerical_examples_of_the_track_record_length(
    per_year: int, skewness: float, kurtosis: float, years: float
) -> None:
    # The same, section 5: an annual ratio of 2 above 1, with 95 % confidence, from returns of days, weeks and months.
    root = math.sqrt(per_year)
    length = minimum_track_record(2 / root, 1 / root, skewness, kurtosis)
    assert length is not None
    assert length / per_year == pytest.approx(years, abs=5e-3)


@given(st.floats(0.01, 0.5), st.floats(-2, 2), st.floats(0, 8), st.floats(0.6, 0.99))
def test_a_track_record_of_the_minimum_length_is_just_sure_enough(
    sharpe: float, skewness: float, excess: float, confidence: float
) -> None:
    kurtosis = 1 + skewness**2 + excess
    length = minimum_track_record(sharpe, 0.0, skewness, kurtosis, confidence)
    assert length is not None
    found = probabilistic_sharpe(sharpe, 0.0, length, skewness, kurtosis)
    assert found is None or found == pytest.approx(confidence, abs=1e-6)
    assert minimum_track_record(sharpe, sharpe) is None


@given(st.integers(2, 5000), st.integers(1, 500), st.floats(1e-6, 0.1))
def test_more_trials_expect_more_and_believe_less(trials: int, more: int, variance: float) -> None:
    assert 0 < expected_max_sharpe(trials, variance) < expected_max_sharpe(trials + more, variance)
    few, many = (deflated_sharpe(facts(0.1, 900), count, variance) for count in (trials, trials + more))
    assert few is not None and many is not None
    assert many <= few <= probabilistic_sharpe(0.1, 0.0, 900)  # type: ignore[operator]


@pytest.mark.parametrize("trials", [5, 20, 200])
def test_the_expected_maximum_is_that_of_drawn_trials(trials: int) -> None:
    drawn = np.random.default_rng(5).normal(0, 0.03, (4000, trials)).max(axis=1)
    # The formula is an approximation for large n; the authors call it good from 5 on.
    assert expected_max_sharpe(trials, 0.03**2) == pytest.approx(drawn.mean(), rel=0.03)


@pytest.mark.parametrize("trials", [2, 3, 5, 20])
@pytest.mark.parametrize("alike", [0.0, 0.5, 0.95])
def test_the_best_of_trials_without_skill_does_not_pass_more_often_than_one(trials: int, alike: float) -> None:
    """Also where trials are few, and where they are variations of one idea, whose ratios go together."""
    rng = np.random.default_rng(17)
    days, runs = 1000, 8000
    own = rng.normal(0, math.sqrt((1 - alike) / days), (runs, trials))
    table = own + rng.normal(0, math.sqrt(alike / days), (runs, 1))
    passed = [
        deflated_sharpe(facts(float(row.max()), days), trials, trial_variance(row, days)) > 0.95  # type: ignore[operator]
        for row in table
    ]
    # Three binomial standard errors of 8000 draws.
    assert np.mean(passed) <= 0.05 + 0.0075
    naive = [probabilistic_sharpe(float(row.max()), 0.0, days) > 0.95 for row in table]  # type: ignore[operator]
    assert np.mean(naive) > (0.055 if alike > 0.9 else 0.07)


def test_one_trial_is_not_deflated() -> None:
    assert expected_max_sharpe(1, 0.5) == 0.0
    assert deflated_sharpe(facts(0.1, 400), 1, 0.5) == probabilistic_sharpe(0.1, 0.0, 400)
    assert trial_variance(np.array([0.3]), 401) == 1 / 400
    assert trial_variance(np.array([0.1, 0.3]), 401) == pytest.approx(0.02)
    assert trial_variance(np.array([]), 1) == 0.0


def test_skill_is_not_given_to_chance() -> None:
    """Under no skill the probabilistic Sharpe ratio is uniform, whatever the shape of the returns."""
    rng = np.random.default_rng(11)
    shapes = {
        "normal": rng.normal(0, 1, (3000, 400)),
        "fat": rng.standard_t(5, (3000, 400)),
        "skewed": rng.exponential(1, (3000, 400)) - 1,
    }
    for name, table in shapes.items():
        found = [sharpe_facts(row) for row in table]
        values = np.array([deflated_sharpe(one, 1, 0.0) for one in found if one])
        assert len(values) == 3000, name
        # Three standard errors of 3000 draws at 5 % are 0.012; the skewed shape adds its own error of second order.
        assert abs((values > 0.95).mean() - 0.05) < 0.015, name


def test_dependent_returns_count_for_less() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, (1500, 500))
    walk = np.empty_like(noise)
    walk[:, 0] = noise[:, 0]
    for step in range(1, noise.shape[1]):
        walk[:, step] = 0.4 * walk[:, step - 1] + noise[:, step]
    found = [one for row in walk if (one := sharpe_facts(row))]
    assert np.mean([one.autocorrelation for one in found]) == pytest.approx(0.4, abs=0.02)
    corrected = np.array([deflated_sharpe(one, 1, 0.0) for one in found])
    naive = np.array([probabilistic_sharpe(one.sharpe, 0, one.observations) for one in found])
    assert (naive > 0.95).mean() > 0.10
    assert (corrected > 0.95).mean() < 0.075
    assert effective_observations(100, -0.9) == 100


@given(st.lists(st.floats(-0.25, 0.25, width=32), min_size=3, max_size=50).map(np.array))
def test_facts_are_those_of_the_plain_formulas(returns: np.ndarray) -> None:
    found = sharpe_facts(returns)
    annual = ratios.sharpe(returns)
    if found is None or annual is None:
        return
    assert found.sharpe * math.sqrt(365) == pytest.approx(annual, rel=1e-9)
    away = [float(value) - sum(map(float, returns)) / len(returns) for value in returns]
    square = sum(value**2 for value in away) / len(away)
    if square > 1e-12:
        assert found.skewness == pytest.approx(sum(v**3 for v in away) / len(away) / square**1.5, rel=1e-6, abs=1e-6)
        assert found.kurtosis == pytest.approx(sum(v**4 for v in away) / len(away) / square**2, rel=1e-6)
        assert found.kurtosis >= 1 + found.skewness**2 - 1e-6
    probability = deflated_sharpe(found, 10, 0.01)
    assert probability is None or 0 <= probability <= 1


@pytest.mark.parametrize(
    "returns",
    [[], [0.1, 0.2], [0.1] * 9, [0.0] * 9, [0.1, math.nan, 0.2, 0.1], [0.1, math.inf, 0.2, 0.1]],
)
def test_what_cannot_be_judged_is_not(returns: list[float]) -> None:
    assert sharpe_facts(np.array(returns)) is None


def test_two_point_returns_without_error_are_not_called_sure() -> None:
    assert probabilistic_sharpe(1.0, 0.0, 100, 2.0, 5.0) is None
    assert probabilistic_sharpe(0.1, 0.0, 1) is None


@pytest.mark.parametrize(
    ("step_ms", "bars", "returns", "per_year"),
    [
        (HOUR, 24 * 60, 60, 365),  # sixty days: days
        (HOUR, 24 * 59, 24 * 59, 365 * 24),  # one day less: hours
        (60_000, 60 * 60, 60, 365 * 24),
        (60_000, 59 * 60, 59 * 60, 365 * 24 * 60),  # less than sixty hours: bars
        (7 * DAY, 100, 100, 365 / 7),  # bars longer than a day are what they are
    ],
)
def test_the_step_of_judgement(step_ms: int, bars: int, returns: int, per_year: float) -> None:
    stamps = START + step_ms * np.arange(bars)
    equity = 100 + np.arange(bars, dtype=float)
    found, year = judged_returns(stamps, equity, 100.0)
    assert len(found) == returns
    assert year == pytest.approx(per_year)
    assert np.prod(1 + found) == pytest.approx(equity[-1] / 100)


def test_a_day_without_bars_is_a_day_without_return() -> None:
    stamps = START + DAY * np.concatenate([np.arange(40), np.arange(50, 80)])
    found, _ = judged_returns(stamps, 100.0 + np.arange(70), 100.0)
    assert len(found) == 80
    assert (found[40:50] == 0).all()
    assert judged_returns(np.empty(0, np.int64), np.empty(0), 100.0)[0].tolist() == []
