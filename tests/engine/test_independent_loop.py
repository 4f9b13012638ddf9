"""The moving-average cross against a loop that knows nothing of the project, and against Backtrader."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines

from real_trade.backtest import AccountSettings, BacktestResult, backtest
from real_trade.strategies.sma_cross import SmaCross

if TYPE_CHECKING:
    from real_trade.model import Klines

FEE = Decimal("0.001")


def independent_fills(klines: Klines, fast: int, slow: int, *, short: bool) -> list[tuple[int, int, str, str, str]]:
    """Return (time, side, price, quantity, fee) of each fill, from the rule as it is written down."""
    tick = Decimal("0.01")
    closes = [round(price * 100) for price in klines.close.tolist()]
    opens = [Decimal(round(price * 100)) * tick for price in klines.open.tolist()]
    times = klines.timestamp.tolist()
    size = Decimal("0.01")
    held = Decimal(0)
    wanted: Decimal | None = None
    fast_sum = slow_sum = 0
    before: int | None = None
    fills = []
    for i in range(len(closes)):
        if wanted is not None and wanted != held:
            quantity = abs(wanted - held)
            side = 1 if wanted > held else -1
            fills.append((times[i], side, str(opens[i]), str(quantity), f"{opens[i] * quantity * FEE:.8f}"))
            held = wanted
        wanted = None
        fast_sum += closes[i] - (closes[i - fast] if i >= fast else 0)
        slow_sum += closes[i] - (closes[i - slow] if i >= slow else 0)
        if i < slow - 1:
            continue
        difference = fast_sum * slow - slow_sum * fast
        if before is not None:
            if difference > 0 and before <= 0 and held <= 0:
                wanted = size
            elif difference < 0 and before >= 0:
                if short and held >= 0:
                    wanted = -size
                elif not short and held > 0:
                    wanted = Decimal(0)
        before = difference
    return fills


def fills_of(result: BacktestResult) -> list[tuple[int, int, str, str, str]]:
    instrument = result.instrument
    rows = []
    for row in result.fill_rows:
        price = instrument.price(int(row["price_ticks"]))
        quantity = instrument.quantity(int(row["lots"])).quantize(Decimal("0.01"))
        fee = Decimal(int(row["fee"])).scaleb(-8)
        rows.append((int(row["time_ms"]), int(row["side"]), str(price), str(quantity), f"{fee:.8f}"))
    return rows


def cross(klines: Klines, fast: int, slow: int, market: str, mode: str, **arguments: Any) -> BacktestResult:
    return backtest(
        SmaCross,
        klines,
        instrument_of(market),
        params={"fast": fast, "slow": slow, "mode": mode},
        settings=AccountSettings(Decimal(1_000_000), FEE, FEE),
        **arguments,
    )


@pytest.mark.parametrize(("market", "mode"), [("spot", "long_flat"), ("linear", "long_short")])
def test_fills_equal_on_a_random_market(market: str, mode: str) -> None:
    klines = random_klines(17, 20_000)
    result = cross(klines, 5, 20, market, mode)
    assert fills_of(result) == independent_fills(klines, 5, 20, short=mode == "long_short")
    assert len(result.fill_rows) > 300


@pytest.mark.shared
@pytest.mark.parametrize(("fast", "slow"), [(20, 100), (5, 20), (50, 400)])
@pytest.mark.parametrize(("market", "mode"), [("spot", "long_flat"), ("linear", "long_short")])
def test_fills_equal_on_the_real_file(long_klines: Klines, fast: int, slow: int, market: str, mode: str) -> int:
    """Compare trade by trade; return how many trades there were."""
    result = cross(long_klines, fast, slow, market, mode)
    assert fills_of(result) == independent_fills(long_klines, fast, slow, short=mode == "long_short")
    assert len(result.data.gaps) == 1
    assert result.data.missing_bars == 80


def run_backtrader(klines: Klines, fast: int, slow: int, cash: float, *, short: bool) -> tuple[list[Any], float]:
    import backtrader as bt
    import pandas as pd

    class Cross(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.fast = bt.ind.SMA(period=fast)
            self.slow = bt.ind.SMA(period=slow)
            self.closed: list[tuple[float, float, float]] = []

        def notify_trade(self, trade: Any) -> None:
            if trade.isclosed:
                self.closed.append((bt.num2date(trade.dtopen), bt.num2date(trade.dtclose), trade.pnlcomm))

        def next(self) -> None:
            if len(self) <= slow:
                return
            # Differences below a millionth are rounding noise of the float means: the exact means are equal there.
            now, before = (round(self.fast[k] - self.slow[k], 6) for k in (0, -1))
            if now > 0 and before <= 0 and self.position.size <= 0:
                self.order_target_size(target=0.01)
            elif now < 0 and before >= 0:
                if short and self.position.size >= 0:
                    self.order_target_size(target=-0.01)
                elif not short and self.position.size > 0:
                    self.order_target_size(target=0.0)

    frame = pd.DataFrame(
        {name: getattr(klines, name) for name in ("open", "high", "low", "close", "volume")},
        index=pd.to_datetime(klines.timestamp, unit="ms").as_unit("ns"),
    )
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Cross)
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission=float(FEE))
    strategy = cerebro.run()[0]
    return strategy.closed, cerebro.broker.getvalue()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("market", "mode"), [("spot", "long_flat"), ("linear", "long_short")])
def test_backtrader_agrees(market: str, mode: str) -> None:
    assert compare_with_backtrader(random_klines(23, 5_000), 20, 100, market, mode) > 10


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("market", "mode"), [("spot", "long_flat"), ("linear", "long_short")])
def test_backtrader_agrees_on_real_bars(long_klines: Klines, market: str, mode: str) -> None:
    bars = long_klines.take(slice(600_000, 650_000))
    assert compare_with_backtrader(bars, 20, 100, market, mode) > 10


def compare_with_backtrader(klines: Klines, fast: int, slow: int, market: str, mode: str) -> int:
    """Compare trade by trade; return how many trades there were."""
    result = cross(klines, fast, slow, market, mode)
    closed, value = run_backtrader(klines, fast, slow, 1_000_000.0, short=mode == "long_short")
    assert len(closed) == len(result.trade_rows) > 10
    for row, (opened, ended, net) in zip(result.trade_rows, closed, strict=True):
        assert int(row["entry_ms"]) == round(opened.timestamp() * 1000) - offset_ms(opened)
        assert int(row["exit_ms"]) == round(ended.timestamp() * 1000) - offset_ms(ended)
        assert abs(int(row["net"]) * 1e-8 - net) < 1e-6
    assert abs(int(result.equity_units[-1]) * 1e-8 - value) < 1e-6
    return len(closed)


def offset_ms(moment: Any) -> int:
    """Backtrader's datetimes are naive UTC; undo the local zone that timestamp() assumed."""
    from datetime import UTC

    return round((moment.timestamp() - moment.replace(tzinfo=UTC).timestamp()) * 1000)


def test_exact_mean_is_what_decides() -> None:
    """Equal means are equal, however they were summed: no cross on a tie."""
    close = np.array([1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]) * 100
    klines = random_klines(1, len(close))
    flat = type(klines).of(klines.timestamp, close, close, close, close, close)
    result = cross(flat, 1, 3, "spot", "long_flat")
    assert [int(bar) for bar in result.order_rows["bar"]] == [3]
    assert Fraction(int(result.fill_rows["price_ticks"][0]), 100) == 300
