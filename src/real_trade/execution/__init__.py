"""What a venue must do for an order, whichever venue it is."""

from real_trade.execution.gateway import Gateway

__all__ = ["Gateway"]
