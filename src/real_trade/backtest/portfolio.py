"""Several strategies, in several instruments, in one account: each with its own capital and its own sub-ledger."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.backtest.account import AccountSettings
from real_trade.backtest.codegen import code_hash
from real_trade.backtest.engine import RUNNERS, compute_features, run_plan
from real_trade.backtest.facts import data_warnings
from real_trade.backtest.material import Extras, complete, prepare, read_klines
from real_trade.backtest.plan import Leg, Mandate, Plan
from real_trade.backtest.portfolio_result import LegResult, MandateResult, PortfolioResult
from real_trade.backtest.run import orders_hash, shown_settings, trade_rows
from real_trade.model.clock import format_time
from real_trade.model.errors import InputError
from real_trade.model.instrument import Instrument, Market, money
from real_trade.model.interval import Interval
from real_trade.model.series import Klines, SeriesKey
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from real_trade.backtest.engine import Runner
    from real_trade.backtest.material import Material
    from real_trade.storage.ports import TimeSeriesStore
    from real_trade.trading.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Allocation:
    """A strategy, the symbols it trades, and its part of the account's capital.

    Attributes:
        strategy: name of a ready one, ``FILE[:Class]``, or a class.
        symbols: as many as the strategy has, in its order.
        share: fraction of the starting cash; None shares what the others leave equally.
        params: its parameters; those not given take their defaults.
    """

    strategy: str | type[Strategy]
    symbols: tuple[str, ...]
    share: Decimal | None = None
    params: Mapping[str, object] = field(default_factory=dict)


def run_portfolio(
    allocations: Sequence[Allocation],
    *,
    store: TimeSeriesStore,
    venue: str,
    market: str,
    interval: str,
    from_ms: int | None = None,
    to_ms: int | None = None,
    settings: AccountSettings | None = None,
    strict: bool = False,
    runner: Runner = "compiled",
    trust: bool = True,
) -> PortfolioResult:
    """Backtest strategies over stored bars, in one account.

    All bars lie on one timeline, from the first moment at which every symbol has one to the last; where a symbol lacks
    a bar, nothing is matched in it. Arguments are otherwise those of `run.run_backtest`.

    Raises:
        InputError: nothing stored for a symbol, or allocations, parameters or settings that do not fit.
        JobFailed: ``strict`` and the data have a gap.
    """
    settings = settings or AccountSettings()
    strategies = _strategies(allocations)
    keys = {
        symbol: SeriesKey(venue, Market.parse(market), symbol, Interval.parse(interval))
        for symbol in _symbols(allocations)
    }
    klines = {symbol: read_klines(store, key, from_ms, to_ms) for symbol, key in keys.items()}
    klines, timeline, notes = _on_one_timeline(klines)
    materials = {
        symbol: complete(store, keys[symbol], rows, settings, None, None, None, timeline)
        for symbol, rows in klines.items()
    }
    known = Interval.parse(interval)
    return _run(allocations, strategies, materials, settings, notes, known, runner, strict=strict, trust=trust)


def backtest_portfolio(
    allocations: Sequence[Allocation],
    data: Mapping[str, tuple[Klines, Instrument]],
    *,
    interval: Interval | str = "1m",
    settings: AccountSettings | None = None,
    extras: Mapping[str, Extras] | None = None,
    strict: bool = False,
    runner: Runner = "compiled",
    trust: bool = False,
) -> PortfolioResult:
    """Backtest strategies over klines in memory, in one account.

    Args:
        allocations: the strategies.
        data: bars and facts of each symbol that they name.
        interval: length of the bars.
        settings: of the account; slippage, latency and the like are the same for all.
        extras: funding, mark prices, finer bars and margin tiers by symbol.
        strict: a gap in the data ends the run.
        runner: ``compiled``, ``python`` or ``reference``; all give the same result.
        trust: also check each strategy for look-ahead and warm-up, and say how sure the result is.
    """
    settings = settings or AccountSettings()
    strategies = _strategies(allocations)
    unknown = [symbol for symbol in _symbols(allocations) if symbol not in data]
    if unknown:
        raise InputError(
            f"There are no bars of {unknown[0]}.",
            code="no_data",
            field="symbols",
            value=unknown[0],
            fix=f"Hand them in; there are {', '.join(data)}.",
        )
    klines = {symbol: data[symbol][0] for symbol in _symbols(allocations)}
    klines, timeline, notes = _on_one_timeline(klines)
    known = Interval.parse(interval)
    materials = {
        symbol: prepare(
            rows,
            data[symbol][1],
            known,
            settings,
            (extras or {}).get(symbol, Extras()),
            verify=False,
            timeline=timeline,
        )
        for symbol, rows in klines.items()
    }
    return _run(allocations, strategies, materials, settings, notes, known, runner, strict=strict, trust=trust)


def _symbols(allocations: Sequence[Allocation]) -> list[str]:
    return list(dict.fromkeys(symbol for allocation in allocations for symbol in allocation.symbols))


def _strategies(allocations: Sequence[Allocation]) -> list[type[Strategy]]:
    if not allocations:
        raise InputError("The portfolio has no strategy.", field="strategy", value="", fix="Name at least one.")
    found = []
    for allocation in allocations:
        given = allocation.strategy
        strategy = load_strategy(given, READY) if isinstance(given, str) else given
        if len(allocation.symbols) != strategy.symbols or len(set(allocation.symbols)) != strategy.symbols:
            raise InputError(
                f"{strategy.name()} trades {strategy.symbols} symbol{'s' if strategy.symbols > 1 else ''}; "
                f"{', '.join(allocation.symbols) or 'none'} were named.",
                code="wrong_symbols",
                field="symbols",
                value=",".join(allocation.symbols),
                fix=f"Name {strategy.symbols}, each once.",
            )
        found.append(strategy)
    return found


def _on_one_timeline(klines: dict[str, Klines]) -> tuple[dict[str, Klines], NDArray[np.int64], tuple[str, ...]]:
    """Return the bars of the span that all symbols have, its timeline, and what was left out."""
    times = [rows.timestamp for rows in klines.values()]
    common = times[0]
    for other in times[1:]:
        common = np.intersect1d(common, other, assume_unique=True)
    if not len(common):
        raise InputError(
            f"The bars of {', '.join(klines)} have no time in common.",
            code="no_common_span",
            field="symbols",
            value=",".join(klines),
            fix="Download the same span of each.",
        )
    start, stop = int(common[0]), min(int(each[-1]) for each in times) + 1
    cut = {symbol: rows.between(start, stop) for symbol, rows in klines.items()}
    notes = []
    for symbol, rows in klines.items():
        number = len(rows) - len(cut[symbol])
        if number:
            what = "bar outside the common span was" if number == 1 else "bars outside the common span were"
            notes.append(f"Of {symbol}, {number} {what} left out; the span begins {format_time(start)}.")
    times = [rows.timestamp for rows in cut.values()]
    if all(np.array_equal(times[0], other) for other in times[1:]):
        return cut, times[0], tuple(notes)
    return cut, np.unique(np.concatenate(times)), tuple(notes)


def _shares(allocations: Sequence[Allocation]) -> list[Decimal]:
    """Return each strategy's fraction of the cash; together they are the whole.

    Raises:
        InputError: they are not positive, or do not add up.
    """
    stated = [allocation.share for allocation in allocations if allocation.share is not None]
    rest, missing = 1 - sum(stated, Decimal(0)), len(allocations) - len(stated)
    shares = [rest / missing if share is None else share for share in (each.share for each in allocations)]
    if any(not share.is_finite() or share <= 0 for share in shares) or (not missing and rest != 0):
        raise InputError(
            f"The shares {', '.join(str(share) for share in shares)} are not positive parts of one whole.",
            code="bad_shares",
            field="share",
            value=",".join(str(share) for share in stated),
            fix="Give fractions that add up to 1, or leave some out: they share the rest equally.",
        )
    return shares


def _cash_of(cash: Decimal, shares: list[Decimal]) -> list[int]:
    """Return what each strategy gets in money units; the first one gets what rounding leaves."""
    units = [int(money(cash) * share) for share in shares]
    return [units[0] + money(cash) - sum(units), *units[1:]]


def _run(
    allocations: Sequence[Allocation],
    strategies: list[type[Strategy]],
    materials: Mapping[str, Material],
    settings: AccountSettings,
    notes: tuple[str, ...],
    interval: Interval,
    runner: Runner,
    *,
    strict: bool,
    trust: bool,
) -> PortfolioResult:
    if runner not in RUNNERS:
        raise InputError(
            f"Unknown runner {runner!r}.", field="runner", value=runner, fix=f"Use one of {', '.join(RUNNERS)}."
        )
    _same_currency(materials)
    symbols = list(materials)
    warnings = [
        f"{s}: {text}" for s, m in materials.items() for text in data_warnings(m.facts, strict=strict) + m.notes
    ]
    shares, mandates, shown = _shares(allocations), [], []
    cash = _cash_of(settings.cash, shares)
    for allocation, strategy, units in zip(allocations, strategies, cash, strict=True):
        own = [materials[symbol] for symbol in allocation.symbols]
        values, params = strategy.resolve_params(allocation.params, *(material.instrument for material in own))
        bars = tuple(material.bars for material in own)
        features = compute_features(strategy, bars[0] if strategy.symbols == 1 else bars, params)
        legs = tuple(
            Leg(symbols.index(symbol), settings.terms(m.instrument, m.bars, m.tiers), m.tier_rows())
            for symbol, m in zip(allocation.symbols, own, strict=True)
        )
        mandates.append(Mandate(strategy, params, features, legs, units))
        shown.append(values)
    plan = Plan(tuple(m.feed for m in materials.values()), tuple(mandates), interval.length_ms)
    outcome = run_plan(plan, runner)
    tables = iter(outcome.legs)
    results = []
    for number, mandate in enumerate(mandates):
        legs_found = []
        for leg in mandate.legs:
            found, material = next(tables), materials[symbols[leg.feed]]
            rows = trade_rows(found, leg.terms, material.instrument)
            legs_found.append(
                LegResult(material.instrument, material.facts, leg.terms, material.bars.close, found, rows)
            )
        results.append(
            MandateResult(
                mandate.strategy.name(),
                shown[number],
                shares[number],
                mandate.cash_units,
                outcome.equity[number],
                tuple(legs_found),
            )
        )
    result = PortfolioResult(
        mandates=tuple(results),
        time_ms=plan.time_ms,
        settings=shown_settings(settings, mandates[0].legs[0].terms, sum(cash)),
        hashes=_hashes(strategies, results, materials, settings),
        runner=runner,
        warnings=(*notes, *warnings),
    )
    if not trust:
        return result
    from real_trade.backtest.judgement import judge_portfolio

    return judge_portfolio(result, plan, outcome, runner)


def _same_currency(materials: Mapping[str, Material]) -> None:
    currencies = {material.instrument.settle for material in materials.values()}
    if len(currencies) > 1:
        raise InputError(
            f"The symbols are settled in {' and '.join(sorted(currencies))}.",
            code="mixed_currencies",
            field="symbols",
            value=",".join(materials),
            fix="Put instruments of one settlement currency into an account.",
        )


def _hashes(
    strategies: list[type[Strategy]],
    results: Sequence[MandateResult],
    materials: Mapping[str, Material],
    settings: AccountSettings,
) -> dict[str, str]:
    config: dict[str, Any] = {
        "settings": {name: str(getattr(settings, name)) for name in settings.__dataclass_fields__},
        "mandates": [[r.strategy, r.params, str(r.share), [leg.symbol for leg in r.legs]] for r in results],
    }
    data = "".join(material.facts.sha256 for material in materials.values())
    orders = "".join(orders_hash(leg.order_rows, leg.fill_rows) for result in results for leg in result.legs)
    return {
        "data": hashlib.sha256(data.encode()).hexdigest(),
        "code": code_hash(*strategies),
        "config": hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest(),
        "orders": hashlib.sha256(orders.encode()).hexdigest(),
    }
