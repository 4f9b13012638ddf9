"""What a strategy is run over: bars in ticks, funding, mark prices, finer bars, tiers; and what is said of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from real_trade.backtest.facts import data_facts
from real_trade.backtest.memory import keep_freed_memory
from real_trade.backtest.plan import Feed, Finer, no_settlements, on_timeline, tier_table
from real_trade.data.instruments import resolve_instrument
from real_trade.data.tiers import find_tiers
from real_trade.data.trades import bars_of_trades
from real_trade.kernels.funding import Settlements, constant_funding, rate_units, settlements
from real_trade.model.bars import Bars, bars_from_klines
from real_trade.model.errors import InputError
from real_trade.model.instrument import Instrument, Market
from real_trade.model.series import FundingRates, Klines, SeriesKey, SeriesKind, Trades
from real_trade.model.tape import Tape, tape_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.backtest.account import AccountSettings
    from real_trade.backtest.result import DataFacts
    from real_trade.model.interval import Interval
    from real_trade.model.tiers import MarginTiers
    from real_trade.storage.ports import TimeSeriesStore

_MINUTE_MS = 60_000
# Where an instrument does not say: eight hours, as both venues had it from the start.
_FUNDING_MINUTES = 480


@dataclass(frozen=True, slots=True)
class Extras:
    """What may be known beside the bars.

    Attributes:
        funding: settlements, None if unknown.
        mark: bars of the mark price, of the same length.
        finer: finer bars or trades inside the bars.
        finer_span_ms: length of those bars; 1 for trades.
        tiers: margin tiers, None if unknown.
    """

    funding: FundingRates | None = None
    mark: Klines | None = None
    finer: Klines | Trades | None = None
    finer_span_ms: int = 1
    tiers: MarginTiers | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """One instrument, ready to be run over; the float prices it was made from are no longer needed.

    Attributes:
        feed: bars and what belongs to them.
        facts: of the data.
        instrument: what is traded.
        tiers: margin tiers, None if unknown.
        notes: sentences for the reader of the result.
    """

    feed: Feed
    facts: DataFacts
    instrument: Instrument
    tiers: MarginTiers | None
    notes: tuple[str, ...]

    @property
    def bars(self) -> Bars:
        """Return the bars."""
        return self.feed.bars

    def tier_rows(self) -> NDArray[np.int64]:
        """Return the table of tiers that kernels want; a flat one where none are known."""
        return tier_table(None if self.tiers is None else self.tiers.table())


def load_material(
    store: TimeSeriesStore,
    key: SeriesKey,
    from_ms: int | None,
    to_ms: int | None,
    settings: AccountSettings,
    instrument: Instrument | None = None,
    *,
    on_trades: bool = False,
) -> Material:
    """Read all that is stored of one instrument in a span; ``on_trades``: its single trades, and bars made of them.

    Raises:
        InputError: no bars, or no trades, are stored.
    """
    keep_freed_memory()
    read = read_trades if on_trades else read_klines
    return complete(store, key, read(store, key, from_ms, to_ms), settings, instrument, from_ms, to_ms)


def read_trades(store: TimeSeriesStore, key: SeriesKey, from_ms: int | None, to_ms: int | None) -> Trades:
    """Return the trades of a span.

    Raises:
        InputError: there are none.
    """
    trades = store.read_trades(SeriesKey(key.venue, key.market, key.symbol, None, SeriesKind.TRADE), from_ms, to_ms)
    if not len(trades):
        raise InputError(
            f"No trades of {key.venue} {key.market} {key.symbol} are stored for that span.",
            code="no_data",
            field="symbol",
            value=key.symbol,
            fix="The strategy looks at single trades. Import them: real-trade import-data FILE --trades.",
        )
    return trades


def read_klines(store: TimeSeriesStore, key: SeriesKey, from_ms: int | None, to_ms: int | None) -> Klines:
    """Return the bars of a span.

    Raises:
        InputError: there are none.
    """
    klines = store.read_klines(key, from_ms, to_ms)
    if not len(klines):
        raise InputError(
            f"Nothing is stored for {key} in that span.",
            code="no_data",
            field="symbol",
            value=key.symbol,
            fix="Run download-data or import-data first; list-data shows what there is.",
        )
    return klines


def complete(
    store: TimeSeriesStore,
    key: SeriesKey,
    data: Klines | Trades,
    settings: AccountSettings,
    instrument: Instrument | None,
    from_ms: int | None,
    to_ms: int | None,
    timeline: NDArray[np.int64] | None = None,
) -> Material:
    """Return bars or trades that were read, together with what else is stored of their instrument."""
    assert key.interval is not None
    if instrument is None:
        klines = _bars_of(data, key.interval, inverse=key.market == Market.INVERSE)
        instrument, _ = resolve_instrument(key.venue, key.market, key.symbol, store=store, klines=klines)
    extras = Extras()
    span = int(data.timestamp[0]), key.interval.next_open(int(data.timestamp[-1]))
    if key.market != Market.SPOT:
        extras = _read_extras(store, key, span, settings)
    if settings.policy == "finer":
        extras = _with_finer(store, key, span, extras)
    return prepare(data, instrument, key.interval, settings, extras, from_ms, to_ms, verify=True, timeline=timeline)


def _read_extras(store: TimeSeriesStore, key: SeriesKey, span: tuple[int, int], settings: AccountSettings) -> Extras:
    funding = None
    if settings.funding_rate is None:
        funding = store.read_funding(SeriesKey(key.venue, key.market, key.symbol, None, SeriesKind.FUNDING), *span)
    mark = store.read_klines(SeriesKey(key.venue, key.market, key.symbol, key.interval, SeriesKind.MARK), *span)
    try:
        tiers = find_tiers(key.venue, key.market, key.symbol, store=store)
    except InputError as error:
        if error.code != "unknown_tiers":
            raise
        tiers = None
    return Extras(funding, mark if len(mark) else None, tiers=tiers)


def _with_finer(store: TimeSeriesStore, key: SeriesKey, span: tuple[int, int], extras: Extras) -> Extras:
    """Return the extras with the finest that is stored: trades, else the shortest bars below those of the run."""
    assert key.interval is not None
    trades = store.read_trades(SeriesKey(key.venue, key.market, key.symbol, None, SeriesKind.TRADE), *span)
    if len(trades):
        return Extras(extras.funding, extras.mark, trades, 1, extras.tiers)
    stored = [info.key for info in store.list_series()]
    finer = sorted(
        (other.interval.length_ms, other)
        for other in stored
        if (other.venue, other.market, other.symbol, other.kind) == (key.venue, key.market, key.symbol, key.kind)
        and other.interval is not None
        and other.interval.length_ms < key.interval.length_ms
    )
    if not finer:
        raise InputError(
            f"Nothing finer than {key.interval} is stored for {key.symbol}.",
            code="no_finer_data",
            field="policy",
            value="finer",
            fix="Download shorter bars, import trades (import-data --trades), or choose another policy.",
        )
    length, chosen = finer[0]
    return Extras(extras.funding, extras.mark, store.read_klines(chosen, *span), length, extras.tiers)


def _bars_of(data: Klines | Trades, interval: Interval, *, inverse: bool) -> Klines:
    if isinstance(data, Klines):
        return data
    return bars_of_trades(data.timestamp, data.price, data.size, interval, inverse=inverse)


def prepare(
    data: Klines | Trades,
    instrument: Instrument,
    interval: Interval,
    settings: AccountSettings,
    extras: Extras,
    from_ms: int | None = None,
    to_ms: int | None = None,
    *,
    verify: bool,
    timeline: NDArray[np.int64] | None = None,
) -> Material:
    """Turn klines or trades, and what is known beside them, into what is run over.

    Args:
        data: at least one bar or trade, ascending; of trades, bars are made.
        instrument: what they are prices of.
        interval: length of the bars.
        settings: of the account; they may state a funding rate.
        extras: what is known beside the bars.
        from_ms, to_ms: span asked for.
        verify: run every check of the data.
        timeline: opening times that the feed is to have, where several instruments share one; None takes the klines'.
    """
    klines = _bars_of(data, interval, inverse=instrument.market == Market.INVERSE)
    facts = data_facts(klines, instrument, interval, from_ms, to_ms, verify=verify)
    tape = None
    if isinstance(data, Trades):
        tape = tape_of(data, instrument)
        facts = replace(facts, sha256=_tape_hash(tape))
    bars, present = bars_from_klines(klines, instrument), None
    if timeline is not None:
        bars, present = on_timeline(bars, timeline)
    notes: list[str] = []
    schedule, mark_low, mark_high = no_settlements(), None, None
    if instrument.market != Market.SPOT:
        mark_ticks = None if extras.mark is None else _mark_ticks(extras.mark, instrument)
        schedule = _settlements(bars, instrument, settings, extras, mark_ticks, facts.to_ms, notes)
        if mark_ticks is not None and extras.mark is not None:
            mark_low, mark_high = _mark_range(bars, extras.mark, mark_ticks)
        if extras.tiers is None:
            notes.append(
                f"The margin tiers of {instrument.symbol} are not known: a maintenance margin of 1 % was assumed."
            )
    finer = None
    if settings.policy == "finer" and extras.finer is not None:
        finer, dropped = finer_of(bars, extras.finer, extras.finer_span_ms, instrument, interval)
        if dropped:
            notes.append(
                f"In {dropped} bars the finer data contradict the bar, or are missing; the bar was used whole."
            )
    return Material(
        Feed(bars, present, schedule, mark_high, mark_low, finer, tape), facts, instrument, extras.tiers, tuple(notes)
    )


def _tape_hash(tape: Tape) -> str:
    digest = hashlib.sha256(b"real_trade.trades/1\0")
    for column in tape:
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _settlements(
    bars: Bars,
    instrument: Instrument,
    settings: AccountSettings,
    extras: Extras,
    mark_ticks: dict[str, NDArray[np.int64]] | None,
    end_ms: int,
    notes: list[str],
) -> Settlements:
    minutes = instrument.funding_interval_minutes or _FUNDING_MINUTES
    start_ms = int(bars.time_ms[0])
    if settings.funding_rate is not None:
        rate = int(rate_units(np.array([float(settings.funding_rate)]))[0])
        stamps, rates = constant_funding(start_ms, end_ms, minutes * _MINUTE_MS, rate)
        notes.append(f"Funding was charged at a stated {settings.funding_rate} every {minutes} minutes.")
    elif extras.funding is not None and len(extras.funding):
        stamps, rates = extras.funding.timestamp, rate_units(extras.funding.rate)
        # What a span has beyond one and a half of the usual intervals without a settlement was not stored.
        steps = np.diff(np.concatenate([[start_ms], stamps, [end_ms]]))
        holes = int(np.count_nonzero(steps > minutes * _MINUTE_MS * 1.5))
        if holes:
            notes.append(f"Stored funding has {holes} holes in this span; nothing was charged there.")
    else:
        notes.append(
            f"No funding is stored for {instrument.symbol}: none was charged. Get it (download-data --kind funding) or "
            "state a rate (--funding-rate)."
        )
        return no_settlements()
    mark_ms = None if extras.mark is None else extras.mark.timestamp
    open_ticks = None if mark_ticks is None else mark_ticks["open"]
    return settlements(bars.time_ms, bars.open, stamps, rates, mark_ms, open_ticks)


def _mark_ticks(mark: Klines, instrument: Instrument) -> dict[str, NDArray[np.int64]]:
    """Return mark prices in ticks; they lie between the ticks, and are put on the nearest."""
    tick = float(instrument.tick_size)
    return {name: np.rint(getattr(mark, name) / tick).astype(np.int64) for name in ("open", "high", "low")}


def _mark_range(
    bars: Bars, mark: Klines, ticks: dict[str, NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return low and high of the mark price per bar; of the bar where no mark price is stored."""
    row = np.minimum(np.searchsorted(mark.timestamp, bars.time_ms), len(mark) - 1)
    known = mark.timestamp[row] == bars.time_ms
    return np.where(known, ticks["low"][row], bars.low), np.where(known, ticks["high"][row], bars.high)


def finer_of(
    bars: Bars, finer: Klines | Trades, span_ms: int, instrument: Instrument, interval: Interval
) -> tuple[Finer, int]:
    """Return the finer rows of the bars that they fit, and the number of bars that are left whole.

    Rows fit a bar if they stay within its high and low, and reach both.
    """
    if isinstance(finer, Trades):
        price = finer.price
        klines = Klines.of(finer.timestamp, price, price, price, price, finer.size)
    else:
        klines = finer
    tick = float(instrument.tick_size)
    columns = [np.rint(getattr(klines, name) / tick).astype(np.int64) for name in ("open", "high", "low", "close")]
    row = np.searchsorted(bars.time_ms, klines.timestamp, side="right") - 1
    n = len(bars.close)
    inside = (row >= 0) & (klines.timestamp < bars.time_ms[np.maximum(row, 0)] + interval.length_ms)
    highest, lowest = np.full(n, -1, np.int64), np.full(n, 2**62, np.int64)
    np.maximum.at(highest, row[inside], columns[1][inside])
    np.minimum.at(lowest, row[inside], columns[2][inside])
    fits = (highest == bars.high) & (lowest == bars.low)
    kept = inside & fits[np.maximum(row, 0)]
    first = np.searchsorted(row[kept], np.arange(n + 1)).astype(np.int64)
    open_, high, low, close = (np.ascontiguousarray(column[kept]) for column in columns)
    volume = np.ascontiguousarray(klines.volume[kept])
    return Finer(klines.timestamp[kept], open_, high, low, close, volume, first, span_ms), n - int(fits.sum())
