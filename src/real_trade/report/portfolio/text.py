"""The text block of a portfolio, in ASCII: its ledgers, and figures of the account and each strategy side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.report.formatting import one_line
from real_trade.report.portfolio.sides import names_of, sides_of
from real_trade.report.portfolio.words import (
    LEDGER,
    account_line,
    ambiguous_line,
    figure_rows,
    ledger_rows,
    legs_by_symbol,
    liquidation_line,
    share_text,
    title,
    where,
)
from real_trade.report.trust import findings, first_line, subject_of, trust_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.report.portfolio.sides import Side

# Findings of the trust checks in the block; summary.json has all.
_FINDINGS: Final = 10


def render_portfolio_text(result: PortfolioResult) -> str:
    """Return the text block of a portfolio, without a final line break."""
    sides = sides_of(result)
    numbered = [f"{number}: {_strategy(side)}" for number, side in enumerate(sides[1:], 1)]
    found = [f"Finding: {finding}" for finding in findings(result.trust)]
    lines = [
        " ".join(verdict.text for verdict in first_line(subject_of(names_of(result)), result.trust)),
        *found[:_FINDINGS],
        *([f"and {len(found) - _FINDINGS:,} more in summary.json"] if len(found) > _FINDINGS else []),
        *filter(None, [liquidation_line(sides)]),
        title(sides),
        *numbered,
        *_ledgers(sides),
        *_figures(result, sides),
        f"Data: {where(result)}, {len(result.time_ms):,} bars",
        *(
            f"Data: {symbol}, {leg.data.bars:,} bars, {leg.data.missing_bars:,} missing, "
            f"{leg.data.synthetic:,} filled in, sha256 {leg.data.sha256[:16]}"
            for symbol, leg in legs_by_symbol(result).items()
        ),
        account_line(result),
        *filter(None, [ambiguous_line(result)]),
        *(f"Warning: {warning}" for warning in result.warnings),
    ]
    return "\n".join(lines)


def _strategy(side: Side) -> str:
    params = " ".join(f"{name}={value}" for name, value in side.params.items())
    return one_line(f"{side.name} {params}, {share_text(side)} of the cash")


def _ledgers(sides: Sequence[Side]) -> list[str]:
    """Return a row for each strategy by its number, under it one for each of several symbols, and the account's."""
    rows, number = [], 0
    for row in ledger_rows(sides):
        number += not row.is_part
        last = number == len(sides)
        rows.append([f"  {row.name}" if row.is_part else row.name if last else str(number), *row.cells])
    return _table(["", *LEDGER], [*rows[:-1], None, rows[-1]])


def _figures(result: PortfolioResult, sides: Sequence[Side]) -> list[str]:
    rows: list[list[str] | None] = [[label, *texts] for label, _, texts in figure_rows(sides, "")]
    heads = ["", sides[0].name, *map(str, range(1, len(sides)))]
    lines = _table(heads, rows)
    if trust := trust_rows(result.trust, result.currency):
        lines += _table(["Trust", ""], [list(row) for row in trust])
    return lines


def _table(heads: list[str], rows: list[list[str] | None]) -> list[str]:
    """Return lines; None draws one."""
    known = [heads, *(row for row in rows if row)]
    widths = [max(len(row[column]) for row in known) for column in range(len(heads))]
    rule = "".join(f"+{'-' * (width + 2)}" for width in widths) + "+"

    def line(row: list[str]) -> str:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        return f"| {' | '.join(cells)} |"

    return [rule, line(heads), rule, *(rule if row is None else line(row) for row in rows), rule]
