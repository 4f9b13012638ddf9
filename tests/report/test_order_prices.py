"""The one price that an order names."""

from __future__ import annotations

import numpy as np

from real_trade.backtest.result import ORDER_DTYPE
from real_trade.report.tables import named_prices


def test_an_order_without_a_limit_shows_its_trigger() -> None:
    orders = np.zeros(3, ORDER_DTYPE)
    orders["price_ticks"] = [100, 0, 0]
    orders["trigger_ticks"] = [90, 80, 0]
    assert named_prices(orders)["price_ticks"].tolist() == [100, 80, 0]
    assert orders["price_ticks"].tolist() == [100, 0, 0]
