"""The command line: `real-trade`. One small module per verb, imported only when that verb runs."""
