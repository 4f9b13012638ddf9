"""vectorbt: the same rule, vectorised; its portfolio alone is timed, without statistics, which is its best."""

from __future__ import annotations

import warnings

import pandas as pd

from common import CASH, FAST, FEE, SIZE, SLOW, emit, load, timed

warnings.filterwarnings("ignore")
import vectorbt as vbt  # noqa: E402 - after the filter, or its import warns


def main() -> None:
    """Decide on the close, fill at the next open."""
    data = load()
    index = pd.DatetimeIndex(data["timestamp"].astype("datetime64[ms]").astype("datetime64[ns]"))
    close, open_ = pd.Series(data["close"], index=index), pd.Series(data["open"], index=index)

    def run() -> object:
        fast, slow = vbt.MA.run(close, FAST), vbt.MA.run(close, SLOW)
        up = fast.ma_crossed_above(slow).vbt.signals.fshift(1)
        down = fast.ma_crossed_below(slow).vbt.signals.fshift(1)
        return vbt.Portfolio.from_signals(
            close,
            entries=up,
            exits=down,
            direction="longonly",
            price=open_,
            size=SIZE,
            fees=FEE,
            init_cash=CASH,
            freq="1min",
        )

    seconds, portfolio = timed(run, 7)
    emit("vectorbt " + vbt.__version__, len(close), seconds, final_equity=float(portfolio.final_value()))


if __name__ == "__main__":
    main()
