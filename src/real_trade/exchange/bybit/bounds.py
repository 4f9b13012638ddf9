"""How much Bybit takes of one account, and in one order."""

from __future__ import annotations

from typing import Final

# Open orders of an account in a contract (on spot in all symbols), and conditional ones in a symbol.
MOST_ORDERS: Final = 500
MOST_CONDITIONAL: Final = 10
MOST_CONDITIONAL_SPOT: Final = 30
# Largest quantity of an order, in steps: of contracts, of contracts at the market, and of spot.
MOST_LOTS: Final = 1_000_000
MOST_MARKET_LOTS: Final = 100_000
MOST_SPOT_LOTS: Final = 10_000_000
