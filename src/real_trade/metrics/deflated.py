"""How far a Sharpe ratio can be believed: its sampling error, and the luck of the best of many trials.

Sources: Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012 (probabilistic
Sharpe ratio, minimum track record length) and "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5), 2014
(expected maximum, deflated Sharpe ratio).

All ratios here are *per observation*: mean over standard deviation of the returns as they are, not annualised. Kurtosis
is that of Pearson, 3 for the normal distribution. The formulas suppose returns that do not depend on those before;
where they do, and positively, `effective_observations` says to how many independent ones they amount.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from real_trade.metrics.returns import DAYS_PER_YEAR, bar_length_ms, simple_returns
from real_trade.model.interval import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NORMAL: Final = NormalDist()
_EULER_MASCHERONI: Final = 0.5772156649015329
# Returns of days are the custom; where there are fewer of them than this, hours and then bars take their place.
_ENOUGH_RETURNS: Final = 60
# A spread this small against the mean is rounding, not risk.
_NO_SPREAD: Final = 1e-12


class SharpeFacts(NamedTuple):
    """A Sharpe ratio, and what its error depends on.

    Attributes:
        sharpe: mean over standard deviation (ddof=1), per observation.
        observations: number of returns.
        skewness: third standardised moment.
        kurtosis: fourth standardised moment, 3 for the normal distribution.
        autocorrelation: of returns with those one before.
    """

    sharpe: float
    observations: int
    skewness: float
    kurtosis: float
    autocorrelation: float


def judged_returns(
    time_ms: NDArray[np.int64], equity: NDArray[np.float64], initial: float
) -> tuple[NDArray[np.float64], float]:
    """Return the returns by which a run is judged, and how many of them make a year of 365 days.

    They are those of UTC days; where there are fewer than 60 days, those of hours; where there are fewer than 60 hours,
    those of bars. The same bars are always judged by the same step, so that runs over them can be compared.

    Args:
        time_ms: opening time per bar, ascending.
        equity: at each bar's close.
        initial: capital before the first bar.
    """
    bar_ms = bar_length_ms(time_ms)
    for period_ms in (DAY_MS, HOUR_MS):
        if bar_ms <= period_ms and len(time_ms):
            periods = np.arange(int(time_ms[0]) // period_ms, int(time_ms[-1]) // period_ms + 1, dtype=np.int64)
            if len(periods) >= _ENOUGH_RETURNS:
                last = np.searchsorted(time_ms, (periods + 1) * period_ms) - 1
                return simple_returns(equity[last], initial), DAYS_PER_YEAR * DAY_MS / period_ms
    return simple_returns(equity, initial), DAYS_PER_YEAR * DAY_MS / bar_ms if bar_ms else DAYS_PER_YEAR


def sharpe_facts(returns: NDArray[np.float64]) -> SharpeFacts | None:
    """Return the Sharpe ratio of returns and what its error depends on.

    None where there are fewer than three returns, where they do not vary, or where one has no meaning (after ruin).
    """
    count = len(returns)
    if count < 3 or not np.isfinite(returns).all():
        return None
    mean = float(returns.mean())
    away = returns - mean
    square = float(np.square(away).mean())
    deviation = math.sqrt(square * count / (count - 1))
    if deviation <= _NO_SPREAD * max(abs(mean), 1e-300):
        return None
    scaled = away / math.sqrt(square)
    return SharpeFacts(
        sharpe=mean / deviation,
        observations=count,
        skewness=float((scaled**3).mean()),
        kurtosis=float((scaled**4).mean()),
        autocorrelation=float((scaled[1:] * scaled[:-1]).sum()) / count,
    )


def effective_observations(observations: int, autocorrelation: float) -> float:
    """Return to how many independent observations those of a first-order autoregression amount for their mean.

    ``n * (1 - r) / (1 + r)`` (Bayley and Hammersley, 1946). Negative autocorrelation, which would add observations, is
    not counted: an error of its estimate must not make a result look surer.

    >>> effective_observations(100, 0.5), effective_observations(100, -0.5)
    (33.333333333333336, 100.0)
    """
    r = min(max(autocorrelation, 0.0), 0.999)
    return observations * (1.0 - r) / (1.0 + r)


def probabilistic_sharpe(
    sharpe: float, benchmark: float, observations: float, skewness: float = 0.0, kurtosis: float = 3.0
) -> float | None:
    """Return the probability that the true Sharpe ratio exceeds a benchmark.

    ``Phi((sharpe - benchmark) * sqrt(n - 1) / sqrt(1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2))``
    (Bailey and Lopez de Prado 2012, equation 11). None where that error is zero or there are too few observations.

    >>> round(probabilistic_sharpe(0.458, 0.0, 24, -2.448, 10.164), 3)
    0.913
    """
    spread = _error_factor(sharpe, skewness, kurtosis)
    if observations <= 1 or spread <= 0:
        return None
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt((observations - 1) / spread))


def expected_max_sharpe(trials: int, variance: float) -> float:
    """Return the Sharpe ratio that the best of so many trials shows on average if none has any skill.

    ``sqrt(variance) * ((1 - g) * q(1 - 1 / n) + g * q(1 - 1 / (n * e)))``, where q is the normal quantile and g the
    constant of Euler and Mascheroni (Bailey and Lopez de Prado 2014, equation 1). One trial is no choice: 0.

    Args:
        trials: number of trials, at least 1.
        variance: of the Sharpe ratios over the trials.

    >>> round(expected_max_sharpe(100, 1 / 500), 4)
    0.1132
    """
    if trials <= 1 or variance <= 0:
        return 0.0
    high = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    higher = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - _EULER_MASCHERONI) * high + _EULER_MASCHERONI * higher)


def deflated_sharpe(facts: SharpeFacts, trials: int, variance: float) -> float | None:
    """Return the probability that the true Sharpe ratio exceeds what the best of so many luckless trials would show.

    The probabilistic Sharpe ratio against `expected_max_sharpe` (Bailey and Lopez de Prado 2014, equation 2), over the
    number of independent observations.
    """
    independent = effective_observations(facts.observations, facts.autocorrelation)
    benchmark = expected_max_sharpe(trials, variance)
    return probabilistic_sharpe(facts.sharpe, benchmark, independent, facts.skewness, facts.kurtosis)


def trial_variance(sharpes: NDArray[np.float64], observations: float) -> float:
    """Return the variance of the Sharpe ratios over the trials made so far.

    Of fewer than two there is none; the sampling variance of a Sharpe ratio of zero takes its place, ``1 / (n - 1)``
    (Lo, "The Statistics of Sharpe Ratios", 2002).

    Args:
        sharpes: of the trials, per observation.
        observations: number of returns behind each.
    """
    if len(sharpes) >= 2:
        return float(sharpes.var(ddof=1))
    return 1.0 / (observations - 1) if observations > 1 else 0.0


def minimum_track_record(
    sharpe: float, benchmark: float, skewness: float = 0.0, kurtosis: float = 3.0, confidence: float = 0.95
) -> float | None:
    """Return how many observations it takes to be so sure that the true Sharpe ratio exceeds a benchmark.

    ``1 + (1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2) * (q(confidence) / (sharpe - benchmark))**2``
    (Bailey and Lopez de Prado 2012, equation 13). None where the ratio does not exceed the benchmark.

    >>> round(minimum_track_record(2 / 252**0.5, 1 / 252**0.5) / 252, 2)
    2.73
    """
    if sharpe <= benchmark:
        return None
    return 1.0 + _error_factor(sharpe, skewness, kurtosis) * (_NORMAL.inv_cdf(confidence) / (sharpe - benchmark)) ** 2


def _error_factor(sharpe: float, skewness: float, kurtosis: float) -> float:
    return 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
