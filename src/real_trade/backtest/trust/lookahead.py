"""Does a strategy know the future? Change what comes after a bar, and see whether anything up to that bar changes.

1. Features are computed on a copy of the bars (`sampling.choose_bars` says which bars are then looked at).
2. At each chosen bar the rest is cut off, and features are computed again: values up to that bar must be the same bit
   for bit (NaN equals NaN). This shows what uses the length of the data or falls back where the future ends.
3. At the same bar the rest is replaced by other bars, as many: prices mirrored about its close and stretched or
   shrunk, other volumes, at every second sample in reversed order, at half of them after a gap. This shows what hides
   where data end.
4. Both times ``on_bar`` runs over the bars before the chosen one with what was computed, from the same start, and must
   decide the same. At a few bars the whole compiled run is repeated on the shortened data (bars, funding, mark prices,
   finer bars), and its orders, fills, payments and equity are compared with those of the full run.
5. The order table is searched for fills in the very bar on whose close the order was decided, and the strategy's
   functions for memories by which the future could come to them past the bars.

Of a strategy of several symbols the bars of all of them are cut off and replaced together, and what it decides in each
is compared.

Differences of rounding alone (below 1e-9 of a feature's size, decisions equal) accuse nobody: matrix products and
transforms round differently for another number of rows. What no change of bars can show is a feature that reads the
future from a file of its own.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from real_trade.backtest.plan import MINUTE_MS, Feed
from real_trade.backtest.trust.evidence import (
    Decisions,
    Features,
    Finding,
    copy_of,
    difference,
    liquidations,
    own_copies,
    shown,
    unequal,
    windows_of,
)
from real_trade.backtest.trust.future import checksum, replace_future
from real_trade.backtest.trust.memory import fingerprints, forgotten, holds_a_row_per_bar, memories_of
from real_trade.backtest.trust.sampling import choose_bars
from real_trade.backtest.trust.subject import Subject, outcome_of
from real_trade.model.clock import format_time
from real_trade.model.errors import RealTradeError
from real_trade.model.order import TERMINAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.backtest.engine import LegTables, PlanOutcome, Runner, Simulation
    from real_trade.backtest.trust.evidence import World
    from real_trade.backtest.trust.memory import Memory
    from real_trade.kernels.accounting import Terms
    from real_trade.model.bars import Bars
    from real_trade.trading.strategy import Strategy

DEFAULT_SAMPLES = 50
DEFAULT_SEED = 20_240_101
# Bars over which on_bar decides again at each sample.
_WINDOW = 500
# Whole compiled runs repeated on shortened data.
_WHOLE_RUNS = 5
# Length of wholly other bars, at most.
_OTHER_BARS = 200_000
# Columns of an order that nothing after its submission changes.
_AT_SUBMISSION = frozenset({"order_id", "bar", "time_ms", "side", "type"})

_WITHOUT = {"cut": "when the bars after it are cut off", "replaced": "when other bars follow it"}
Change = Literal["cut", "replaced"]


@dataclass(frozen=True, slots=True)
class LookaheadReport:
    """Outcome of the look-ahead check.

    Attributes:
        bars_checked: at how many bars the future was changed.
        findings: one for each feature or way of deciding that knows the future.
    """

    bars_checked: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        found = [finding.to_dict() for finding in self.findings]
        return {"ok": self.ok, "bars_checked": self.bars_checked, "findings": found}


def check_lookahead(
    strategy: type[Strategy],
    bars: Bars,
    params: Any,
    terms: Terms,
    cash_units: int,
    *,
    full: Simulation | None = None,
    samples: int = DEFAULT_SAMPLES,
    seed: int = DEFAULT_SEED,
    runner: Runner = "compiled",
    feed: Feed | None = None,
    tiers: NDArray[np.int64] | None = None,
    span_ms: int = MINUTE_MS,
) -> LookaheadReport:
    """Return what a strategy of one symbol knows of the future.

    Args:
        strategy: its class.
        bars: columns in ticks; left as they are.
        params: as ``strategy.resolve_params`` gives them.
        terms: as ``AccountSettings.terms`` gives them.
        cash_units: starting cash in money units.
        full: the run over all bars; None makes it.
        samples: bars to look at; fewer if the run is shorter.
        seed: the same seed gives the same bars.
        runner: how whole runs are made, as that of ``full``.
        feed, tiers: as of `engine.simulate`.
        span_ms: length of a bar.

    Raises:
        StrategyError: the strategy fails on the bars as they are.
    """
    subject = Subject.of_one(strategy, params, feed or Feed(bars), terms, tiers, cash_units, span_ms, runner)
    return lookahead_of(subject, None if full is None else outcome_of(full), samples=samples, seed=seed)


def lookahead_of(
    subject: Subject,
    full: PlanOutcome | None = None,
    *,
    samples: int = DEFAULT_SAMPLES,
    seed: int = DEFAULT_SEED,
) -> LookaheadReport:
    """Return what a strategy knows of the future; arguments and errors are those of `check_lookahead`."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # Changed bars may provoke warnings that say nothing about the bars as they are.
        warnings.simplefilter("ignore")
        return _Check(subject, subject.run() if full is None else full).run(samples, seed)


class _Check:
    """One look-ahead check: the bars that it changes, and what it has found."""

    def __init__(self, subject: Subject, full: PlanOutcome) -> None:
        self.subject, self.full = subject, full
        self.bars = subject.bars
        self.count = len(subject.time_ms)
        self.width = subject.most_bars(_WINDOW)
        # Rows after the bar under test are overwritten, from the last sample to the first: what lies before it is as
        # given.
        self.world = copy_of(self.bars)
        self.found: dict[tuple[str, str], Finding] = {}
        self.seen_at: dict[tuple[str, str], set[int]] = {}

    def run(self, samples: int, seed: int) -> LookaheadReport:
        """Return the report."""
        self._early_fills()
        if self.count < 2:
            return self._report(0)
        base = own_copies(self.subject.features(self.world))
        before = fingerprints(self._read_memories())
        if self._changed_bars(self.world, self.bars):
            return self._report(1)
        chosen = choose_bars(self.bars, [leg.orders for leg in self.full.legs], base, samples, seed)
        self._own_memories()
        if not self._is_repeatable(base):
            return self._report(1)
        decided = [self._decisions(base, row) for row in chosen.tolist()]
        checked = self._all_samples(base, chosen, decided)
        self._fed_memories(before)
        for row in chosen[np.unique(np.linspace(0, len(chosen) - 1, _WHOLE_RUNS).astype(int))].tolist():
            self._whole_run(row)
        return self._report(checked)

    def _report(self, checked: int) -> LookaheadReport:
        findings = []
        for key, finding in self.found.items():
            times = len(self.seen_at[key])
            seen = f" Seen at {times} of {checked} bars." if times > 1 else ""
            findings.append(Finding(finding.bar, finding.time, finding.kind, finding.name, finding.detail + seen))
        return LookaheadReport(checked, tuple(sorted(findings, key=lambda each: (each.kind != "feature", each.bar))))

    def _accuse(
        self, bar: int, kind: Literal["feature", "decision"], name: str, detail: str, sample: int | None = None
    ) -> None:
        self.found.setdefault((kind, name), Finding(bar, self._time(bar), kind, name, detail))
        self.seen_at.setdefault((kind, name), set()).update([] if sample is None else [sample])

    def _all_samples(self, base: Features, chosen: NDArray[np.int64], decided: list[Decisions]) -> int:
        """Change the future after each row and compare; return at how many rows that was possible."""
        too_short: list[tuple[int, str]] = []
        shortest = self.count
        for number in range(len(chosen) - 1, -1, -1):
            row = int(chosen[number])
            try:
                cut = self.subject.features(windows_of(self.world, 0, row + 1))
            except RealTradeError as error:
                too_short.append((row, error.message))
            else:
                shortest = row
                self._compare(base, cut, row, decided[number], "cut")
            replace_future(self.world, self.bars, row, number)
            try:
                replaced = self.subject.features(self.world)
            except RealTradeError as error:
                self._accuse(row, "feature", "features", f"They fail {_WITHOUT['replaced']}: {error.message}", row)
            else:
                self._compare(base, replaced, row, decided[number], "replaced")
            start = self._first_of(row)
            if self._changed_bars(windows_of(self.world, start, row + 1), windows_of(self.bars, start, row + 1), start):
                break
        # A strategy may refuse a history shorter than it needs; one that takes less and refuses more looks at the end.
        for row, message in too_short:
            if row > shortest or shortest == self.count:
                self._accuse(row, "feature", "features", f"They fail {_WITHOUT['cut']}: {message}", row)
        return len(chosen) - sum(row < shortest for row, _ in too_short)

    def _compare(self, base: Features, other: Features, row: int, decided: Decisions, change: Change) -> None:
        """Compare features up to a row, and what on_bar makes of them, with those of the whole."""
        for name, column in base.items():
            if name not in other:
                self._accuse(row, "feature", name, f"It is gone {_WITHOUT[change]}.", row)
                continue
            parted = difference(column[: row + 1], other[name][: row + 1])
            if parted is not None and not parted.is_dust:
                ago = row - parted.row
                since = "at this bar" if ago == 0 else f"already {ago} bars earlier"
                detail = (
                    f"{since} it is {shown(parted.was)} with the bars that follow, and {shown(parted.now)} "
                    f"{_WITHOUT[change]}."
                )
                self._accuse(row, "feature", name, detail[0].upper() + detail[1:], row)
        if base.keys() != other.keys():
            return
        parts = decided.differ(self._decisions(other, row))
        if parts is not None:
            at = self._first_of(row) + min(parts[0], row)
            detail = (
                f"Decides {parts[1]} with the bars that follow {self._time(row)}, and {parts[2]} {_WITHOUT[change]}."
            )
            self._accuse(at, "decision", self.subject.decider, detail, row)

    def _decisions(self, features: Features, row: int) -> Decisions:
        start = self._first_of(row)
        return self.subject.decide(start, row + 1, {name: column[start : row + 1] for name, column in features.items()})

    def _first_of(self, row: int) -> int:
        """Return the first of the bars on which decisions are made again before a row."""
        return max(0, row + 1 - self.width)

    def _whole_run(self, row: int) -> None:
        """Repeat the compiled run on the data up to a row and compare with the run over all."""
        try:
            short = self.subject.run(row + 1)
        except RealTradeError:
            return  # the features refuse so short a history, which is counted elsewhere
        same = all(_same_leg(full, part, row) for full, part in zip(self.full.legs, short.legs, strict=True))
        if not same or not np.array_equal(self.full.equity[0][: row + 1], short.equity[0]):
            detail = "Orders, fills, funding or equity up to this bar are others when the run ends here."
            self._accuse(row, "decision", "run", detail, row)

    def _early_fills(self) -> None:
        """Accuse fills of orders that were not yet given."""
        for leg in self.full.legs:
            given = leg.orders[~liquidations(leg.orders)]
            if not len(given):
                continue
            rows = np.minimum(np.searchsorted(given["order_id"], leg.fills["order_id"]), len(given) - 1)
            orders, fills = given[rows], leg.fills
            is_given = orders["order_id"] == fills["order_id"]
            # What is decided on a trade may fill at a later one of the same bar.
            early = fills["time_ms"] < orders["time_ms"] if self.subject.on_trades else fills["bar"] <= orders["bar"]
            found = fills[is_given & early]
            if len(found):
                bar = int(found["bar"][0])
                detail = f"Order {found['order_id'][0]} fills in bar {bar}, by whose close it was not yet decided."
                more = f" So do {len(found) - 1} more." if len(found) > 1 else ""
                self._accuse(bar, "decision", "fill", detail + more)

    def _is_repeatable(self, base: Features) -> bool:
        """Accuse features that come out differently for the same bars, such as unseeded random numbers."""
        again = self.subject.features(self.world)
        is_repeatable = True
        for name, column in base.items():
            parted = difference(column, again[name]) if name in again else None
            if parted is not None and not parted.is_dust:
                detail = f"It is {shown(parted.was)} and then {shown(parted.now)} for the same bars."
                self._accuse(parted.row, "feature", name, detail)
                is_repeatable = False
        return is_repeatable

    def _changed_bars(self, now: World, was: World, start: int = 0) -> bool:
        """Accuse features that write into the bars: the run then sees what they wrote."""
        for symbol, (columns, originals) in enumerate(zip(now, was, strict=True)):
            for name, column, original in zip(originals._fields, columns, originals, strict=True):
                parted = difference(original, column)
                if parted is not None:
                    what = f"{name} of symbol {symbol}" if len(was) > 1 else name
                    detail = f"They change the bars they are given: {what} from {shown(parted.was)} to "
                    self._accuse(start + parted.row, "feature", "features", f"{detail}{shown(parted.now)}.")
                    return True
        return False

    def _own_memories(self) -> None:
        """Accuse features that remember: on other bars they give one thing with what they saw before, another without.

        A memory counts if features fill it again once it is emptied; a table that the author wrote down stays empty.
        """
        other = copy_of(self.bars, min(self.count * 2 // 3, _OTHER_BARS))
        replace_future(other, other, -1, 1)
        written = [checksum(column) for bars in other for column in bars]
        try:
            remembering = own_copies(self.subject.features(other))
        except RealTradeError:
            return
        if written != [checksum(column) for bars in other for column in bars]:
            self._accuse(0, "feature", "features", "They change the bars they are given.")
            return
        for memory in memories_of(self.subject.strategy.features).values():
            with forgotten(memory) as is_filled:
                try:
                    fresh = own_copies(self.subject.features(other))
                except RealTradeError:
                    continue
                if not is_filled():
                    continue
            for name in remembering.keys() & fresh.keys():
                parted = difference(remembering[name], fresh[name])
                if parted is not None and not parted.is_dust:
                    detail = (
                        f"It comes from what {memory.name} kept of other bars: {shown(parted.was)} with it, "
                        f"{shown(parted.now)} without."
                    )
                    self._accuse(parted.row, "feature", name, detail)

    def _fed_memories(self, before: dict[str, bytes]) -> None:
        """Accuse decisions that read what features write."""
        read = self._read_memories()
        shared = {id(memory.value) for memory in memories_of(self.subject.strategy.features).values()}
        for name, digest in fingerprints(read).items():
            value = read[name].value
            is_filled = id(value) in shared and holds_a_row_per_bar(value, self.count)
            if before.get(name) == digest and not is_filled:
                continue
            detail = (
                f"{self.subject.decider} reads {name}, which features writes: what comes to it that way is not tied "
                "to its bar, and compiled code keeps what was there when it was compiled."
            )
            self._accuse(self.count - 1, "decision", name, detail)

    def _read_memories(self) -> dict[str, Memory]:
        """Return what the functions that decide can remember."""
        found: dict[str, Memory] = {}
        for function in self.subject.deciders:
            found |= memories_of(function)
        return found

    def _time(self, row: int) -> str:
        return format_time(int(self.subject.time_ms[row]))


def _same_leg(full: LegTables, short: LegTables, row: int) -> bool:
    """Tell whether what happened in one symbol up to a row is the same in a run that ended there."""

    def until(table: NDArray[Any]) -> NDArray[Any]:
        return table[: np.searchsorted(table["bar"], row, side="right")]

    return (
        _same_orders(until(full.orders), short.orders, row)
        and np.array_equal(until(full.fills), short.fills)
        and np.array_equal(until(full.payments), short.payments)
    )


def _same_orders(full: NDArray[Any], short: NDArray[Any], row: int) -> bool:
    """Tell whether orders decided up to a row are the same; what becomes of one that is open there is not compared."""
    if len(full) != len(short):
        return False
    closed = (full["final_bar"] <= row) & np.isin(full["status"], [int(status) for status in TERMINAL])
    for name in full.dtype.names or ():
        differs = unequal(full[name], short[name])
        if bool((differs if name in _AT_SUBMISSION else differs & closed).any()):
            return False
    return True
