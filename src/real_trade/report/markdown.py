"""The report as Markdown: for a repository, a ticket or a message."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final

from real_trade.metrics.registry import METRICS
from real_trade.model.clock import format_time
from real_trade.report.account import account_line, setting_rows, units_of
from real_trade.report.formatting import scalar_text, show
from real_trade.report.marks import ambiguous_line, liquidation_line
from real_trade.report.trust import findings, first_line, trust_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from real_trade.backtest.result import BacktestResult

# Findings of the trust checks in the text; summary.json has all.
_FINDINGS: Final = 20
_ACTIVE: Final = re.compile(r"([\\`*_{}\[\]<>#|])")


def render_markdown(result: BacktestResult) -> str:
    """Return the figures, parameters, data and hashes of a backtest as Markdown tables."""
    facts, units = result.data, units_of(result.instrument)
    where = f"{facts.venue} {facts.market} {facts.symbol} {facts.interval}"
    liquidated = liquidation_line(result)
    verdicts = first_line(result.strategy, result.trust)
    parts = [
        " ".join(f"**{safe(v.text)}**" if v.tone == "down" else safe(v.text) for v in verdicts),
        *(f"> Finding: {safe(str(finding))}" for finding in findings(result.trust)[:_FINDINGS]),
        f"**{safe(liquidated)}**" if liquidated else "",
        f"# {safe(result.strategy)}: {safe(where)}",
        f"{format_time(facts.from_ms)} to {format_time(facts.to_ms)}, {facts.bars:,} bars.",
        f"Gaps: {len(facts.gaps):,} ({facts.missing_bars:,} bars missing). Bars filled in: {facts.synthetic:,}.",
        safe(account_line(result)),
        safe(ambiguous_line(result)),
        *(f"> Warning: {safe(warning)}" for warning in result.warnings),
    ]
    for group, metrics in groupby(METRICS.values(), key=lambda metric: metric.group):
        rows = [(m.label, show(m, result.stats[m.name], units.money, units.quantity)) for m in metrics]
        parts.append(table((group, "Value"), rows))
    if rows := trust_rows(result.trust, units.money):
        parts.append(table(("Trust", "Value"), rows))
    parts += [_mapping("Parameter", result.params), table(("Setting", "Value"), setting_rows(result))]
    parts.append(table(("Hash", "sha256"), result.hashes.items()))
    return "\n\n".join(part for part in parts if part) + "\n"


def _mapping(title: str, values: Mapping[str, object]) -> str:
    return table((title, "Value"), ((name, scalar_text(value)) for name, value in values.items())) if values else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, its first column to the left and the others to the right."""
    lines = ["| " + " | ".join(safe(cell) for cell in row) + " |" for row in [heads, *rows]]
    lines.insert(1, "| :--- |" + " ---: |" * (len(heads) - 1))
    return "\n".join(lines)


def safe(text: str) -> str:
    """Return text in which nothing is markup."""
    return _ACTIVE.sub(r"\\\1", " ".join(str(text).split()))
