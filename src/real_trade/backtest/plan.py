"""What is to be run: feeds of data, and mandates of strategies over them, in one account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.kernels.funding import Settlements
from real_trade.kernels.margin import TIER_COLUMNS
from real_trade.model.bars import Bars
from real_trade.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from real_trade.kernels.accounting import Terms
    from real_trade.model.tape import Tape
    from real_trade.trading.strategy import Strategy

# Maintenance margin where nothing is known of an instrument's tiers: one per cent at any size, 1e-9.
FLAT_RATE = 10_000_000
MINUTE_MS = 60_000


class Finer(NamedTuple):
    """Finer bars, or trades, inside the bars of a feed; columns of equal length, ascending.

    Attributes:
        time_ms: int64, opening time.
        open, high, low, close: int64, ticks; all the same for a trade.
        volume: float64.
        first: int64, for each bar of the feed the row of its first finer bar, and at the end the number of rows.
        span_ms: length of a finer bar; 1 for trades.
    """

    time_ms: NDArray[np.int64]
    open: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    close: NDArray[np.int64]
    volume: NDArray[np.float64]
    first: NDArray[np.int64]
    span_ms: int


def no_settlements() -> Settlements:
    """Return a schedule without funding."""
    none = np.empty(0, np.int64)
    return Settlements(none, none, none, np.empty(0, np.bool_))


def tier_table(rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return a table of margin tiers as kernels want it: ended by a row of negative cap; None takes a flat rate."""
    if rows is None:
        rows = np.array([[2**60, FLAT_RATE, 0]], np.int64)
    return np.vstack([rows, np.full((1, TIER_COLUMNS), -1, np.int64)])


@dataclass(frozen=True, slots=True)
class Feed:
    """The data of one instrument on the timeline of the run.

    Attributes:
        bars: columns in ticks; where ``present`` is false, the last close once more.
        present: bool per bar; None where every bar is there.
        settlements: funding, each on its bar.
        mark_high, mark_low: extremes of the mark price per bar, in ticks; None takes those of the bars.
        finer: what is known of the inside of bars.
        tape: every trade, for a strategy that wants to see them; the bars are made of these.
    """

    bars: Bars
    present: NDArray[np.bool_] | None = None
    settlements: Settlements = field(default_factory=no_settlements)
    mark_high: NDArray[np.int64] | None = None
    mark_low: NDArray[np.int64] | None = None
    finer: Finer | None = None
    tape: Tape | None = None

    @property
    def marks(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the lows and highs by which positions are liquidated: of the mark price, if the bars are not split."""
        if self.mark_low is None or self.mark_high is None or self.finer is not None:
            return self.bars.low, self.bars.high
        return self.mark_low, self.mark_high


@dataclass(frozen=True, slots=True)
class Leg:
    """One instrument of a strategy.

    Attributes:
        feed: index of its data.
        terms: of the account in it.
        tiers: as `tier_table` gives them.
    """

    feed: int
    terms: Terms
    tiers: NDArray[np.int64] = field(default_factory=tier_table)


@dataclass(frozen=True, slots=True)
class Mandate:
    """A strategy, what it trades, and the capital that it was given.

    Attributes:
        strategy: its class.
        params: as ``strategy.resolve_params`` gives them.
        features: one array per name, one value per bar.
        legs: one for each of the strategy's symbols.
        cash_units: money units.
    """

    strategy: type[Strategy]
    params: Any
    features: Mapping[str, NDArray[Any]]
    legs: tuple[Leg, ...]
    cash_units: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A run.

    Attributes:
        feeds: on one timeline.
        mandates: in the order in which their orders are matched and their decisions made.
        span_ms: length of a bar.
    """

    feeds: tuple[Feed, ...]
    mandates: tuple[Mandate, ...]
    span_ms: int = MINUTE_MS

    @property
    def time_ms(self) -> NDArray[np.int64]:
        """Return the opening time of each bar."""
        return self.feeds[0].bars.time_ms

    @property
    def legs(self) -> list[tuple[int, Leg]]:
        """Return every leg with the number of its mandate, in order."""
        return [(number, leg) for number, mandate in enumerate(self.mandates) for leg in mandate.legs]

    @property
    def joint(self) -> bool:
        """Tell whether positions back each other: a cross account with several legs."""
        legs = self.legs
        return len(legs) > 1 and not legs[0][1].terms.isolated


def on_timeline(bars: Bars, timeline: NDArray[np.int64]) -> tuple[Bars, NDArray[np.bool_] | None]:
    """Return bars on a timeline that begins no earlier than they do, and which of its bars are really there.

    Where one is missing, the last close stands in as a synthetic bar without volume.
    """
    if np.array_equal(bars.time_ms, timeline):
        return bars, None
    row = np.searchsorted(bars.time_ms, timeline, side="right") - 1
    present = bars.time_ms[row] == timeline
    close = bars.close[row]
    open_, high, low = (np.where(present, column[row], close) for column in (bars.open, bars.high, bars.low))
    volume = np.where(present, bars.volume[row], 0.0)
    return Bars(timeline, open_, high, low, close, volume, bars.synthetic[row] | ~present), present


def only_mandate(plan: Plan) -> tuple[Mandate, Feed]:
    """Return the one strategy that a run over trades may have, and its data.

    Raises:
        InputError: there are several, or no trades.
    """
    if len(plan.mandates) > 1:
        raise InputError(
            "A strategy that looks at single trades cannot share an account in a backtest.",
            code="trades_and_others",
            field="strategy",
            value=", ".join(mandate.strategy.name() for mandate in plan.mandates),
            fix="Run it alone.",
        )
    feed = plan.feeds[0]
    if feed.tape is None:
        raise InputError(
            f"{plan.mandates[0].strategy.name()} looks at single trades, and there are none.",
            code="no_trades",
            field="symbol",
            value="",
            fix="Import them: real-trade import-data FILE --trades.",
        )
    return plan.mandates[0], feed


def closes_at(plan: Plan, tape: Tape) -> NDArray[np.int64]:
    """Return for each bar how many trades there have been by its close."""
    return np.searchsorted(tape.time_ms, plan.time_ms + plan.span_ms, side="left").astype(np.int64)
