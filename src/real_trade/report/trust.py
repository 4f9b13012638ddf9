"""What the trust checks say, in words: the first line of every report, its findings, and its figures row by row.

Everything here takes the mapping ``trust`` of a result itself, so that a stored summary says the same as a result. Of
a portfolio it has ``mandates``, each with the checks of one strategy. A section that was not run is absent from the
mapping, and is left out here or said to be missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from real_trade.report.formatting import NOTHING, amount, number, numbered, one_line, share

if TYPE_CHECKING:
    from collections.abc import Sequence

Trust = Mapping[str, Any]
# How Monte Carlo resamples the trades, in order of how much it tells.
METHODS: Final = {"block_bootstrap": "block bootstrap", "skip": "skipped trades", "shuffle": "shuffled order"}
SCENARIOS: Final = ("pessimistic", "central", "optimistic")
# A deflated Sharpe ratio from here on is called better than luck; it is the usual level of one test in twenty.
_LEVEL: Final = 0.95
_EVEN: Final = 0.5
# The checks by section, and what people call them.
CHECKS: Final = {"lookahead": "Look-ahead check", "warmup": "Warm-up check"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sentence of the first line; ``tone`` is ``up`` (passed), ``down`` (failed) or empty."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: which check, at which bar, and what is at fault."""

    check: str
    bar: str
    time: str
    kind: str
    name: str
    detail: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        tail = f": {self.detail}" if self.detail else ""
        return f"{self.check}, bar {self.bar} ({self.time}), {self.kind} {self.name}{tail}"


def subject_of(names: Sequence[str]) -> str:
    """Return what trials are trials of: a strategy, or several together."""
    return names[0] if len(names) == 1 else "this portfolio"


def first_line(strategy: str, trust: Trust | None) -> list[Verdict]:
    """Return the sentences that stand above everything else."""
    if not trust:
        return [Verdict("Trust checks: not run.", "")]
    return [_trials(strategy, _section(trust, "trials")), *(_verdict(trust, name) for name in CHECKS)]


def findings(trust: Trust | None) -> list[Finding]:
    """Return what the look-ahead and warm-up checks found."""
    found = []
    for name, label in CHECKS.items():
        for whose, section in check_sections(trust, name):
            for row in section.get("findings") or ():
                words = {key: one_line(row.get(key, NOTHING)) for key in ("bar", "time", "kind", "name")}
                check = f"{label} of {whose}" if whose else label
                found.append(Finding(check, detail=one_line(row.get("detail") or ""), **words))
    return found


def check_sections(trust: Trust | None, name: str) -> list[tuple[str, Trust]]:
    """Return a check's section, or those of each strategy of a portfolio, with whose it is; empty for the only one."""
    mandates = _listed(trust, "mandates")
    if mandates is None:
        return [("", _section(trust, name))]
    names = numbered([one_line(each.get("name", NOTHING)) for each in mandates])
    return [(whose, _section(each, name)) for whose, each in zip(names, mandates, strict=True)]


def overall_word(trust: Trust | None, name: str) -> str:
    """Return ``passed``, ``FAILED`` or ``not run``; of several strategies the worst."""
    words = {check_word(section) for _, section in check_sections(trust, name)}
    return next((word for word in ("FAILED", "not run") if word in words), "passed" if words else "not run")


def check_word(section: Trust) -> str:
    """Return ``passed``, ``FAILED`` or ``not run``."""
    if not section:
        return "not run"
    return "passed" if section.get("ok") and not section.get("findings") else "FAILED"


def deflated_sharpe_text(value: float | None) -> str:
    """Return a probability with two decimals, never rounded up over a threshold.

    >>> deflated_sharpe_text(0.949), deflated_sharpe_text(0.9999), deflated_sharpe_text(None)
    ('0.94', '>0.99', '-')
    """
    if value is None:
        return NOTHING
    if value > 0.99:
        return ">0.99"
    return "<0.01" if value < 0.01 else f"{math.floor(value * 100 + 1e-9) / 100:.2f}"


def trust_rows(trust: Trust | None, currency: str = "") -> list[tuple[str, str]]:
    """Return the figures of the sections that were run, as (label, text)."""
    if not trust:
        return []
    rows = [
        (f"{label}, {whose}", check_word(section))
        for name, label in CHECKS.items()
        for whose, section in check_sections(trust, name)
        if whose
    ]
    rows += _trial_rows(_section(trust, "trials")) + _cost_rows(_section(trust, "costs"), currency)
    rows += _range_rows(_section(trust, "range"))
    for method, label in METHODS.items():
        rows += _monte_carlo_rows(label, _section(_section(trust, "monte_carlo").get("methods"), method))
    rows += [
        (f"Share of volume, median / p95 / max{f', {whose}' if whose else ''}", " / ".join(shares))
        for whose, shares in capacities(trust)
    ]
    clock = _section(_section(trust, "clock"), "around_funding")
    if clock:
        nets = (amount(_section(clock, name).get("net")) for name in ("before_60m", "after_60m", "other"))
        rows.append(("Net before / after funding / other", " / ".join(nets)))
    return rows


def capacities(trust: Trust | None) -> list[tuple[str, list[str]]]:
    """Return median, 95th percentile and largest share of volume, with whose they are; empty for the only one."""
    sections, rows = _listed(trust, "capacity"), []
    for section in [_section(trust, "capacity")] if sections is None else sections:
        if not section:
            continue
        name, symbol = section.get("name"), section.get("symbol")
        # The name of a strategy of several symbols does not say which of them.
        whose = one_line(name if str(name).endswith(f" {symbol}") else f"{name} in {symbol}") if name else ""
        rows.append((whose, [share(section.get(key)) for key in ("median_share", "p95_share", "max_share")]))
    return rows


def _trials(strategy: str, trials: Trust) -> Verdict:
    name = one_line(strategy)
    if not trials:
        return Verdict(f"Trials of {name} on this data: not counted.", "")
    value = number(trials.get("deflated_sharpe"))
    count = number(trials.get("count"))
    opening = f"Trial {NOTHING if count is None else f'{count:,.0f}'} of {name} on this data; deflated Sharpe"
    if value is None:
        return Verdict(f"{opening} not defined: too little to judge.", "")
    if value >= _LEVEL:
        return Verdict(f"{opening} {deflated_sharpe_text(value)}: better than luck explains, at the 5% level.", "up")
    words = "not distinguishable from luck" if value >= _EVEN else "no better than luck would bring"
    return Verdict(f"{opening} {deflated_sharpe_text(value)}: {words}.", "warn")


def _verdict(trust: Trust, name: str) -> Verdict:
    """Return what a check says: of one strategy, or in one sentence of all."""
    sections = check_sections(trust, name)
    if [whose for whose, _ in sections] == [""]:
        return _check(name, sections[0][1])
    word = overall_word(trust, name)
    whose = ", ".join(who for who, section in sections if check_word(section) == word)
    if word == "passed":
        return Verdict(f"{CHECKS[name]} passed for {'every strategy' if len(sections) > 1 else whose}.", "up")
    if word == "FAILED":
        return Verdict(f"{CHECKS[name]} FAILED for {whose}.", "down")
    return Verdict(f"{CHECKS[name]}: not run for {whose or 'any strategy'}.", "")


def _check(name: str, section: Trust) -> Verdict:
    word = check_word(section)
    if word == "not run":
        return Verdict(f"{CHECKS[name]}: not run.", "")
    if word == "FAILED":
        count = len(section.get("findings") or ())
        what = f" with {count:,} finding{'s' if count > 1 else ''}" if count else ""
        return Verdict(f"{CHECKS[name]} FAILED{what}.", "down")
    checked = number(section.get("bars_checked"))
    return Verdict(f"{CHECKS[name]} passed{f' at {checked:,.0f} bars' if checked else ''}.", "up")


def _trial_rows(trials: Trust) -> list[tuple[str, str]]:
    if not trials:
        return []
    expected = number(trials.get("expected_max_sharpe"))
    return [
        ("Deflated Sharpe ratio", deflated_sharpe_text(number(trials.get("deflated_sharpe")))),
        ("Best Sharpe that luck would bring", NOTHING if expected is None else f"{expected:.2f}"),
    ]


def _cost_rows(costs: Trust, currency: str) -> list[tuple[str, str]]:
    if not costs:
        return []
    even = number(costs.get("break_even_bps"))
    parts = " / ".join(amount(costs.get(name)) for name in ("fees", "slippage", "funding"))
    return [
        ("Profit before all costs", f"{amount(costs.get('gross'))} {currency}".rstrip()),
        ("Fees / slippage / funding", parts),
        ("Break-even, all costs", NOTHING if even is None else f"{even:.2f} bp"),
        ("Net if costs double", f"{amount(costs.get('net_if_costs_double'))} {currency}".rstrip()),
    ]


def _range_rows(section: Trust) -> list[tuple[str, str]]:
    if not section:
        return []
    nets = (amount(_section(section, name).get("net_profit")) for name in SCENARIOS)
    kind = {"bound": "a bound", "scenarios": "scenarios, not a bound"}.get(str(section.get("label")), NOTHING)
    return [
        ("Net, pessimistic / central / optimistic", " / ".join(nets)),
        ("The range is", kind),
        ("Won and lost in ambiguous bars", share(section.get("ambiguous_share"))),
        ("Width of the range over central net", share(section.get("width_share"))),
    ]


def range_words(section: Trust) -> str:
    """Return what the range of outcomes is, a bound or scenarios, and why."""
    if section.get("label") == "bound":
        return "A bound: whatever the order of events inside the bars, the result lies within."
    if section.get("label") == "scenarios":
        return f"Scenarios, not a bound. {one_line(section.get('why') or '')}".rstrip()
    return one_line(section.get("label") or "")


def _monte_carlo_rows(label: str, method: Trust) -> list[tuple[str, str]]:
    if not method:
        return []
    final, fall = _section(method, "final_equity"), _section(method, "max_drawdown")
    balances = " / ".join(amount(final.get(name)) for name in ("p5", "p50", "p95"))
    falls = " / ".join(share(fall.get(name)) for name in ("p50", "p95"))
    return [
        (f"Balance p5 / p50 / p95, {label}", balances),
        (f"Drawdown p50 / p95, {label}", falls),
        (f"Chance of a loss, {label}", share(method.get("loss_probability"))),
    ]


def _listed(values: object, name: str) -> list[Trust] | None:
    """Return the sections of a list; None where there is no list."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else None


def _section(values: object, name: str) -> Trust:
    """Return a section, empty where it is absent or null."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, Mapping) else {}
