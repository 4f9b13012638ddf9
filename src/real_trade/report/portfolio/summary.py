"""The one JSON document of a portfolio; its keys are a promise, see ``schema``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from real_trade import __version__
from real_trade.metrics.trades import UNITS
from real_trade.model.clock import format_time
from real_trade.report.portfolio.sides import sides_of
from real_trade.report.portfolio.words import legs_by_symbol, span_ms
from real_trade.report.summary import data_document, plain

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.backtest.portfolio_result import LegResult, PortfolioResult, Sums
    from real_trade.report.portfolio.sides import Side

SCHEMA: Final = "real_trade.portfolio/1"


def portfolio_summary(result: PortfolioResult, report_path: str | Path | None = None) -> dict[str, Any]:
    """Return the document that ``backtest --portfolio --json`` prints and ``summary.json`` holds.

    Args:
        result: a finished backtest.
        report_path: where its page was written, if it was.

    Returns:
        JSON-ready values only; ``ledger`` and ``stats`` of the account and of each strategy, money in settlement
        currency. ``data`` describes the timeline, and under ``symbols`` what lies on it.
    """
    account, *strategies = sides_of(result)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "strategy": ", ".join(side.name for side in strategies),
        "runner": result.runner,
        "currency": result.currency,
        "data": _data(result),
        "hashes": {name: str(result.hashes.get(name, "")) for name in ("data", "code", "config", "orders")},
        "ledger": _ledger(account.sums),
        "stats": dict(account.stats),
        "strategies": [
            {"strategy": mandate.strategy, **_strategy(side)}
            for side, mandate in zip(strategies, result.mandates, strict=True)
        ],
        "settings": plain(result.settings),
        "warnings": list(result.warnings),
        "trust": None if result.trust is None else plain(result.trust),
        "report": None if report_path is None else str(report_path),
    }


def _strategy(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "symbols": [leg.symbol for leg in side.legs],
        "share": side.share,
        "params": plain(side.params),
        "ledger": _ledger(side.sums),
        "stats": dict(side.stats),
        "legs": [_leg(leg) for leg in side.legs],
    }


def _leg(leg: LegResult) -> dict[str, Any]:
    sums = leg.sums(0)
    ledger = {name: value for name, value in _ledger(sums).items() if name not in {"initial", "equity"}}
    quantity = leg.ledger.position * leg.instrument.quantity_step
    return {"symbol": leg.symbol, "position": str(quantity), "ledger": ledger, "fills": len(leg.fill_rows)}


def _ledger(sums: Sums) -> dict[str, float]:
    amounts = sums._asdict() | {"net": sums.equity - sums.initial, "equity": sums.equity}
    return {name: units / UNITS for name, units in amounts.items()}


def _data(result: PortfolioResult) -> dict[str, Any]:
    legs = legs_by_symbol(result)
    facts = next(iter(legs.values())).data
    start, stop = span_ms(result)
    return {
        "venue": facts.venue,
        "market": facts.market,
        "symbol": "+".join(legs),
        "interval": facts.interval,
        "from": format_time(start),
        "to": format_time(stop),
        "bars": len(result.time_ms),
        "symbols": [data_document(leg.data) | _fees(leg) for leg in legs.values()],
    }


def _fees(leg: LegResult) -> dict[str, str]:
    rates = {"fee_taker": leg.terms.taker_rate, "fee_maker": leg.terms.maker_rate}
    return {name: f"{Decimal(rate).scaleb(-9).normalize():f}" for name, rate in rates.items()}
