"""Two markets in one series, told apart by their fingerprints.

Every source has habits that prices do not change: how many decimals its prices and volumes have, whether a bar opens
at the last close, which columns it fills. Where several of them change at the same bar, and the price steps there
without a trade between, rows of another source begin.

1. `_features` turns habits into yes or no per bar.
2. `_changes` finds, for each, the bars where its rate changes most; `_steps` adds the bars with the largest price
   step from one bar's close to the next one's open.
3. `_evidence` gathers at each such bar what changes there, sharply; `_is_joint` weighs it, `_joints` chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.data.checks.grid import minute, slots
from real_trade.data.findings import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model.interval import Interval
    from real_trade.model.series import Klines

# Fewer bars than this on either side have no habits to speak of.
_FEWEST: Final = 40
# Bars on either side of a candidate whose rates are compared.
_WINDOW: Final = 200
# A series is searched for a change, and both its halves again, this often.
_DEPTH: Final = 3
_SPLITS_LOOKED_AT: Final = 4096
_STEP_CANDIDATES: Final = 12
_MOST_DECIMALS: Final = 8
_BLOCK: Final = 16_384
# A price step is odd when it is this many times the usual one.
_ODD: Final = 20
_CONTINUITY: Final = "another relation of open to last close"
_FILLED: Final = "other columns filled"


@dataclass(frozen=True, slots=True)
class _Feature:
    habit: str
    total: NDArray[np.int32]  # of the bars before each one, how many have it; one longer than the bars

    def rate(self, start: int, stop: int) -> float:
        return float(self.total[stop] - self.total[start]) / max(1, stop - start)


@dataclass(frozen=True, slots=True)
class _Evidence:
    habits: tuple[str, ...]
    step: float  # price step at the joint as a fraction; 0 where there is a gap
    step_is_odd: bool  # ... and it is far larger than steps around it
    step_is_large: bool  # ... also against the moves around it
    jump: bool  # the price level changed by a fifth or more between neighbouring bars and stayed
    volume_ratio: float  # median volume after to before
    at_gap: bool
    clarity: float  # how much likelier the change is than none, as a log likelihood


def check_mixture(
    klines: Klines, interval: Interval, filled: NDArray[np.int64] | None = None
) -> tuple[list[Finding], str | None]:
    """Find stretches from another source than the longest one; say why not, if that cannot be judged.

    Args:
        klines: sound bars, ascending, each once.
        interval: bar length.
        filled: per bar, which optional columns have a value.
    """
    count = len(klines)
    if count < 2 * _FEWEST:
        return [], f"{count} bars are too few to tell sources apart; give a reference"
    features = _features(klines, filled)
    steps = _Steps.of(klines, interval)
    candidates = {position for feature in features for position in _changes(feature, 0, count, _DEPTH)}
    exact = {_exact(features, steps, position) for position in candidates} | set(steps.largest())
    return _findings(klines, interval, _joints(klines, features, steps, exact)), None


def _joints(klines: Klines, features: list[_Feature], steps: _Steps, candidates: set[int]) -> dict[int, _Evidence]:
    """Return the candidates that are joints, the clearest taken first.

    What is compared at a later candidate ends at the joints already found; else their change would be seen there too.
    """
    judged = {i: _evidence(klines, features, steps, i, 0, len(klines)) for i in candidates}
    clear = {i: evidence.clarity for i, evidence in judged.items() if evidence is not None}
    order = sorted(clear, key=lambda i: clear[i], reverse=True)
    joints: dict[int, _Evidence] = {}
    for position in order:
        start = max((joint for joint in joints if joint <= position), default=0)
        stop = min((joint for joint in joints if joint > position), default=len(klines))
        evidence = _evidence(klines, features, steps, position, start, stop)
        if evidence is not None and _is_joint(evidence):
            joints[position] = evidence
    return joints


def _findings(klines: Klines, interval: Interval, joints: dict[int, _Evidence]) -> list[Finding]:
    if not joints:
        return []
    edges = [0, *sorted(joints), len(klines)]
    parts = list(pairwise(edges))
    home = max(range(len(parts)), key=lambda i: parts[i][1] - parts[i][0])
    found = []
    for i in range(home % 2 ^ 1, len(parts), 2):
        start, stop = parts[i]
        evidence = joints[start] if start in joints else joints[stop]
        first, last = int(klines.timestamp[start]), int(klines.timestamp[stop - 1])
        detail = f"rows of another source from {minute(first)}: {_reasons(evidence)}"
        found.append(Finding.of("mixed_market", first, interval.next_open(last), stop - start, detail))
    return found


def _reasons(evidence: _Evidence) -> str:
    words = list(evidence.habits)
    if evidence.step_is_odd or evidence.jump:
        words.append(f"a price step of {1e4 * evidence.step:.2g} basis points")
    if not 1 / 1.5 < evidence.volume_ratio < 1.5:
        words.append(f"volumes {evidence.volume_ratio:.2g} times the earlier ones")
    return f"{', '.join(words)} at the joint"


def _features(klines: Klines, filled: NDArray[np.int64] | None) -> list[_Feature]:
    columns = [
        ("prices with other decimals", _decimals(klines.close)),
        ("volumes with other decimals", _decimals(klines.volume)),
    ]
    features = []
    for habit, decimals in columns:
        most = int(decimals.max(initial=0))
        features += [_feature(habit, decimals >= level) for level in range(1, most + 1)]
    continuous = np.concatenate([[True], klines.open[1:] == klines.close[:-1]])
    features.append(_feature(_CONTINUITY, continuous))
    if filled is not None:
        features += [_feature(_FILLED, filled == pattern) for pattern in np.unique(filled)[:4]]
    return features


def _feature(habit: str, values: NDArray[np.bool_]) -> _Feature:
    # 32 bits hold the number of bars of any series and halve the memory of a dozen such columns.
    total = np.zeros(len(values) + 1, np.int32)
    np.cumsum(values, dtype=np.int32, out=total[1:])
    return _Feature(habit, total)


def _decimals(values: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return how many decimals each value has, up to eight; 0 for what is not a number."""
    # A block at a time stays in the processor's cache: half the time of the whole at once.
    blocks = range(0, len(values), _BLOCK)
    return np.concatenate([_decimals_in(values[start : start + _BLOCK]) for start in blocks])


def _decimals_in(values: NDArray[np.float64]) -> NDArray[np.int8]:
    need = np.zeros(len(values), dtype=np.int8)
    open_rows = np.flatnonzero(np.isfinite(values))
    left = np.abs(values[open_rows])
    for places in range(_MOST_DECIMALS):
        scaled = left * 10.0**places
        odd = np.abs(scaled - np.rint(scaled)) > np.maximum(1e-9 * scaled, 1e-7)
        open_rows, left = open_rows[odd], left[odd]
        if not len(open_rows):
            break
        need[open_rows] = places + 1
    return need


def _changes(feature: _Feature, start: int, stop: int, depth: int) -> list[int]:
    """Return the positions where the rate changes most, by likelihood, in the whole and in its parts."""
    if depth == 0 or stop - start < 2 * _FEWEST:
        return []
    overall = feature.rate(start, stop)
    if not 0.0 < overall < 1.0:
        return []
    coarse = np.unique(np.linspace(start + 1, stop - 1, min(_SPLITS_LOOKED_AT, stop - start - 1)).astype(np.int64))
    best = coarse[np.argmax(_gain(feature, start, stop, coarse))]
    reach = (stop - start) // _SPLITS_LOOKED_AT + 1
    fine = np.arange(max(start + 1, best - reach), min(stop, best + reach + 1))
    position = int(fine[np.argmax(_gain(feature, start, stop, fine))])
    inner = _changes(feature, start, position, depth - 1) + _changes(feature, position, stop, depth - 1)
    return [position, *inner]


def _gain(feature: _Feature, start: int, stop: int, positions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log likelihood of one rate before and another from each position on."""
    left, right = positions - start, stop - positions
    hits = feature.total[positions] - feature.total[start]
    rest = feature.total[stop] - feature.total[positions]

    return _likelihood(hits, left) + _likelihood(rest, right)


def _clarity(feature: _Feature, start: int, stop: int, position: int) -> float:
    """Return how much likelier a change of rate at a position is than none at all."""
    hits = np.array([feature.total[stop] - feature.total[start]])
    one_rate = _likelihood(hits, np.array([stop - start]))
    return float(_gain(feature, start, stop, np.array([position]))[0] - one_rate[0])


def _likelihood(hits: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log likelihood of so many hits at the rate that suits them best; x log x is 0 at 0."""
    parts = [np.asarray(count * np.log(np.maximum(count, 1)), np.float64) for count in (hits, size - hits, size)]
    return parts[0] + parts[1] - parts[2]


def _exact(features: list[_Feature], steps: _Steps, position: int) -> int:
    """Return the bar near a position that explains the change of all habits, and of the price, best."""
    count = len(steps.size)
    start, stop = max(0, position - _WINDOW), min(count, position + _WINDOW)
    near = np.arange(max(start + 1, position - 12), min(stop, position + 13))
    if not len(near):
        return position
    score = np.array([steps.oddness(int(i)) for i in near])
    for feature in features:
        if 0.0 < feature.rate(start, stop) < 1.0:
            gain = _gain(feature, start, stop, near)
            if feature.habit == _CONTINUITY:
                # Of the first new bar it says nothing: its open follows the close of a bar of the other source.
                gain = np.maximum(gain, np.append(gain[1:], gain[-1]))
            score += gain
    return int(near[np.argmax(score)])


@dataclass(frozen=True, slots=True)
class _Steps:
    """Price steps from each close to the next open, and what is usual."""

    size: NDArray[np.float64]  # log step before each bar; 0 at gaps and at the start
    total: NDArray[np.float64]
    gap: NDArray[np.bool_]  # bars are missing before this one

    @classmethod
    def of(cls, klines: Klines, interval: Interval) -> _Steps:
        size = np.zeros(len(klines))
        size[1:] = np.abs(np.log(klines.open[1:] / klines.close[:-1]))
        gap = np.concatenate([[False], np.diff(slots(interval, klines.timestamp)) != 1])
        size[gap] = 0.0
        return cls(size, np.concatenate([[0.0], np.cumsum(size)]), gap)

    def usual(self, position: int) -> float:
        """Return the mean step around a bar, without its own and with a floor."""
        start, stop = max(1, position - _WINDOW), min(len(self.size), position + _WINDOW)
        others = self.total[stop] - self.total[start] - self.size[position]
        return max(float(others) / max(1, stop - start - 1), 1e-8)

    def usual_on_the_calmer_side(self, position: int) -> float:
        """Return the mean step before or after a bar, whichever is less: a new source often starts with a muddle."""
        start, stop = max(1, position - _WINDOW), min(len(self.size), position + _WINDOW)
        before = (self.total[position] - self.total[start]) / max(1, position - start)
        after = (self.total[stop] - self.total[position + 1]) / max(1, stop - position - 1)
        return max(float(min(before, after)), 1e-8)

    def oddness(self, position: int) -> float:
        """Return how unlikely a step of this size is there, on the scale of log likelihoods; 0 if it is usual."""
        ratio = float(self.size[position]) / self.usual_on_the_calmer_side(position)
        return float(np.log(ratio)) if ratio > _ODD else 0.0

    def largest(self) -> list[int]:
        """Return the bars with the largest steps."""
        count = min(_STEP_CANDIDATES, len(self.size))
        order = np.argpartition(self.size, -count)[-count:]
        return [int(i) for i in order if self.size[i] > 0]


def _evidence(
    klines: Klines, features: list[_Feature], steps: _Steps, position: int, start: int, stop: int
) -> _Evidence | None:
    """Return what changes at a position, looking at the bars of ``[start, stop)`` only; None where they are too few."""
    if position - start < _FEWEST or stop - position < _FEWEST:
        return None
    left, right = max(start, position - _WINDOW), min(stop, position + _WINDOW)
    habits = []
    for feature in features:
        low, high = sorted((feature.rate(left, position), feature.rate(position, right)))
        if feature.habit not in habits and _is_sharp(feature.habit, low, high):
            habits.append(feature.habit)
    moves = np.abs(np.diff(np.log(klines.close[left:right])))
    usual_move = max(float(np.median(moves)), 1e-7)
    step = float(steps.size[position])
    level = float(np.median(np.log(klines.close[position:right])) - np.median(np.log(klines.close[left:position])))
    before, after = np.median(klines.volume[left:position]), np.median(klines.volume[position:right])
    return _Evidence(
        habits=tuple(habits),
        step=float(np.expm1(step)),
        step_is_odd=steps.oddness(position) > 0,
        step_is_large=step > 4 * usual_move and step > 50 * steps.usual(position),
        jump=step > 0.2 and abs(level) > 0.2 and step > 30 * usual_move,
        volume_ratio=float(after / before) if before > 0 and after > 0 else 1.0,
        at_gap=bool(steps.gap[position]),
        clarity=steps.oddness(position) + sum(_clarity(feature, left, right, position) for feature in features),
    )


def _is_sharp(habit: str, low: float, high: float) -> bool:
    """Tell whether two rates on either side of a bar are two habits rather than chance."""
    if habit == _CONTINUITY:
        return high >= 0.97 and low <= 0.85
    if habit == _FILLED:
        return low <= 0.02 and high >= 0.98
    return low <= 0.02 and high >= 0.4


def _is_joint(evidence: _Evidence) -> bool:
    strong = len(evidence.habits)
    # A venue may change both its grids at once; only another source also relates opens to closes differently.
    apart = evidence.step_is_odd or evidence.at_gap or _CONTINUITY in evidence.habits
    if evidence.jump or strong >= 3 or (strong == 2 and apart):
        return True
    if strong == 1 and evidence.step_is_odd:
        return evidence.habits[0] != _FILLED or evidence.step_is_large
    return evidence.step_is_large and not 1 / 3 < evidence.volume_ratio < 3
