"""Binance: spot, USD-margined and coin-margined futures over one world."""
