"""Single checks over bars; `real_trade.data.verify` puts them together."""
