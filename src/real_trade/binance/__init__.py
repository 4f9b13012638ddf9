"""Binance: spot, USD-M futures (linear), COIN-M futures (inverse)."""
