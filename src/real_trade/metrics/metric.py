"""What a metric is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.metrics.sample import Sample

Unit = Literal[
    "money", "fraction", "percent", "ratio", "count", "quantity", "minutes", "days", "per_day", "bps", "time"
]
Group = Literal["Result", "Risk", "Drawdown", "Days", "Trades", "Holding", "Long and short", "Activity"]
Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a backtest.

    Attributes:
        name: its key in ``stats`` and in JSON.
        group: the heading it is shown under.
        label: what people call it.
        unit: ``money`` (settlement currency), ``fraction`` (0.1 is ten per cent), ``percent``, ``ratio``, ``count``,
            ``quantity`` (units of the instrument), ``minutes``, ``days``, ``per_day``, ``bps`` (1e-4 of traded value)
            or ``time`` (ISO 8601, UTC).
        description: one line, how it is computed.
        function: from the sample to the value; None where it is undefined, never NaN or infinite.
        higher_is_better: None where neither is.
    """

    name: str
    group: Group
    label: str
    unit: Unit
    description: str
    function: Callable[[Sample], Value]
    higher_is_better: bool | None = None
