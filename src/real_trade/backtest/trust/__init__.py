"""How far a backtest can be believed: checks of the strategy itself, and figures of how sure a result is."""

from real_trade.backtest.trust.evidence import Finding
from real_trade.backtest.trust.lookahead import LookaheadReport, check_lookahead
from real_trade.backtest.trust.warmup import WarmupReport, check_warmup

__all__ = ["Finding", "LookaheadReport", "WarmupReport", "check_lookahead", "check_warmup"]
