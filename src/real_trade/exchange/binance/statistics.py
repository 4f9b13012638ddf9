"""What Binance publishes about its futures beside prices: what is held, by whom, takers, basis, insurance."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from real_trade.exchange.binance.calls import Call, choice, given, ok, page_size, span_of
from real_trade.exchange.binance.dated import is_dated
from real_trade.exchange.binance.directory import Quotes, pair_of
from real_trade.exchange.binance.spelling import amount, quantity
from real_trade.exchange.crowd import insurance, long_share
from real_trade.exchange.words import plain
from real_trade.model import Instrument, Interval, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from real_trade.exchange.answers import Answer
    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World

    Row = dict[str, Any]

_PERIODS: Final = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
_DAY_MS: Final = 86_400_000
_MONTH_MS: Final = 30 * _DAY_MS
_YEAR_MS: Final = 365 * _DAY_MS
# Open interest, as a multiple of an hour's volume.
_INTEREST: Final = 6
_RATIO: Final = Decimal("0.0001")
_PRICE: Final = Decimal("0.00000001")
# Words for a pair's contracts; the dated future is that of the quarter.
_CONTRACTS: Final = ("PERPETUAL", "CURRENT_QUARTER", "NEXT_QUARTER")


class _Period(NamedTuple):
    """A period that is over.

    Attributes:
        bars, row: its bar.
        over_ms: when it ended.
    """

    bars: BarTable
    row: int
    over_ms: int


class Statistics:
    """The endpoints.

    Args:
        quotes: what has prices.
        history: bars.
        world: the market as it goes on.
    """

    def __init__(self, quotes: Quotes, history: History, world: World) -> None:
        self._quotes, self._history, self._world = quotes, history, world

    # What is held

    def open_interest(self, call: Call) -> Row:
        """Return what is held of a contract: invented in proportion to its volume."""
        listing = self._quotes.listing(call)
        row: Row = {
            "symbol": listing.instrument.symbol,
            "openInterest": quantity(listing.contract, self._interest(listing, self._world.now_ms)),
            "time": self._world.now_ms,
        }
        if call.market is Market.INVERSE:
            row |= {"pair": pair_of(listing.instrument), "contractType": "PERPETUAL"}
        return row

    def open_interest_history(self, call: Call) -> list[Row]:
        """Return what was held of a contract, oldest first."""
        inverse, instrument = call.market is Market.INVERSE, self._asked_for(call)
        listing = self._quotes.going(instrument)
        assert listing is not None
        contract = listing.contract
        rows: list[Row] = []
        for at in _stamps(call, self._world.now_ms):
            lots = self._interest(listing, at)
            value = contract.value(lots, self._world.exchange.mark(contract))
            row = self._head(call, instrument) | ({"contractType": "PERPETUAL"} if inverse else {})
            row |= {"sumOpenInterest": quantity(contract, lots), "sumOpenInterestValue": amount(value)}
            rows.append(row | ({} if inverse else {"CMCCirculatingSupply": "0"}) | {"timestamp": at})
        return rows

    def _interest(self, listing: Listing, at_ms: int) -> int:
        """Return the lots that are held: a multiple of an hour's volume."""
        instrument = self._quotes.parent(listing.instrument)
        hour = self._history.last_day(instrument, SeriesKind.KLINE, at_ms, 3_600_000)
        return int((hour.volume if hour else Decimal(0)) * _INTEREST / listing.contract.step)

    # By whom

    def crowd(self, call: Call) -> list[Row]:
        """Return which part of all accounts was long, oldest first."""
        return self._ratios(call, ("longAccount", "shortAccount"), is_top=False)

    def top_accounts(self, call: Call) -> list[Row]:
        """Return which part of the largest accounts was long, oldest first."""
        return self._ratios(call, ("longAccount", "shortAccount"), is_top=True)

    def top_positions(self, call: Call) -> list[Row]:
        """Return which part of the largest accounts' positions was long, oldest first: each has one as large."""
        coin_margined = call.market is Market.INVERSE
        names = ("longPosition", "shortPosition") if coin_margined else ("longAccount", "shortAccount")
        return self._ratios(call, names, is_top=True)

    def _ratios(self, call: Call, names: tuple[str, str], *, is_top: bool) -> list[Row]:
        instrument = self._asked_for(call)
        rows = []
        for period in self._periods(call, instrument, SeriesKind.KLINE):
            long = Decimal(str(long_share(period.bars, period.row)))
            # The largest have what the crowd has sold.
            long = 1 - long if is_top else long
            shares = {"longShortRatio": long / (1 - long), names[0]: long, names[1]: 1 - long}
            spelled = {name: f"{share:.4f}" for name, share in shares.items()}
            rows.append(self._head(call, instrument) | spelled | {"timestamp": period.over_ms})
        return rows

    # Takers

    def takers(self, call: Call) -> list[Row]:
        """Return what takers bought and sold, as the bars have it, oldest first."""
        coin_margined, instrument = call.market is Market.INVERSE, self._asked_for(call)
        if coin_margined and choice(call, "contractType", ("ALL", *_CONTRACTS)) not in {"ALL", "PERPETUAL"}:
            # Nothing of that kind is listed.
            return []
        rows: list[Row] = []
        for bars, row, at in self._periods(call, instrument, SeriesKind.KLINE):
            bought, sold = _halves(int(bars.volume[row]), bars.grid.volume)
            if not coin_margined:
                ratio = bought / sold if sold else Decimal(0)
                volumes = {"buyVol": plain(bought, bars.grid.volume), "sellVol": plain(sold, bars.grid.volume)}
                rows.append({"buySellRatio": f"{ratio:.4f}"} | volumes | {"timestamp": at})
                continue
            paid, received = _halves(int(bars.turnover[row]), bars.grid.turnover)
            volumes = {"takerBuyVol": plain(bought), "takerSellVol": plain(sold)}
            volumes |= {"takerBuyVolValue": plain(paid, 4), "takerSellVolValue": plain(received, 4)}
            head = self._head(call, instrument) | {"contractType": call.params["contractType"]}
            rows.append(head | volumes | {"timestamp": at})
        return rows

    # Basis

    def basis(self, call: Call) -> list[Row]:
        """Return how far a pair's contract was above the index, oldest first."""
        kind = choice(call, "contractType", _CONTRACTS)
        instrument = self._quotes.one(call, "pair")
        delivery = self._delivery(call, pair_of(instrument)) if kind == "CURRENT_QUARTER" else None
        if kind != "PERPETUAL" and delivery is None:
            # Nothing of that kind is listed.
            return []
        index = {
            period.over_ms: int(period.bars.close[period.row]) * Decimal(1).scaleb(-period.bars.grid.price)
            for period in self._periods(call, instrument, SeriesKind.INDEX)
        }
        rows: list[Row] = []
        for bars, row, at in self._periods(call, instrument, SeriesKind.KLINE):
            if at not in index:
                continue
            price = int(bars.close[row]) * Decimal(1).scaleb(-bars.grid.price)
            rate = (price - index[at]) / index[at]
            yearly = None if delivery is None or delivery <= at else rate * _YEAR_MS / (delivery - at)
            rows.append(
                {
                    "indexPrice": plain(index[at], 8),
                    "contractType": kind,
                    "basisRate": f"{rate:.4f}",
                    "futuresPrice": plain(price),
                    "annualizedBasisRate": "" if yearly is None else f"{yearly:.4f}",
                    "basis": plain(price - index[at], 8),
                    "pair": pair_of(instrument),
                    "timestamp": at,
                }
            )
        return rows

    def _delivery(self, call: Call, pair: str) -> int | None:
        """Return when a pair's dated future is delivered, None where there is none."""
        for each in self._quotes.of(call.market):
            if is_dated(each) and pair_of(each) == pair:
                return int(self._quotes.dated_facts(each.symbol)["deliveryDate"])
        return None

    # Insurance

    def insurance(self, call: Call) -> Answer:
        """Return what insures the futures of each coin, of one symbol or of all."""
        wanted = self._quotes.one(call).settle if given(call, "symbol") else None
        updated = self._world.now_ms // _DAY_MS * _DAY_MS
        funds = insurance(self._world)
        rows: list[Row] = []
        for coin in dict.fromkeys(i.settle for i in self._quotes.of(call.market)):
            symbols = sorted(i.symbol for i in self._quotes.of(call.market) if i.settle == coin)
            fund = {"asset": coin, "marginBalance": plain(funds[coin]), "updateTime": updated}
            if wanted in {None, coin}:
                rows.append({"symbols": symbols, "assets": [fund]})
        return ok(rows if wanted is None else rows[0], len(rows))

    # What all of them have

    def _asked_for(self, call: Call) -> Instrument:
        """Return the instrument of a symbol, or of a pair where futures are coin-margined."""
        return self._quotes.one(call, "pair" if call.market is Market.INVERSE else "symbol")

    @staticmethod
    def _head(call: Call, instrument: Instrument) -> Row:
        return {"pair": pair_of(instrument)} if call.market is Market.INVERSE else {"symbol": instrument.symbol}

    def _periods(self, call: Call, instrument: Instrument, kind: SeriesKind) -> Iterator[_Period]:
        """Find the periods that are asked for and over, oldest first; there is none where nothing happened."""
        instrument, interval = self._quotes.parent(instrument), Interval.parse(choice(call, "period", _PERIODS))
        stamps = _stamps(call, self._world.now_ms)
        if not self._history.serves(instrument, kind, interval):
            return
        bars = self._history.table(instrument, kind, interval)
        for over in stamps:
            row = int(bars.time.searchsorted(over - interval.length_ms))
            if row < len(bars) and int(bars.time[row]) == over - interval.length_ms:
                yield _Period(bars, row, over)


def _stamps(call: Call, now_ms: int) -> list[int]:
    """Return the ends of the periods that are asked for, oldest first: the newest of the last thirty days."""
    span = Interval.parse(choice(call, "period", _PERIODS)).length_ms
    start, end = span_of(call)
    last = min(end, now_ms) // span * span
    stamps = range(last, max(start, last - _MONTH_MS) - 1, -span)[: page_size(call, 30, 500)]
    return list(reversed(stamps))


def _halves(whole: int, decimals: int) -> tuple[Decimal, Decimal]:
    """Return what of a volume takers bought, which is half of it rounded down, and what they sold."""
    unit = Decimal(1).scaleb(-decimals)
    return whole // 2 * unit, (whole - whole // 2) * unit
