"""The one JSON document of a backtest; its keys are a promise, see ``schema``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from real_trade import __version__
from real_trade.model.clock import format_time

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.backtest.result import BacktestResult, DataFacts

SCHEMA: Final = "real_trade.backtest/1"


def summary(result: BacktestResult, report_path: str | Path | None = None) -> dict[str, Any]:
    """Return the document that ``backtest --json`` prints and ``summary.json`` holds.

    Args:
        result: a finished backtest.
        report_path: where its page was written, if it was.

    Returns:
        JSON-ready values only; money in settlement currency, times in ISO 8601 UTC, undefined figures null.
    """
    return {
        "schema": SCHEMA,
        "version": __version__,
        "strategy": result.strategy,
        "params": plain(result.params),
        "runner": result.runner,
        "currency": result.instrument.settle,
        "data": data_document(result.data),
        "hashes": {name: str(result.hashes.get(name, "")) for name in ("data", "code", "config", "orders")},
        "stats": dict(result.stats),
        "settings": plain(result.settings),
        "warnings": list(result.warnings),
        "trust": None if result.trust is None else plain(result.trust),
        "report": None if report_path is None else str(report_path),
    }


def data_document(facts: DataFacts) -> dict[str, Any]:
    """Return what a series of data is."""
    return {
        "venue": facts.venue,
        "market": facts.market,
        "symbol": facts.symbol,
        "interval": facts.interval,
        "from": format_time(facts.from_ms),
        "to": format_time(facts.to_ms),
        "bars": facts.bars,
        "gaps": len(facts.gaps),
        "missing_bars": facts.missing_bars,
        "gap_list": [
            {"from": format_time(start), "to": format_time(stop), "missing": missing}
            for start, stop, missing in facts.gaps
        ],
        "synthetic": facts.synthetic,
        "findings": None if facts.findings is None else [plain(finding) for finding in facts.findings],
    }


def plain(values: Mapping[str, object]) -> dict[str, Any]:
    """Return a mapping in values that JSON knows."""
    return {str(name): _plain_value(value) for name, value in values.items()}


def _plain_value(value: object) -> Any:
    """Return what JSON knows; numbers without a JSON form and other objects (Decimal, enum) become text."""
    if value is None or isinstance(value, str | bool | int):
        return value if type(value) in {str, bool, int, type(None)} else _unwrapped(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain_value(item) for item in value]
    item = getattr(value, "item", None)  # a number of NumPy
    return _plain_value(item()) if callable(item) else str(value)


def _unwrapped(value: object) -> Any:
    return str(value) if isinstance(value, str) else int(value)  # type: ignore[call-overload]
