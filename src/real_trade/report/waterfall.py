"""Where the profit went: the way from gross to net as steps, each cost its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.metrics.registry import METRICS
from real_trade.report.figures import Bar
from real_trade.report.formatting import money_text, number, show
from real_trade.report.pictures import lay_out
from real_trade.report.trust import trust_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.metrics.registry import Value

# Width of pictures that stand three abreast.
_NARROW: Final = 340
_COSTS: Final = ("fees", "slippage", "funding")


def waterfall(
    stats: Mapping[str, Value], currency: str, section: Mapping[str, Any] | None, width: int = _NARROW
) -> dict[str, Any]:
    """Return picture and rows: of the trust section where it was run, else of the figures."""
    if section:
        rows = trust_rows({"costs": section}, currency)
    else:
        costs = {name: number(stats[name]) or 0.0 for name in _COSTS}
        net = number(stats["net_profit"]) or 0.0
        section = {"gross": net + sum(costs.values()), "net": net, **costs}
        rows = [("Profit before all costs", f"{money_text(section['gross'])} {currency}")]
        names = (*_COSTS, "net_profit", "maker_share")
        rows += [(METRICS[name].label, show(METRICS[name], stats[name], currency)) for name in names]
    return {"picture": lay_out(waterfall_bars(section), width=width), "rows": rows}


def waterfall_bars(section: Mapping[str, Any]) -> list[Bar]:
    """Return the way from gross to net; what no named cost explains is a step of its own."""
    gross, net = number(section.get("gross")), number(section.get("net"))
    if gross is None or net is None:
        return []
    bars, level = [_whole("gross", gross)], gross
    for name in _COSTS:
        cost = number(section.get(name)) or 0.0
        bars.append(_step(name, -cost, level))
        level -= cost
    rest = net - level
    if abs(rest) > max(1e-6 * max(abs(gross), abs(net)), 1e-8):
        bars.append(_step("other", rest, level))
    return [*bars, _whole("net", net)]


def _whole(name: str, value: float) -> Bar:
    return Bar(name, value, "up" if value >= 0 else "down", f"{name}: {money_text(value)}")


def _step(name: str, change: float, level: float) -> Bar:
    return Bar(name, change, "gain" if change > 0 else "cost", f"{name}: {money_text(change)}", level)
