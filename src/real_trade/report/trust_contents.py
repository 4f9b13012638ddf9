"""The words and pictures of the page's trust sections; a section that was not run is None or empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.report import trust
from real_trade.report.fans import lay_out_fans
from real_trade.report.figures import Bar
from real_trade.report.formatting import NOTHING, amount, money_text, number, one_line, scalar_text, share
from real_trade.report.pictures import lay_out
from real_trade.report.waterfall import waterfall

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from real_trade.backtest.result import BacktestResult
    from real_trade.report.pictures import Picture

# Findings on the page; summary.json has all.
_LISTED: Final = 20
_QUANTILES: Final = ("p5", "p25", "p50", "p75", "p95")
_AROUND: Final = {"before_60m": "hour before", "after_60m": "hour after", "other": "all other"}


def trust_contents(result: BacktestResult) -> dict[str, Any]:
    """Return the template's variables of everything that ``result.trust`` holds."""
    found, currency = result.trust or {}, result.instrument.settle
    return {
        **account_contents(result.strategy, found, currency, result.initial_units, result.trade_rows["net"]),
        "waterfall": waterfall(result.stats, currency, found.get("costs")),
        "capacity": _capacity(found.get("capacity")),
        "clock_minutes": _minutes(found.get("clock")),
        "around_funding": _around_funding(found.get("clock")),
    }


def account_contents(
    subject: str, found: Mapping[str, Any], currency: str, initial_units: int, net: NDArray[np.int64]
) -> dict[str, Any]:
    """Return the variables of what is said of an account, whether one strategy or several trade in it.

    Args:
        subject: what the trials are trials of.
        found: what the trust checks found; empty if none was run.
        currency: of the account.
        initial_units: its start balance, money units.
        net: profit of each closed trade, in order of exit.
    """
    listed = trust.findings(found)
    return {
        "verdicts": trust.first_line(subject, found),
        "trust_findings": listed[:_LISTED],
        "more_trust_findings": max(0, len(listed) - _LISTED),
        "trials": _trials(found.get("trials"), subject),
        "scenarios": _scenarios(found.get("range"), currency),
        "monte_carlo": _monte_carlo(found.get("monte_carlo"), initial_units, net),
    }


def _trials(section: Any, subject: str) -> list[tuple[str, str]]:
    if not section:
        return []
    return [
        (f"Backtests of {subject} on this data", _count(section.get("count"))),
        ("First and latest", f"{_minute(section.get('first'))}, {_minute(section.get('last'))}"),
        ("Sharpe ratio of this run", _ratio(section.get("sharpe"))),
        ("Best Sharpe that luck would bring", _ratio(section.get("expected_max_sharpe"))),
        ("Deflated Sharpe ratio", trust.deflated_sharpe_text(number(section.get("deflated_sharpe")))),
    ]


def _scenarios(section: Any, currency: str) -> dict[str, Any] | None:
    if not section:
        return None
    cards = []
    for name in trust.SCENARIOS:
        found = section.get(name) or {}
        net, liquidated = number(found.get("net_profit")), number(found.get("liquidations"))
        notes = [
            f"ends with {amount(found.get('final_equity'))}",
            f"drawdown {share(found.get('max_drawdown'))}",
            f"{_count(found.get('trades'))} trades",
            *([f"{liquidated:,.0f} liquidations"] if liquidated else []),
        ]
        cards.append(
            {
                "label": name.capitalize(),
                "value": NOTHING if net is None else f"{money_text(net)} {currency}",
                "note": ", ".join(notes),
                "tone": _tone(net),
            }
        )
    resting, width = (number(section.get(name)) for name in ("ambiguous_share", "width_share"))
    parts = [f"{share(resting)} of what trades won and lost was decided by the policy"] if resting is not None else []
    parts += [f"the range is {share(width)} of the central profit wide"] if width is not None else []
    return {"cards": cards, "label": trust.range_words(section), "ambiguous": "; ".join(parts)}


def _monte_carlo(section: Any, initial_units: int, net: NDArray[np.int64]) -> dict[str, Any] | None:
    if not section:
        return None
    methods = section.get("methods") or {}
    rows = []
    for name, label in trust.METHODS.items():
        method = methods.get(name)
        if method:
            final, fall = method.get("final_equity") or {}, method.get("max_drawdown") or {}
            rows.append(
                {
                    "method": label,
                    "final": [amount(final.get(quantile)) for quantile in _QUANTILES],
                    "fall": [share(fall.get(quantile)) for quantile in _QUANTILES],
                    "loss": share(method.get("loss_probability")),
                }
            )
    drawn = f"{_count(section.get('runs'))} draws each, seed {scalar_text(section.get('seed'))}"
    return {"fans": lay_out_fans(methods, initial_units, net), "rows": rows, "drawn": drawn, "quantiles": _QUANTILES}


def _capacity(section: Any) -> dict[str, Any] | None:
    if not section:
        return None
    rows = [
        ("Median", share(section.get("median_share"))),
        ("95th percentile", share(section.get("p95_share"))),
        ("Largest", share(section.get("max_share"))),
    ]
    if unknown := number(section.get("bars_without_volume")):
        rows.append(("Bars traded in without known volume", f"{unknown:,.0f}"))
    worst = [(_minute(row.get("time")), share(row.get("share"))) for row in section.get("worst") or ()]
    return {"rows": rows, "worst": worst[:_LISTED]}


def _minutes(section: Any) -> Picture | None:
    nets = [number(value) or 0.0 for value in (section or {}).get("by_minute_of_hour") or ()]
    return lay_out(
        [
            Bar(f"{i:02d}" if i % 5 == 0 else "", net, "up" if net >= 0 else "down", f"minute {i:02d}: {amount(net)}")
            for i, net in enumerate(nets)
        ]
    )


def _around_funding(section: Any) -> list[dict[str, str]]:
    found = (section or {}).get("around_funding") or {}
    rows = []
    for name, label in _AROUND.items():
        part = found.get(name) or {}
        net, trades = number(part.get("net")), number(part.get("trades"))
        rows.append(
            {
                "label": label,
                "trades": _count(trades),
                "net": amount(net),
                "each": amount(net / trades) if net is not None and trades else NOTHING,
                "tone": _tone(net),
            }
        )
    return rows if found else []


def _count(value: object) -> str:
    found = number(value)
    return NOTHING if found is None else f"{found:,.0f}"


def _ratio(value: object) -> str:
    found = number(value)
    return NOTHING if found is None else f"{found:.2f}"


def _tone(value: float | None) -> str:
    return "" if not value else "up" if value > 0 else "down"


def _minute(time: object) -> str:
    return NOTHING if time is None else one_line(time)[:16].replace("T", " ")
