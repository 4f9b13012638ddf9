"""What a strategy author writes against, and the path from a closed bar to an order."""

from real_trade.kernels.jit import compiled
from real_trade.model.bars import Bar, Bars
from real_trade.model.tape import Trade
from real_trade.trading.desk import Desk
from real_trade.trading.params import Choice, Float, Int, Quantity
from real_trade.trading.strategy import Strategy, refuse_on_spot

__all__ = [
    "Bar",
    "Bars",
    "Choice",
    "Desk",
    "Float",
    "Int",
    "Quantity",
    "Strategy",
    "Trade",
    "compiled",
    "refuse_on_spot",
]
