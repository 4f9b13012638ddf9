"""What a backtest leaves behind: exact arrays, and the frames, figures and pages made from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from real_trade.model.instrument import MONEY_UNIT, Market
from real_trade.utils.registry import RESULT_REPORT, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from real_trade.kernels.accounting import Ledger
    from real_trade.model.instrument import Instrument

# One row per order, in order of submission. Status, type and reason are the numbers of the enums in model.order.
ORDER_DTYPE = np.dtype(
    [
        ("order_id", "i8"),
        ("bar", "i8"),  # index of the bar on whose close it was decided
        ("time_ms", "i8"),  # opening time of that bar
        ("side", "i8"),  # +1 buy, -1 sell
        ("type", "i8"),
        ("lots", "i8"),
        ("price_ticks", "i8"),  # limit price; 0 where there is none
        ("status", "i8"),
        ("reason", "i8"),
        ("filled_lots", "i8"),
        ("final_bar", "i8"),  # index of the bar of its last event
        ("trigger_ticks", "i8"),  # trigger, or distance of a trailing stop; 0 where there is none
        ("flags", "i8"),  # sum of the numbers of model.order.Flag
        ("expire_ms", "i8"),  # 0 never
        ("entry_id", "i8"),  # the order that this one is an exit of; 0 for none
    ]
)
# One row per fill, in order of execution.
FILL_DTYPE = np.dtype(
    [
        ("order_id", "i8"),
        ("bar", "i8"),
        ("time_ms", "i8"),  # opening time of the bar it happened in
        ("side", "i8"),
        ("price_ticks", "i8"),
        ("lots", "i8"),
        ("fee", "i8"),  # money units
        ("maker", "i8"),
        ("ambiguous", "i8"),  # 1 where the bar could have hit another exit too, and the policy decided
        ("slippage", "i8"),  # money units lost against the price before slippage
    ]
)
# One row per payment of funding, in order of time.
PAYMENT_DTYPE = np.dtype(
    [
        ("bar", "i8"),  # index of the first bar that opens at or after the settlement
        ("time_ms", "i8"),  # opening time of that bar
        ("lots", "i8"),  # signed position
        ("price_ticks", "i8"),  # mark price where one is stored, else the bar's open
        ("rate", "i8"),  # 1e-9 of the position's value; positive: longs pay
        ("amount", "i8"),  # money units paid; negative: received
    ]
)
# One row per closed round trip (flat to flat; a reversal closes one and opens the next), in order of exit.
TRADE_DTYPE = np.dtype(
    [
        ("entry_bar", "i8"),
        ("exit_bar", "i8"),
        ("entry_ms", "i8"),
        ("exit_ms", "i8"),
        ("side", "i8"),
        ("lots", "i8"),  # sum of the entering lots
        ("entry_price", "f8"),  # mean, in quote
        ("exit_price", "f8"),
        ("gross", "i8"),  # money units, before fees and funding
        ("fees", "i8"),
        ("funding", "i8"),  # paid while it was open; negative: received
        ("net", "i8"),
    ]
)


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The data that a result rests on.

    Attributes:
        venue, market, symbol, interval: the series.
        from_ms, to_ms: span asked for or found, ``[from, to)``.
        bars: number of bars used.
        gaps: missing spans as (first missing opening time, opening time of the next bar, missing bars).
        synthetic: number of bars filled in rather than traded.
        sha256: dataset hash over the canonical columns.
        findings: warnings and errors of the data check, as JSON-ready rows; None if it was not run.
    """

    venue: str
    market: str
    symbol: str
    interval: str
    from_ms: int
    to_ms: int
    bars: int
    gaps: tuple[tuple[int, int, int], ...]
    synthetic: int
    sha256: str
    findings: tuple[Mapping[str, object], ...] | None = None

    @property
    def missing_bars(self) -> int:
        """Return the number of bars missing inside the span."""
        return sum(count for _, _, count in self.gaps)


@dataclass(frozen=True)
class BacktestResult:
    """One finished backtest.

    Attributes:
        strategy: its name.
        params: its parameters, as given or defaulted.
        instrument: what was traded.
        data: what it was traded on.
        settings: cash, fees and other account settings, as text or numbers.
        hashes: ``data, code, config, orders``: sha256 each.
        runner: ``compiled``, ``python`` or ``reference``.
        time_ms: int64, opening time per bar.
        open, high, low, close: int64, ticks per bar.
        equity_units: int64, equity at each bar's close in money units.
        order_rows, fill_rows, payment_rows, trade_rows: structured arrays, see the dtypes above.
        ledger: the account at the end: cash, position, cost, and what was realised and paid, money units.
        warnings: sentences for the reader, such as gaps in the data.
        trust: what the trust checks found, JSON-ready, a key for each that was run; None if none was.
    """

    strategy: str
    params: Mapping[str, object]
    instrument: Instrument
    data: DataFacts
    settings: Mapping[str, object]
    hashes: Mapping[str, str]
    runner: str
    time_ms: NDArray[np.int64]
    open: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    close: NDArray[np.int64]
    equity_units: NDArray[np.int64]
    order_rows: NDArray[Any]
    fill_rows: NDArray[Any]
    payment_rows: NDArray[Any]
    trade_rows: NDArray[Any]
    ledger: Ledger
    warnings: tuple[str, ...] = ()
    trust: Mapping[str, Any] | None = None

    @property
    def initial_units(self) -> int:
        """Return the starting cash in money units."""
        return int(cast("int", self.settings["cash_units"]))

    @cached_property
    def stats(self) -> dict[str, float | int | str | None]:
        """Return every registered figure by name; see `real_trade.metrics.METRICS`."""
        from real_trade.metrics import compute_stats

        return compute_stats(
            time_ms=self.time_ms,
            equity=np.multiply(self.equity_units, float(MONEY_UNIT), dtype=np.float64),
            close=np.multiply(self.close, float(self.instrument.tick_size), dtype=np.float64),
            initial=self.initial_units * float(MONEY_UNIT),
            orders=self.order_rows,
            fills=self.fill_rows,
            payments=self.payment_rows,
            trades=self.trade_rows,
            ledger=self.ledger,
            tick_size=float(self.instrument.tick_size),
            quantity_step=float(self.instrument.quantity_step),
            contract_value=float(self.instrument.contract_value),
            inverse=self.instrument.market == Market.INVERSE,
        )

    @cached_property
    def equity(self) -> pd.Series:
        """Return the equity per bar as a pandas series over UTC time."""
        import pandas as pd

        index = pd.to_datetime(self.time_ms, unit="ms", utc=True)
        return pd.Series(self.equity_units * float(MONEY_UNIT), index=index, name="equity")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Return the closed round trips, one row each, money in the settlement currency."""
        import pandas as pd

        rows = self.trade_rows
        unit = float(MONEY_UNIT)
        return pd.DataFrame(
            {
                "entry_time": pd.to_datetime(rows["entry_ms"], unit="ms", utc=True),
                "exit_time": pd.to_datetime(rows["exit_ms"], unit="ms", utc=True),
                "side": np.where(rows["side"] > 0, "long", "short"),
                "quantity": rows["lots"] * float(self.instrument.quantity_step),
                "entry_price": rows["entry_price"],
                "exit_price": rows["exit_price"],
                "gross": rows["gross"] * unit,
                "fees": rows["fees"] * unit,
                "funding": rows["funding"] * unit,
                "net": rows["net"] * unit,
                "minutes": (rows["exit_ms"] - rows["entry_ms"]) / 60_000,
            }
        )

    def plot(self) -> object:
        """Return the report page as an object that a notebook shows."""
        render = cast("Any", resolve(RESULT_REPORT, "page"))
        return NotebookPage(render(self))

    def __repr__(self) -> str:
        """Return one line: strategy, span and net profit."""
        net = (int(self.equity_units[-1]) - self.initial_units) * float(MONEY_UNIT) if len(self.equity_units) else 0.0
        return f"<BacktestResult {self.strategy} {self.data.symbol} bars={self.data.bars} net={net:.2f}>"


@dataclass(frozen=True)
class NotebookPage:
    """A self-contained HTML page that a notebook shows in a frame."""

    html: str

    def _repr_html_(self) -> str:
        from html import escape

        return f'<iframe style="width:100%;height:900px;border:0" srcdoc="{escape(self.html, quote=True)}"></iframe>'
