"""The page's words and numbers, ready to be set into the template."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from real_trade.metrics.registry import METRICS
from real_trade.model.clock import format_time
from real_trade.report import figures
from real_trade.report.account import setting_rows, units_of
from real_trade.report.formatting import NOTHING, scalar_text, show
from real_trade.report.marks import ambiguous_line, liquidation_line
from real_trade.report.pictures import lay_out
from real_trade.report.trust_contents import trust_contents

if TYPE_CHECKING:
    from real_trade.backtest.result import BacktestResult
    from real_trade.metrics.registry import Value
    from real_trade.report.parts import Valued

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Width of pictures that stand three abreast.
_NARROW: Final = 340
# Rows of gaps and findings on the page; summary.json has all.
_LISTED: Final = 20
# (label, figure shown large, figures shown small below it, toned by sign)
_CARDS: Final = (
    ("Net profit", "net_profit", "{net_profit_pct}, CAGR {cagr}", True),
    ("Max drawdown", "max_drawdown", "{max_drawdown_abs}", False),
    ("Sharpe ratio", "sharpe", "Sortino {sortino}, Calmar {calmar}", False),
    ("Profit factor", "profit_factor", "expectancy {expectancy} a trade", False),
    ("Trades", "trades", "{trades_per_day} a day, {long_trades} long, {short_trades} short", False),
    ("Win rate", "win_rate", "{wins} won, {losses} lost", False),
    ("Fees", "fees", "{cost_bps} paid, break-even at {break_even_cost_bps}", False),
    ("Exposure", "exposure", "market {market_change}", False),
)
# What stands below the fees where funding was paid or received.
_WITH_FUNDING: Final = "funding {funding}, {cost_bps} paid, break-even at {break_even_cost_bps}"


def page_contents(result: BacktestResult) -> dict[str, Any]:
    """Return the template's variables; texts are not escaped here but there."""
    facts = result.data
    return {
        "facts": facts,
        "currency": result.instrument.settle,
        "units": units_of(result.instrument),
        "liquidations": liquidation_line(result),
        "ambiguous": ambiguous_line(result),
        "funding": bool(len(result.payment_rows)),
        "start": _minute(facts.from_ms),
        "stop": _minute(facts.to_ms),
        "params": [(name, scalar_text(value)) for name, value in result.params.items()],
        "cards": _cards(result),
        "month_names": MONTHS,
        "months": month_rows(result),
        "profits": lay_out(figures.profit_histogram(result), whole=True),
        "holding": lay_out(figures.holding_histogram(result), whole=True),
        "hours": lay_out(figures.profit_by_hour(result)),
        "minutes": lay_out(figures.profit_by_minute(result)),
        "weekdays": lay_out(figures.profit_by_weekday(result), width=_NARROW),
        "drawdowns": figures.drawdown_rows(result),
        "sides": _sides(result),
        "groups": _groups(result),
        **_provenance(result),
        **trust_contents(result),
    }


def _cards(result: BacktestResult) -> list[dict[str, str]]:
    shown = {name: show(METRICS[name], value, result.instrument.settle) for name, value in result.stats.items()}
    with_funding = {"fees": _WITH_FUNDING} if len(result.payment_rows) else {}
    return [
        {
            "label": label,
            "value": shown[name],
            "note": with_funding.get(name, note).format(**shown),
            "tone": tone_of(result.stats[name]) if toned else "",
        }
        for label, name, note, toned in _CARDS
    ]


def month_rows(result: Valued) -> list[dict[str, Any]]:
    """Return the monthly table, each cell with its text and shade."""
    years = figures.monthly_table(result)
    values = [abs(value) for year in years for value in year.months if value is not None]
    reach = max(values, default=0.0) or 1.0

    def cell(value: float | None) -> dict[str, Any] | None:
        if value is None:
            return None
        tone = "gain" if value > 0 else "loss" if value < 0 else ""
        return {"text": f"{value * 100:.2f}", "tone": tone, "heat": round(12 + 58 * abs(value) / reach)}

    return [
        {
            "year": year.year,
            "cells": [cell(value) for value in year.months],
            "total": NOTHING if year.total is None else f"{year.total * 100:.2f}",
            "tone": tone_of(year.total),
        }
        for year in years
    ]


def _sides(result: BacktestResult) -> list[dict[str, str]]:
    stats = result.stats
    rows = []
    for name in ("long", "short"):
        net, won = stats[f"{name}_net"], f"{name}_win_rate"
        rows.append(
            {
                "name": name.capitalize(),
                "trades": show(METRICS[f"{name}_trades"], stats[f"{name}_trades"]),
                "won": show(METRICS[won], stats[won]),
                "net": show(METRICS[f"{name}_net"], net),
                "tone": tone_of(net),
            }
        )
    return rows


def _groups(result: BacktestResult) -> list[tuple[str, list[dict[str, str]]]]:
    units = units_of(result.instrument)
    groups = []
    for group, metrics in groupby(METRICS.values(), key=lambda metric: metric.group):
        rows = [
            {
                "label": metric.label,
                "note": metric.description,
                "value": show(metric, result.stats[metric.name], units.money, units.quantity),
                "tone": "down" if tone_of(result.stats[metric.name]) == "down" else "",
            }
            for metric in metrics
        ]
        groups.append((str(group), rows))
    return groups


def _provenance(result: BacktestResult) -> dict[str, Any]:
    facts, grid, units = result.data, result.instrument, units_of(result.instrument)
    certificate = [
        ("Source", f"{facts.venue} {facts.market} {facts.symbol} {facts.interval}"),
        ("Span", f"{_minute(facts.from_ms)} to {_minute(facts.to_ms)} UTC"),
        ("Bars", f"{facts.bars:,}"),
        ("Gaps", f"{len(facts.gaps):,} with {facts.missing_bars:,} bars missing" if facts.gaps else "none"),
        ("Bars filled in, not traded", f"{facts.synthetic:,}" if facts.synthetic else "none"),
        ("Findings of the data check", "not run" if facts.findings is None else f"{len(facts.findings):,}"),
        ("Price and quantity step", f"{grid.tick_size} {units.price}, {grid.quantity_step} {units.quantity}"),
        *([("Contract", units.contract)] if units.contract else []),
        ("Steps", "guessed from the prices" if grid.inferred else "as the venue says"),
    ]
    return {
        "certificate": certificate,
        "gaps": [(_minute(start), _minute(stop), f"{count:,}") for start, stop, count in facts.gaps[:_LISTED]],
        "more_gaps": max(0, len(facts.gaps) - _LISTED),
        "findings": [[scalar_text(value) for value in row.values()] for row in (facts.findings or ())[:_LISTED]],
        "more_findings": max(0, len(facts.findings or ()) - _LISTED),
        "settings": setting_rows(result),
        "hashes": list(result.hashes.items()),
    }


def tone_of(value: Value) -> str:
    """Return ``up`` or ``down`` by sign, empty for nothing."""
    if not isinstance(value, int | float) or value == 0:
        return ""
    return "up" if value > 0 else "down"


def _minute(time_ms: int) -> str:
    return format_time(time_ms)[:16].replace("T", " ")
