"""Everything that can be asked of Binance, by market, method and name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.algo_orders import AlgoDesk
from real_trade.exchange.binance.countdowns import Countdowns
from real_trade.exchange.binance.expiries import Expiries
from real_trade.exchange.binance.futures_account import FuturesAccount
from real_trade.exchange.binance.futures_orders import FuturesDesk
from real_trade.exchange.binance.order_lists import ListDesk
from real_trade.exchange.binance.spot_account import SpotAccount
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.binance.board import Board
    from real_trade.exchange.binance.calls import Call, Handler
    from real_trade.exchange.binance.directory import Directory
    from real_trade.exchange.binance.history import PastMarket
    from real_trade.exchange.binance.limits import OrderCounts
    from real_trade.exchange.binance.options import Options
    from real_trade.exchange.binance.records import Records
    from real_trade.exchange.binance.settings import Settings
    from real_trade.exchange.binance.statistics import Statistics
    from real_trade.exchange.binance.tickers import Tickers
    from real_trade.exchange.binance.users import Users
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import World
    from real_trade.model import Clock

    Routes = dict[tuple[str, str], tuple[Handler, str]]

# What a request must bring along: nothing, a key, a signature.
OPEN: Final = "open"
KEY: Final = "key"
SIGNED: Final = "signed"


class Desks:
    """What carries requests out.

    Args:
        directory: what is listed.
        world: the exchange.
        history: bars.
        past: market data of history.
        tickers: tickers.
        board: market data of now.
        statistics: what is told of the futures beside prices.
        records: names and history of orders.
        settings: what accounts have chosen.
        users: user streams.
        counts: how many orders were placed.
        clock: the venue's own.
        options: the market of options.
        accounts: of each key, its account in each market.
    """

    def __init__(
        self,
        directory: Directory,
        world: World,
        history: History,
        past: PastMarket,
        tickers: Tickers,
        board: Board,
        statistics: Statistics,
        records: Records,
        settings: Settings,
        users: Users,
        counts: OrderCounts,
        clock: Clock,
        options: Options,
        accounts: Mapping[str, Mapping[Market, int]],
    ) -> None:
        self._accounts = accounts
        self.spot = ListDesk(directory, world, records, history, counts, users)
        self.futures = FuturesDesk(directory, world, records, counts, Expiries(clock))
        public = _public(past, tickers, board)
        wallet = SpotAccount(directory, world, counts, clock)
        mine = FuturesAccount(directory, world, records, settings)
        self.countdowns = Countdowns(self.futures, clock)
        futures = public | _future_prices(past, statistics) | _futures(self.futures, mine, settings, users)
        futures[("POST", "countdownCancelAll")] = self.countdowns.start, SIGNED
        self._routes: dict[Market, Routes] = {
            Market.SPOT: public | _spot(past, board, tickers, self.spot, wallet, users),
            Market.LINEAR: futures | _linear(tickers, board, statistics, mine, settings) | _options(options),
            Market.INVERSE: futures | _inverse(statistics, mine),
        }

    def security(self, call: Call) -> str | None:
        """Return what a request must bring along; None if there is nothing of that name."""
        found = self._routes[call.market].get((call.method, call.name))
        return None if found is None else found[1]

    def routes(self) -> list[tuple[Market, str, str]]:
        """Return market, method and name of everything that may be asked for."""
        return [(market, *route) for market, routes in self._routes.items() for route in routes]

    def owned(self, call: Call, key: str) -> Call:
        """Return a request as one of a key's account."""
        return replace(call, key=key, account=self._accounts[key][call.market])

    def carry_out(self, call: Call) -> Any:
        """Do what a request asks for.

        Raises:
            Refusal: with the venue's code.
        """
        return self._routes[call.market][call.method, call.name][0](call)


def _public(past: PastMarket, tickers: Tickers, board: Board) -> Routes:
    calls: dict[str, Handler] = {
        "ping": lambda _: {},
        "time": past.time,
        "exchangeInfo": past.info,
        "klines": past.klines,
        "ticker/price": tickers.prices,
        "ticker/24hr": tickers.days,
        "ticker/bookTicker": board.book_ticker,
        "depth": board.depth,
        "trades": board.trades,
        "aggTrades": board.joined_trades,
    }
    return {("GET", name): (handler, OPEN) for name, handler in calls.items()} | {
        ("GET", "historicalTrades"): (board.trades, KEY)
    }


def _future_prices(past: PastMarket, statistics: Statistics) -> Routes:
    calls: dict[str, Handler] = {
        "continuousKlines": past.pair_klines,
        "markPriceKlines": past.mark_klines,
        "indexPriceKlines": past.index_klines,
        "premiumIndexKlines": past.premium_klines,
        "fundingRate": past.funding_rates,
        "fundingInfo": past.funding_info,
        "premiumIndex": past.premium_index,
        "openInterest": statistics.open_interest,
        "data/openInterestHist": statistics.open_interest_history,
        "data/globalLongShortAccountRatio": statistics.crowd,
        "data/topLongShortAccountRatio": statistics.top_accounts,
        "data/topLongShortPositionRatio": statistics.top_positions,
        "data/basis": statistics.basis,
    }
    return {("GET", name): (handler, OPEN) for name, handler in calls.items()}


def _spot(
    past: PastMarket, board: Board, tickers: Tickers, desk: ListDesk, wallet: SpotAccount, users: Users
) -> Routes:
    signed: Routes = {
        ("POST", "order"): (desk.place, SIGNED),
        ("GET", "order"): (desk.query, SIGNED),
        ("DELETE", "order"): (desk.take_back, SIGNED),
        ("POST", "order/test"): (desk.test, SIGNED),
        ("POST", "order/cancelReplace"): (desk.replace, SIGNED),
        ("PUT", "order/amend/keepPriority"): (desk.amend, SIGNED),
        ("GET", "order/amendments"): (desk.amendments, SIGNED),
        ("GET", "openOrders"): (desk.open, SIGNED),
        ("DELETE", "openOrders"): (desk.take_back_all, SIGNED),
        ("GET", "allOrders"): (desk.all, SIGNED),
        ("GET", "myTrades"): (desk.trades, SIGNED),
        ("GET", "myPreventedMatches"): (desk.prevented, SIGNED),
        ("POST", "order/oco"): (desk.place_old, SIGNED),
        ("POST", "orderList/oco"): (desk.place_oco, SIGNED),
        ("POST", "orderList/oto"): (desk.place_oto, SIGNED),
        ("POST", "orderList/otoco"): (desk.place_otoco, SIGNED),
        ("GET", "orderList"): (desk.query_list, SIGNED),
        ("DELETE", "orderList"): (desk.take_back_list, SIGNED),
        ("GET", "openOrderList"): (desk.open_lists, SIGNED),
        ("GET", "allOrderList"): (desk.all_lists, SIGNED),
        ("GET", "account"): (wallet.account, SIGNED),
        ("GET", "account/commission"): (wallet.commission, SIGNED),
        ("GET", "myFilters"): (wallet.filters, SIGNED),
        ("GET", "rateLimit/order"): (wallet.order_counts, SIGNED),
        ("GET", "sapi/capital/config/getall"): (wallet.coins, SIGNED),
        ("GET", "sapi/asset/tradeFee"): (wallet.fees, SIGNED),
        ("GET", "sapi/margin/allPairs"): (wallet.nothing, KEY),
        ("GET", "sapi/margin/isolated/allPairs"): (wallet.nothing, SIGNED),
        ("GET", "sapi/capital/deposit/hisrec"): (wallet.nothing, SIGNED),
        ("GET", "sapi/capital/withdraw/history"): (wallet.nothing, SIGNED),
        ("GET", "sapi/asset/transfer"): (wallet.no_rows, SIGNED),
        ("GET", "sapi/margin/interestHistory"): (wallet.no_rows, SIGNED),
        ("GET", "sapi/account/apiRestrictions"): (wallet.restrictions, SIGNED),
    }
    return signed | {
        ("GET", "uiKlines"): (past.klines, OPEN),
        ("GET", "avgPrice"): (board.average, OPEN),
        ("GET", "ticker"): (tickers.windows, OPEN),
        ("GET", "ticker/tradingDay"): (tickers.trading_days, OPEN),
        ("GET", "sapi/system/status"): (wallet.status, OPEN),
        ("POST", "userDataStream"): (users.open, KEY),
        ("PUT", "userDataStream"): (users.prolong, KEY),
        ("DELETE", "userDataStream"): (users.shut, KEY),
    }


def _futures(desk: FuturesDesk, mine: FuturesAccount, settings: Settings, users: Users) -> Routes:
    algo = AlgoDesk(desk)
    calls: dict[tuple[str, str], Handler] = {
        ("POST", "order"): desk.place,
        ("PUT", "order"): desk.modify,
        ("GET", "order"): desk.query,
        ("DELETE", "order"): desk.take_back,
        ("POST", "order/test"): desk.test,
        ("POST", "batchOrders"): desk.place_many,
        ("PUT", "batchOrders"): desk.modify_many,
        ("DELETE", "batchOrders"): desk.take_back_many,
        ("GET", "openOrder"): desk.query,
        ("GET", "openOrders"): desk.open,
        ("DELETE", "allOpenOrders"): desk.take_back_all,
        ("GET", "allOrders"): desk.all,
        ("GET", "userTrades"): desk.trades,
        ("POST", "algoOrder"): algo.place,
        ("GET", "algoOrder"): algo.query,
        ("DELETE", "algoOrder"): algo.take_back,
        ("GET", "openAlgoOrders"): algo.open,
        ("DELETE", "algoOpenOrders"): algo.take_back_all,
        ("GET", "allAlgoOrders"): algo.all,
        ("POST", "leverage"): settings.set_leverage,
        ("POST", "marginType"): settings.set_margin_type,
        ("GET", "positionSide/dual"): settings.position_mode,
        ("POST", "positionSide/dual"): settings.set_position_mode,
        ("POST", "positionMargin"): settings.add_margin,
        ("GET", "positionMargin/history"): settings.margin_history,
        ("GET", "leverageBracket"): mine.brackets,
        ("GET", "commissionRate"): mine.commission,
        ("GET", "income"): mine.income,
        ("GET", "forceOrders"): mine.force_orders,
        ("GET", "adlQuantile"): mine.adl_quantiles,
        ("GET", "orderAmendment"): desk.amendments,
        ("GET", "rateLimit/order"): desk.order_counts,
    }
    keys: dict[tuple[str, str], Handler] = {
        ("POST", "listenKey"): users.open,
        ("PUT", "listenKey"): users.prolong,
        ("DELETE", "listenKey"): users.shut,
    }
    return {name: (handler, SIGNED) for name, handler in calls.items()} | {
        name: (handler, KEY) for name, handler in keys.items()
    }


def _linear(tickers: Tickers, board: Board, statistics: Statistics, mine: FuturesAccount, settings: Settings) -> Routes:
    calls: dict[tuple[str, str], Handler] = {
        ("GET", "v2/balance"): mine.balance,
        ("GET", "v3/balance"): mine.balance,
        ("GET", "v2/account"): mine.account,
        ("GET", "v3/account"): mine.account,
        ("GET", "v2/positionRisk"): mine.positions,
        ("GET", "v3/positionRisk"): mine.positions,
        ("GET", "symbolConfig"): settings.symbol_settings,
        ("GET", "accountConfig"): mine.config,
        ("GET", "apiTradingStatus"): mine.trading_status,
        ("GET", "multiAssetsMargin"): settings.multi_assets,
        ("GET", "feeBurn"): mine.fee_burn,
        ("POST", "multiAssetsMargin"): settings.set_multi_assets,
    }
    signed: Routes = {name: (handler, SIGNED) for name, handler in calls.items()}
    return signed | {
        ("GET", "v2/ticker/price"): (tickers.prices, OPEN),
        ("GET", "rpiDepth"): (board.rpi_depth, OPEN),
        ("GET", "insuranceBalance"): (statistics.insurance, OPEN),
        ("GET", "data/takerlongshortRatio"): (statistics.takers, OPEN),
    }


def _options(options: Options) -> Routes:
    calls: dict[str, Handler] = {
        "ping": options.ping,
        "time": options.time,
        "exchangeInfo": options.info,
        "ticker": options.tickers,
        "mark": options.marks,
        "depth": options.depth,
        "trades": options.trades,
        "klines": options.klines,
        "index": options.index,
    }
    return {("GET", f"eapi/{name}"): (handler, OPEN) for name, handler in calls.items()}


def _inverse(statistics: Statistics, mine: FuturesAccount) -> Routes:
    calls: dict[tuple[str, str], Handler] = {
        ("GET", "balance"): mine.balance,
        ("GET", "account"): mine.account,
        ("GET", "positionRisk"): mine.positions,
        ("GET", "v2/leverageBracket"): mine.brackets,
    }
    signed: Routes = {name: (handler, SIGNED) for name, handler in calls.items()}
    return signed | {("GET", "data/takerBuySellVol"): (statistics.takers, OPEN)}
