"""Ready strategies by name."""

from __future__ import annotations

from typing import Final

READY: Final[dict[str, str]] = {
    "breakout": "real_trade.strategies.breakout:Breakout",
    "mean_reversion": "real_trade.strategies.mean_reversion:MeanReversion",
    "sma_cross": "real_trade.strategies.sma_cross:SmaCross",
}
