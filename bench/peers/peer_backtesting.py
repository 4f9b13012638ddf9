"""backtesting.py: the same rule."""

from __future__ import annotations

import warnings

import pandas as pd

from common import CASH, FAST, FEE, SLOW, emit, load, timed

warnings.filterwarnings("ignore")
import backtesting  # noqa: E402 - after the filter
from backtesting import Backtest, Strategy  # noqa: E402
from backtesting.lib import crossover  # noqa: E402

backtesting.backtesting._tqdm = lambda iterable, **_: iterable  # no progress bar


def mean(values: object, window: int) -> pd.Series:
    """Return the rolling mean."""
    return pd.Series(values).rolling(window).mean()


class Cross(Strategy):
    """Long above, flat below."""

    def init(self) -> None:
        """Compute both means."""
        self.fast = self.I(mean, self.data.Close, FAST)
        self.slow = self.I(mean, self.data.Close, SLOW)

    def next(self) -> None:
        """Trade the cross."""
        if crossover(self.fast, self.slow):
            self.buy(size=1)
        elif crossover(self.slow, self.fast):
            self.position.close()


def main() -> None:
    """Time one run."""
    data = load(500_000)
    index = pd.DatetimeIndex(data["timestamp"].astype("datetime64[ms]").astype("datetime64[ns]"))
    frame = pd.DataFrame({name.title(): data[name] for name in ("open", "high", "low", "close", "volume")}, index=index)
    test = Backtest(frame, Cross, cash=CASH, commission=FEE, finalize_trades=False)
    seconds, result = timed(test.run, 2)
    emit(
        "backtesting.py " + backtesting.__version__, len(frame), seconds, final_equity=float(result["Equity Final [$]"])
    )


if __name__ == "__main__":
    main()
