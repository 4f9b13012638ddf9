"""Backtrader: the same rule, preloaded and vectorised where it can be."""

from __future__ import annotations

import backtrader as bt
import pandas as pd

from common import CASH, FAST, FEE, SIZE, SLOW, emit, load, timed


class Cross(bt.Strategy):
    """Long above, flat below."""

    def __init__(self) -> None:
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=FAST), bt.ind.SMA(period=SLOW))

    def next(self) -> None:
        """Trade the cross."""
        if self.cross[0] > 0 and self.position.size <= 0:
            self.order_target_size(target=SIZE)
        elif self.cross[0] < 0 and self.position.size > 0:
            self.close()


def main() -> None:
    """Time one run."""
    data = load(50_000)
    index = pd.DatetimeIndex(data["timestamp"].astype("datetime64[ms]").astype("datetime64[ns]"))
    frame = pd.DataFrame({name: data[name] for name in ("open", "high", "low", "close", "volume")}, index=index)

    def run() -> float:
        cerebro = bt.Cerebro(stdstats=False, preload=True, runonce=True)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame))
        cerebro.addstrategy(Cross)
        cerebro.broker.setcash(CASH)
        cerebro.broker.setcommission(commission=FEE)
        cerebro.run()
        return float(cerebro.broker.getvalue())

    seconds, value = timed(run, 2)
    emit("Backtrader " + bt.__version__, len(frame), seconds, final_equity=value)


if __name__ == "__main__":
    main()
