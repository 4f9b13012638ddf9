"""Would a strategy decide the same with less history behind it, as it has when it is started live?

1. Windows of the run are chosen, where decisions were made if there were any.
2. For each, features are computed from only k bars before it, and compared with those computed from the whole history.
   They are settled when nothing differs beyond rounding (1e-9 of a feature's size) and, where rounding differs,
   ``on_bar`` decides the same with either.
3. If they are settled for the longest history tried, the smallest is found by doubling k and then halving the
   interval; it must do for every window.
4. If they never settle, ``on_bar`` runs over each window with either: decisions that agree acquit a feature that
   differs (a running total of which only changes are used), others accuse it.

Both runs of ``on_bar`` start at the window's first bar, flat and with the strategy's first state, so that position and
memory are equal and only what history brings to the features can part them. What a strategy gathers in its state is
therefore not judged here.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.backtest.plan import MINUTE_MS, Feed
from real_trade.backtest.trust.evidence import (
    Decisions,
    Features,
    Finding,
    difference,
    own_copies,
    shown,
    windows_of,
)
from real_trade.backtest.trust.sampling import decision_bars
from real_trade.backtest.trust.subject import Subject, outcome_of
from real_trade.model.clock import format_time
from real_trade.model.errors import RealTradeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from real_trade.backtest.engine import PlanOutcome, Runner, Simulation
    from real_trade.backtest.trust.evidence import Difference
    from real_trade.kernels.accounting import Terms
    from real_trade.model.bars import Bars
    from real_trade.trading.strategy import Strategy

_WINDOWS = 4
_WINDOW = 1_000
# Windows lie in the last part of the run, and the longest history tried leaves at least a tenth of the run out.
_FIRST = 0.7
_LONGEST = 0.6
# Below this a run has no room for windows with history before them.
_FEWEST_BARS = 40


@dataclass(frozen=True, slots=True)
class WarmupReport:
    """Outcome of the warm-up check.

    Attributes:
        bars_needed: the smallest history after which nothing differs; None if none that was tried is long enough.
        findings: one for each feature that never settles, and one for the decisions that it changes.
    """

    bars_needed: int | None
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        found = [finding.to_dict() for finding in self.findings]
        return {"ok": self.ok, "bars_needed": self.bars_needed, "findings": found}


def check_warmup(
    strategy: type[Strategy],
    bars: Bars,
    params: Any,
    terms: Terms,
    cash_units: int,
    *,
    full: Simulation | None = None,
    runner: Runner = "compiled",
    feed: Feed | None = None,
    tiers: NDArray[np.int64] | None = None,
    span_ms: int = MINUTE_MS,
) -> WarmupReport:
    """Return how many bars of history a strategy of one symbol needs, and which features never have enough.

    Arguments are those of `check_lookahead`. Features must not look ahead, or the answer means nothing.

    Raises:
        StrategyError: the strategy fails on the bars as they are.
    """
    subject = Subject.of_one(strategy, params, feed or Feed(bars), terms, tiers, cash_units, span_ms, runner)
    return warmup_of(subject, None if full is None else outcome_of(full))


def warmup_of(subject: Subject, full: PlanOutcome | None = None) -> WarmupReport:
    """Return how much history a strategy needs; arguments and errors are those of `lookahead_of`."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a short history may provoke warnings that the whole one does not
        base = own_copies(subject.features(subject.bars))
        if not base:
            return WarmupReport(0, ())
        if len(subject.time_ms) < _FEWEST_BARS:
            return WarmupReport(None, ())
        return _Check(subject, base, subject.run() if full is None else full).run()


class _Check:
    """One warm-up check: its windows, and the features of the whole."""

    def __init__(self, subject: Subject, base: Features, full: PlanOutcome) -> None:
        self.subject, self.base = subject, base
        self.orders = [leg.orders for leg in full.legs]
        n = len(subject.time_ms)
        self.width = subject.most_bars(min(_WINDOW, n // 8))
        self.longest = int(n * _LONGEST)
        self.starts = self._choose_starts(n)

    def run(self) -> WarmupReport:
        """Return the report."""
        if self._is_settled(self.longest):
            return WarmupReport(self._smallest(self._is_settled), ())
        parted = self._parted_features(self.longest)
        if not parted:
            return WarmupReport(None, ())  # values that are only missing: the data are too short to tell
        orders, decisions = self._parted_decisions(self.longest)
        if decisions is None and (orders or not any(len(table) for table in self.orders)):
            return WarmupReport(self._smallest(lambda history: self._parted_decisions(history)[1] is None), ())
        findings = [self._feature_finding(name, start, found) for name, (start, found) in parted.items()]
        return WarmupReport(None, (*findings, *([decisions] if decisions else [])))

    def _choose_starts(self, n: int) -> list[int]:
        """Return first rows of windows in the last part of the run, a quarter of a window before decisions."""
        first, last = int(n * _FIRST), n - self.width
        decided = decision_bars(*self.orders) - self.width // 4
        decided = decided[(decided >= first) & (decided <= last)]
        rows = decided if len(decided) else np.arange(first, last + 1)
        return np.unique(rows[np.linspace(0, len(rows) - 1, _WINDOWS).astype(np.int64)]).tolist()  # type: ignore[no-any-return]

    def _smallest(self, is_enough: Callable[[int], bool]) -> int:
        """Return the smallest history that is enough; the longest one is."""
        low, high = -1, 0
        while high < self.longest and not is_enough(high):
            low, high = high, min(max(1, high * 2), self.longest)
        while high - low > 1:
            middle = (low + high) // 2
            if is_enough(middle):
                high = middle
            else:
                low = middle
        return high

    def _of_history(self, start: int, history: int) -> Features | None:
        """Return the features of a window, computed from so many bars before it; None if they cannot be."""
        try:
            found = self.subject.features(windows_of(self.subject.bars, start - history, start + self.width))
        except RealTradeError:
            return None
        return {name: column[history:] for name, column in found.items()}

    def _of_all(self, start: int) -> Features:
        return {name: column[start : start + self.width] for name, column in self.base.items()}

    def _is_settled(self, history: int) -> bool:
        for start in self.starts:
            short, whole = self._of_history(start, history), self._of_all(start)
            if short is None or short.keys() != whole.keys():
                return False
            parted = [found for name in whole if (found := difference(whole[name], short[name])) is not None]
            if not all(found.is_dust for found in parted):
                return False
            if parted and self._decisions(start, whole).differ(self._decisions(start, short)) is not None:
                return False
        return True

    def _decisions(self, start: int, features: Features) -> Decisions:
        return self.subject.decide(start, start + self.width, features)

    def _parted_features(self, history: int) -> dict[str, tuple[int, Difference]]:
        """Return the features whose values differ: name -> first row of the window, and the difference."""
        parted: dict[str, tuple[int, Difference]] = {}
        for start in self.starts:
            short = self._of_history(start, history) or {}
            for name, column in self._of_all(start).items():
                found = difference(column, short[name]) if name in short else None
                if found is not None and not found.is_missing:
                    parted.setdefault(name, (start, found))
        return parted

    def _parted_decisions(self, history: int) -> tuple[int, Finding | None]:
        """Return how many orders were decided in all windows, and the first one that a shorter history changes."""
        orders = 0
        for start in self.starts:
            short = self._of_history(start, history)
            whole = self._decisions(start, self._of_all(start))
            orders += whole.orders
            if short is None:
                continue
            parts = whole.differ(self._decisions(start, short))
            if parts is not None:
                row = start + parts[0]
                detail = f"Decides {parts[1]} with all history, and {parts[2]} with {history} bars of it."
                return orders, Finding(row, self._time(row), "decision", self.subject.decider, detail)
        return orders, None

    def _feature_finding(self, name: str, start: int, found: Difference) -> Finding:
        row = start + found.row
        detail = (
            f"It never settles: {shown(found.was)} with all {row} bars of history, {shown(found.now)} with "
            f"{self.longest + found.row} of them."
        )
        if found.is_dust:
            detail = f"Its rounding alone depends on the length of history, and decisions hang on it. {detail}"
        return Finding(row, self._time(row), "feature", name, detail)

    def _time(self, row: int) -> str:
        return format_time(int(self.subject.time_ms[row]))
