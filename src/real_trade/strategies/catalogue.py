"""Ready strategies by name."""

from __future__ import annotations

from typing import Final

READY: Final[dict[str, str]] = {
    "bollinger_reversion": "real_trade.strategies.bollinger_reversion:BollingerReversion",
    "breakout": "real_trade.strategies.breakout:Breakout",
    "market_maker": "real_trade.strategies.market_maker:MarketMaker",
    "mean_reversion": "real_trade.strategies.mean_reversion:MeanReversion",
    "momentum_atr": "real_trade.strategies.momentum_atr:MomentumAtr",
    "pair_reversion": "real_trade.strategies.pair_reversion:PairReversion",
    "rsi_reversion": "real_trade.strategies.rsi_reversion:RsiReversion",
    "sma_cross": "real_trade.strategies.sma_cross:SmaCross",
    "volatility_trend": "real_trade.strategies.volatility_trend:VolatilityTrend",
    "vwap_reversion": "real_trade.strategies.vwap_reversion:VwapReversion",
}
