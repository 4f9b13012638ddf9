"""A portfolio's report as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.report.markdown import safe, table
from real_trade.report.portfolio.sides import names_of, sides_of
from real_trade.report.portfolio.words import (
    LEDGER,
    SYMBOLS,
    account_line,
    ambiguous_line,
    figure_rows,
    ledger_rows,
    liquidation_line,
    setting_rows,
    share_text,
    symbol_rows,
    title,
    where,
)
from real_trade.report.trust import findings, first_line, subject_of, trust_rows

if TYPE_CHECKING:
    from real_trade.backtest.portfolio_result import PortfolioResult

# Findings of the trust checks in the text; summary.json has all.
_FINDINGS: Final = 20


def render_portfolio_markdown(result: PortfolioResult) -> str:
    """Return ledgers, figures, strategies, data and hashes of a portfolio as Markdown tables."""
    sides = sides_of(result)
    ledgers = ledger_rows(sides)
    liquidated = liquidation_line(sides)
    trust = trust_rows(result.trust, result.currency)
    line = first_line(subject_of(names_of(result)), result.trust)
    parts = [
        " ".join(f"**{safe(v.text)}**" if v.tone == "down" else safe(v.text) for v in line),
        *(f"> Finding: {safe(str(finding))}" for finding in findings(result.trust)[:_FINDINGS]),
        f"**{safe(liquidated)}**" if liquidated else "",
        f"# {safe(title(sides))}: {safe(where(result))}",
        safe(account_line(result)),
        safe(ambiguous_line(result)),
        *(f"> Warning: {safe(warning)}" for warning in result.warnings),
        table(
            ("Ledger", *LEDGER), ((f"of which {row.name}" if row.is_part else row.name, *row.cells) for row in ledgers)
        ),
        table(
            ("Figure", *(side.name for side in sides)),
            ((label, *texts) for label, _, texts in figure_rows(sides, result.currency)),
        ),
        table(("Trust", "Value"), trust) if trust else "",
        table(
            ("Strategy", "Share of the cash", "Parameters"),
            ((side.name, share_text(side), " ".join(f"{k}={v}" for k, v in side.params.items())) for side in sides[1:]),
        ),
        table(SYMBOLS, symbol_rows(result)),
        table(("Setting", "Value"), setting_rows(result)),
        table(("Hash", "sha256"), result.hashes.items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
