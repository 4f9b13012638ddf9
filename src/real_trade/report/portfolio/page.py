"""The page of a portfolio: one HTML file that holds all it shows and asks no server for anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.metrics.registry import METRICS
from real_trade.metrics.returns import bar_length_ms
from real_trade.report import figures
from real_trade.report.contents import MONTHS, month_rows, tone_of
from real_trade.report.formatting import NOTHING, scalar_text, show
from real_trade.report.page import assemble
from real_trade.report.portfolio import words
from real_trade.report.portfolio.correlation import daily_correlations
from real_trade.report.portfolio.curves import curve, stretch_of
from real_trade.report.portfolio.sides import sides_of
from real_trade.report.portfolio.trust import trust_contents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.report.portfolio.sides import Side

_SCRIPTS: Final = ("scale.js", "drawing.js", "pointer.js", "compare.js")
# Colours of curves, and from which of them on curves are dashed, so that colour alone need not tell them apart.
_COLOURS: Final = 12
_DASHED: Final = 6
# (label, figure shown large, figures shown small below it, toned by sign)
_CARDS: Final = (
    ("Net profit", "net_profit", "{net_profit_pct}, CAGR {cagr}", True),
    ("Max drawdown", "max_drawdown", "{max_drawdown_abs}", False),
    ("Sharpe ratio", "sharpe", "Sortino {sortino}, Calmar {calmar}", False),
    ("Profit factor", "profit_factor", "expectancy {expectancy} a trade", False),
    ("Trades", "trades", "{trades_per_day} a day, {fills} fills", False),
    ("Win rate", "win_rate", "{wins} won, {losses} lost", False),
    ("Fees", "fees", "funding {funding}, {cost_bps} paid, break-even at {break_even_cost_bps}", False),
)


def render_portfolio_page(result: PortfolioResult) -> str:
    """Return the report of a portfolio as a self-contained HTML page."""
    sides = sides_of(result)
    data = {
        "runs": [_run(number, side) for number, side in enumerate(sides)],
        "currency": result.currency,
        "least": 10 * bar_length_ms(result.time_ms),
    }
    return assemble("portfolio.html.j2", _contents(result, sides), scripts=_SCRIPTS, data=data)


def _run(number: int, side: Side) -> dict[str, Any]:
    letter = str(number) if number else side.name
    dashed = number > 0 and (number - 1) % _COLOURS >= _DASHED
    return {"letter": letter, "name": side.name, "strong": not number, "dashed": dashed, **curve(side)}


def _contents(result: PortfolioResult, sides: Sequence[Side]) -> dict[str, Any]:
    """Return the template's variables; texts are not escaped here but there."""
    bars = stretch_of(len(result.time_ms))
    return {
        "title": words.title(sides),
        "where": words.where(result),
        "currency": result.currency,
        "warnings": result.warnings,
        "liquidations": words.liquidation_line(sides),
        "ambiguous": words.ambiguous_line(result),
        "keys": [{"colour": _colour(i), "letter": str(i) if i else "", "name": s.name} for i, s in enumerate(sides)],
        "strategies": [
            {
                "name": side.name,
                "share": words.share_text(side),
                "params": [(name, scalar_text(value)) for name, value in side.params.items()],
            }
            for side in sides[1:]
        ],
        "cards": _cards(sides, result.currency),
        "detail": "Every bar is there."
        if bars == 1
        else f"Of {bars} bars each the lowest, highest and last are drawn.",
        "ledger_heads": words.LEDGER,
        "ledgers": _ledgers(sides),
        "figures": words.figure_rows(sides, result.currency),
        "correlations": [[_shade(value) for value in row] for row in daily_correlations(sides[1:])],
        "month_names": MONTHS,
        "months": month_rows(result),
        "drawdowns": figures.drawdown_rows(result),
        "symbol_heads": words.SYMBOLS,
        "symbols": words.symbol_rows(result),
        "settings": words.setting_rows(result),
        "hashes": list(result.hashes.items()),
        **trust_contents(result, sides[0]),
    }


def _shade(value: float | None) -> dict[str, Any]:
    """Return a cell of the table of correlations; the stronger, the deeper its colour: what moves together adds up."""
    if value is None:
        return {"text": NOTHING, "tone": "", "heat": 0}
    tone = "loss" if value > 0 else "gain"
    return {"text": f"{value:.2f}", "tone": tone, "heat": round(60 * abs(value))}


def _colour(number: int) -> str:
    return f"c{(number - 1) % _COLOURS}" if number else "account"


def _cards(sides: Sequence[Side], currency: str) -> list[dict[str, str]]:
    account, *strategies = sides
    shown = {name: show(METRICS[name], value, currency) for name, value in account.stats.items()}
    cards = [
        {
            "label": label,
            "value": shown[name],
            "note": note.format(**shown),
            "tone": tone_of(account.stats[name]) if toned else "",
        }
        for label, name, note, toned in _CARDS
    ]
    best = max(strategies, key=lambda side: side.net_units)
    ahead = sum(side.net_units > 0 for side in strategies)
    note = f"best: {best.name}"
    return [
        *cards,
        {"label": "Strategies with a profit", "value": f"{ahead} of {len(strategies)}", "note": note, "tone": ""},
    ]


def _ledgers(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """Return the rows of the table of ledgers, each cell with its tone."""
    rows, number = [], 0
    for row in words.ledger_rows(sides):
        number += not row.is_part
        last = number == len(sides)
        tones = dict.fromkeys(words.LEDGER, "") | {"Net": tone_of(row.net)}
        tones["Liquidations"] = "down" if row.liquidations else ""
        rows.append(
            {
                "name": row.name,
                "letter": "" if row.is_part or last else str(number),
                "colour": "" if row.is_part else _colour(0 if last else number),
                "kind": "part" if row.is_part else "sum" if last else "",
                "cells": list(zip(row.cells, tones.values(), strict=True)),
            }
        )
    return rows
