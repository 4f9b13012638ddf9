"""What the exchange sends has the keys and JSON types of the venue's samples."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from binance_clients import SYMBOLS, Rig, Wire

from real_trade.exchange.core.orders import Price
from real_trade.model import Market

if TYPE_CHECKING:
    from pathlib import Path

SPOT, LINEAR, INVERSE = Market.SPOT, Market.LINEAR, Market.INVERSE
USDM, COINM = "connector_expected/usds_futures", "connector_expected/coin_futures"
CONNECTOR, DOCS, NAUTILUS = "connector_expected/spot", "spot_docs_examples", "nautilus"

# Keys of samples that are not sent, and why.
ICEBERG = {"icebergQty": "no iceberg orders"}
OPTIONAL = {
    **ICEBERG,
    "strategyId": "only of orders that were given one",
    "strategyType": "as above",
    "preventedMatchId": "only of orders that met another of the same account",
    "preventedQuantity": "as above",
    "usedSor": "no smart order routing",
    "workingFloor": "as above",
    "pegPriceType": "no pegged orders",
    "pegOffsetType": "as above",
    "pegOffsetValue": "as above",
    "peggedPrice": "as above",
    "expiryReason": "only of orders that expired",
    "stopPrice": "only of conditional orders",
    "trailingDelta": "only of trailing orders",
    "trailingTime": "as above",
    "workingTime": "only of orders in the book",
}
TRAILING = {"activatePrice": "only of trailing orders", "priceRate": "as above"}
# Keys that are sent beside the samples', and why.
TOTALS = {"cumQuote": "older samples have it", "cumBase": "as above", "avgPrice": "as above", "cumQty": "as above"}
PAIRS = {"pair": "the venue adds it", "ps": "as above", "st": "newer samples have it"}
REDUCED = {  # the connectors' samples leave out every price and quantity
    **dict.fromkeys(
        ("price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty"), "the sample is cut short"
    ),
    **dict.fromkeys(("qty", "quoteQty", "commission", "free", "locked"), "as above"),
    **dict.fromkeys(("maker", "taker", "buyer", "seller", "commissionRates"), "as above"),
}
POLICIES = dict.fromkeys(("priceMatch", "selfTradePreventionMode", "goodTillDate"), "newer samples have it")
# The futures' samples of exchangeInfo put all filters into one.
FILTERS = dict.fromkeys(
    (
        *("minPrice", "maxPrice", "tickSize", "minQty", "maxQty", "stepSize", "limit", "notional"),
        *("multiplierUp", "multiplierDown", "multiplierDecimal"),
    ),
    "each filter has its own keys",
)
NULL = {"icebergQuantity": "null at the venue; the sample spells Python's None"}


@dataclass
class Kind:
    """One kind of message: where it is sampled, and by how much it may differ.

    A list of samples stands for what may differ from one to the other; ``name:key.key`` is a part of a sample.
    """

    samples: list[str]
    missing: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)


KINDS = {
    # Spot, REST
    "spot ping": Kind([f"{NAUTILUS}/spot/http_json/ping_response.json"]),
    "spot time": Kind([f"{NAUTILUS}/spot/http_json/server_time_response.json"]),
    "spot depth": Kind([f"{NAUTILUS}/spot/http_json/depth_response.json"]),
    "spot trades": Kind([f"{NAUTILUS}/spot/http_json/trades_response.json"]),
    "spot aggTrades": Kind([f"{DOCS}/rest-api/compressed-aggregate-trades-list.1.json"]),
    "spot avgPrice": Kind([f"{NAUTILUS}/spot/http_json/avg_price_response.json"]),
    "spot ticker/24hr": Kind([f"{NAUTILUS}/spot/http_json/ticker_24hr_response.json"]),
    "spot ticker/24hr mini": Kind([f"{DOCS}/rest-api/24hr-ticker-price-change-statistics.3.json"]),
    "spot ticker/price": Kind([f"{DOCS}/rest-api/symbol-price-ticker.2.json"]),
    "spot ticker/bookTicker": Kind([f"{DOCS}/rest-api/symbol-order-book-ticker.2.json"]),
    "spot exchangeInfo": Kind(
        [f"{DOCS}/rest-api/exchange-information.1.json"],
        {"sors": "no smart order routing"},
        dict.fromkeys(("rateLimitType", "interval", "intervalNum", "limit"), "the sample leaves the limits empty"),
    ),
    "spot ack": Kind([f"{DOCS}/rest-api/new-order-trade.1.json"]),
    "spot result": Kind([f"{DOCS}/rest-api/new-order-trade.2.json"]),
    "spot full": Kind([f"{CONNECTOR}/rest_api/new_order.json"], {}, REDUCED),
    "spot order": Kind([f"{NAUTILUS}/spot/http_json/all_orders_response.json:0"]),
    "spot cancel": Kind([f"{NAUTILUS}/spot/http_json/cancel_order_response.json"]),
    "spot cancel all": Kind([f"{CONNECTOR}/rest_api/delete_open_orders.json"]),
    "spot cancelReplace": Kind([f"{CONNECTOR}/rest_api/order_cancel_replace.json"], OPTIONAL),
    "spot amend": Kind(
        [f"{CONNECTOR}/rest_api/order_amend_keep_priority.json"], {**OPTIONAL, "listStatus": "no lists"}
    ),
    "spot myTrades": Kind([f"{NAUTILUS}/spot/http_json/account_trades_response.json"]),
    "spot account": Kind([f"{NAUTILUS}/spot/http_json/account_response.json"]),
    "spot amendments": Kind([f"{DOCS}/rest-api/query-order-amendments-user-data.1.json"]),
    "spot commission": Kind([f"{DOCS}/rest-api/query-commission-rates-user-data.1.json"]),
    "spot rateLimit": Kind([f"{DOCS}/rest-api/query-unfilled-order-count-user-data.1.json"]),
    "spot error": Kind([f"{DOCS}/errors/top.1.json"]),
    "spot oco": Kind([f"{DOCS}/rest-api/new-order-list-oco-trade.1.json"], ICEBERG),
    "spot oto": Kind([f"{DOCS}/rest-api/new-order-list-oto-trade.1.json"]),
    "spot otoco": Kind([f"{DOCS}/rest-api/new-order-list-otoco-trade.1.json"]),
    "spot list": Kind([f"{DOCS}/rest-api/query-order-list-user-data.1.json"]),
    "spot lists": Kind([f"{DOCS}/rest-api/query-all-order-lists-user-data.1.json"]),
    "spot cancel list": Kind([f"{DOCS}/rest-api/cancel-order-list-trade.1.json"]),
    "spot list report": Kind([f"{NAUTILUS}/spot/user_data_json/list_status_wrapped.json"]),
    "spot prevented": Kind([f"{DOCS}/rest-api/query-prevented-matches-user-data.1.json"]),
    "spot window": Kind([f"{DOCS}/rest-api/rolling-window-price-change-statistics.1.json"]),
    "spot trading day": Kind([f"{DOCS}/rest-api/trading-day-ticker.1.json"]),
    "spot window stream": Kind(
        [f"{DOCS}/web-socket-streams/individual-symbol-rolling-window-statistics-streams.1.json"]
    ),
    "usdm continuous kline": Kind([f"{USDM}/websocket_streams/continuous_contract_kline_candlestick_streams.json"]),
    "coinm continuous kline": Kind([f"{COINM}/websocket_streams/continuous_contract_kline_candlestick_streams.json"]),
    "coinm index kline": Kind([f"{COINM}/websocket_streams/index_kline_candlestick_streams.json"]),
    "coinm mark kline": Kind([f"{COINM}/websocket_streams/mark_price_kline_candlestick_streams.json"]),
    "coinm index price": Kind([f"{COINM}/websocket_streams/index_price_stream.json"]),
    "coinm mark prices": Kind([f"{COINM}/websocket_streams/mark_price_of_all_symbols_of_a_pair.json"], {}, PAIRS),
    # USD-margined, REST
    "usdm exchangeInfo": Kind(
        [f"{USDM}/rest_api/exchange_information.json"],
        FILTERS,
        {"futuresType": "the venue's answer has it"},
    ),
    "usdm depth": Kind([f"{USDM}/rest_api/order_book.json"]),
    "usdm ticker/price": Kind([f"{USDM}/rest_api/symbol_price_ticker.json"]),
    "usdm ticker/24hr": Kind([f"{USDM}/rest_api/ticker24hr_price_change_statistics.json"]),
    "usdm ticker/bookTicker": Kind(
        [f"{USDM}/rest_api/symbol_order_book_ticker.json"], {}, {"lastUpdateId": "the socket's sample has it"}
    ),
    "usdm premiumIndex": Kind([f"{USDM}/rest_api/mark_price.json"]),
    "usdm openInterest": Kind([f"{USDM}/rest_api/open_interest.json"]),
    "usdm openInterestHist": Kind([f"{USDM}/rest_api/open_interest_statistics.json"]),
    "usdm crowd": Kind([f"{USDM}/rest_api/long_short_ratio.json"]),
    "usdm top accounts": Kind([f"{USDM}/rest_api/top_trader_long_short_ratio_accounts.json"]),
    "usdm top positions": Kind([f"{USDM}/rest_api/top_trader_long_short_ratio_positions.json"]),
    "usdm takers": Kind([f"{USDM}/rest_api/taker_buy_sell_volume.json"]),
    "usdm basis": Kind([f"{USDM}/rest_api/basis.json"]),
    "usdm feeBurn": Kind([f"{USDM}/rest_api/get_bnb_burn_status.json"]),
    "usdm fundingRate": Kind([f"{USDM}/rest_api/get_funding_rate_history.json"], {"rateType": "newest samples only"}),
    "usdm fundingInfo": Kind([f"{USDM}/rest_api/get_funding_rate_info.json"]),
    "usdm placed": Kind([f"{USDM}/rest_api/new_order.json"], {}, TOTALS),
    "usdm test order": Kind([f"{USDM}/rest_api/test_order.json"], TRAILING),
    "usdm order": Kind([f"{USDM}/rest_api/query_order.json"], TRAILING),
    "usdm modify": Kind([f"{USDM}/rest_api/modify_order.json"], {}, TOTALS),
    "usdm batch": Kind(
        [f"{USDM}/rest_api/cancel_multiple_orders.json"], {**TRAILING, "code": "no error", "msg": ""}, TOTALS
    ),
    "usdm algo": Kind([f"{USDM}/rest_api/new_algo_order.json"], {}, NULL),
    "usdm algo order": Kind([f"{USDM}/rest_api/query_all_algo_orders.json"], {}, NULL),
    "usdm algo cancel": Kind([f"{USDM}/rest_api/cancel_algo_order.json"]),
    "usdm userTrades": Kind(
        [f"{USDM}/rest_api/account_trade_list.json"], {"baseQty": "coin-margined only", "pair": "as above"}
    ),
    "usdm account v2": Kind(
        [f"{USDM}/rest_api/account_information_v2.json", f"{USDM}/websocket_api/account_information.json:result"],
        {},
        {"notional": "the venue's answer has it", "isolatedWallet": "as above"},
    ),
    "usdm account v3": Kind([f"{USDM}/rest_api/account_information_v3.json"]),
    "usdm balance": Kind([f"{NAUTILUS}/futures/http_json/balance.json"]),
    "usdm positionRisk v2": Kind([f"{USDM}/rest_api/position_information_v2.json"]),
    "usdm positionRisk v3": Kind([f"{USDM}/rest_api/position_information_v3.json"]),
    "usdm leverage": Kind([f"{USDM}/rest_api/change_initial_leverage.json"]),
    "usdm leverageBracket": Kind(
        [f"{USDM}/rest_api/notional_and_leverage_brackets.json"], {}, {"brackets": "the sample leaves them empty"}
    ),
    "usdm commissionRate": Kind([f"{USDM}/rest_api/user_commission_rate.json"]),
    "usdm income": Kind([f"{USDM}/rest_api/get_income_history.json"]),
    "usdm symbolConfig": Kind([f"{USDM}/rest_api/symbol_configuration.json"]),
    "usdm listenKey": Kind([f"{USDM}/rest_api/keepalive_user_data_stream.json"]),
    "usdm margin history": Kind([f"{USDM}/rest_api/get_position_margin_change_history.json"]),
    "usdm forceOrders": Kind([f"{USDM}/rest_api/users_force_orders.json"], {"cumBase": "coin-margined only"}),
    # Coin-margined, REST
    "coinm exchangeInfo": Kind(
        [f"{COINM}/rest_api/exchange_information.json"],
        FILTERS,
        {"exchangeFilters": "the venue's answer has it", "underlyingSubType": "as above"},
    ),
    "coinm depth": Kind([f"{COINM}/rest_api/order_book.json"]),
    "coinm trades": Kind([f"{COINM}/rest_api/recent_trades_list.json"]),
    "coinm aggTrades": Kind([f"{COINM}/rest_api/compressed_aggregate_trades_list.json"]),
    "coinm ticker/price": Kind([f"{COINM}/rest_api/symbol_price_ticker.json"]),
    "coinm premiumIndex": Kind([f"{COINM}/rest_api/index_price_and_mark_price.json"]),
    "coinm openInterest": Kind([f"{COINM}/rest_api/open_interest.json"]),
    "coinm crowd": Kind([f"{COINM}/rest_api/long_short_ratio.json"]),
    "coinm takers": Kind([f"{COINM}/rest_api/taker_buy_sell_volume.json"]),
    "coinm basis": Kind([f"{COINM}/rest_api/basis.json"]),
    "coinm fundingRate": Kind([f"{COINM}/rest_api/get_funding_rate_history_of_perpetual_futures.json"]),
    "coinm fundingInfo": Kind([f"{COINM}/rest_api/get_funding_rate_info.json"]),
    "coinm placed": Kind([f"{COINM}/rest_api/new_order.json"], TRAILING, TOTALS),
    "coinm order": Kind([f"{COINM}/rest_api/query_current_open_order.json"], TRAILING),
    "coinm modify": Kind([f"{COINM}/rest_api/modify_order.json"], {}, TOTALS),
    "coinm userTrades": Kind([f"{COINM}/rest_api/account_trade_list.json"]),
    "coinm account": Kind(
        [f"{COINM}/rest_api/account_information.json"], {}, {"isolatedWallet": "the socket's has it"}
    ),
    "coinm balance": Kind([f"{COINM}/rest_api/futures_account_balance.json"]),
    "coinm positionRisk": Kind(
        [f"{COINM}/rest_api/position_information.json"],
        {},
        {"notionalValue": "the venue's answer has it", "isolatedWallet": "as above"},
    ),
    "coinm leverage": Kind([f"{COINM}/rest_api/change_initial_leverage.json"]),
    "coinm leverageBracket": Kind(
        [f"{COINM}/rest_api/notional_bracket_for_pair.json"],
        {"qtylFloor": "a slip of the pen"},
        {"qtyFloor": "as above"},
    ),
    "coinm commissionRate": Kind([f"{COINM}/rest_api/user_commission_rate.json"]),
    "coinm marginType": Kind([f"{COINM}/rest_api/change_margin_type.json"]),
    "coinm cancel all": Kind([f"{COINM}/rest_api/cancel_all_open_orders.json"]),
    "coinm position mode": Kind([f"{COINM}/rest_api/get_current_position_mode.json"]),
    "coinm listenKey": Kind([f"{COINM}/rest_api/start_user_data_stream.json"]),
    # Streams
    "spot depth stream": Kind([f"{DOCS}/web-socket-streams/diff-depth-stream.1.json"]),
    "spot partial book": Kind([f"{DOCS}/web-socket-streams/partial-book-depth-streams.1.json"]),
    "spot trade stream": Kind([f"{DOCS}/web-socket-streams/trade-streams.1.json"]),
    "spot aggTrade stream": Kind(
        [f"{CONNECTOR}/websocket_streams/agg_trade.json"], {}, dict.fromkeys("pq", "the sample is cut short")
    ),
    "spot kline stream": Kind([f"{DOCS}/web-socket-streams/kline-candlestick-streams-for-utc.1.json"]),
    "spot miniTicker stream": Kind([f"{DOCS}/web-socket-streams/individual-symbol-mini-ticker-stream.1.json"]),
    "spot ticker stream": Kind([f"{DOCS}/web-socket-streams/individual-symbol-ticker-streams.1.json"]),
    "spot bookTicker stream": Kind(
        [f"{CONNECTOR}/websocket_streams/book_ticker.json"], {}, dict.fromkeys("bBaA", "the sample is cut short")
    ),
    "usdm depth stream": Kind([f"{USDM}/websocket_streams/diff_book_depth_streams.json"]),
    "usdm trade stream": Kind(
        [f"{NAUTILUS}/futures/market_data_json/trade_stream.json"], {}, {"X": "the captured stream has it"}
    ),
    "usdm aggTrade stream": Kind([f"{NAUTILUS}/futures/market_data_json/agg_trade_stream.json"]),
    "usdm kline stream": Kind([f"{NAUTILUS}/futures/market_data_json/kline_stream_closed.json"]),
    "usdm miniTicker stream": Kind([f"{USDM}/websocket_streams/individual_symbol_mini_ticker_stream.json"]),
    "usdm ticker stream": Kind([f"{USDM}/websocket_streams/individual_symbol_ticker_streams.json"]),
    "usdm bookTicker stream": Kind([f"{NAUTILUS}/futures/market_data_json/book_ticker_stream.json"]),
    "usdm markPrice stream": Kind([f"{USDM}/websocket_streams/mark_price_stream_for_all_market.json:0"]),
    "usdm forceOrder stream": Kind([f"{USDM}/websocket_streams/liquidation_order_streams.json"]),
    "coinm depth stream": Kind([f"{COINM}/websocket_streams/diff_book_depth_streams.json"]),
    "coinm aggTrade stream": Kind([f"{COINM}/websocket_streams/aggregate_trade_streams.json"]),
    "coinm kline stream": Kind([f"{COINM}/websocket_streams/kline_candlestick_streams.json"]),
    "coinm miniTicker stream": Kind([f"{COINM}/websocket_streams/individual_symbol_mini_ticker_stream.json"]),
    "coinm ticker stream": Kind([f"{COINM}/websocket_streams/individual_symbol_ticker_streams.json"]),
    "coinm bookTicker stream": Kind([f"{COINM}/websocket_streams/individual_symbol_book_ticker_streams.json"]),
    "coinm markPrice stream": Kind([f"{COINM}/websocket_streams/mark_price_stream.json"]),
    # User streams
    "spot new report": Kind([f"{NAUTILUS}/spot/user_data_json/execution_report_wrapped.json"]),
    "spot trade report": Kind(
        [f"{NAUTILUS}/spot/user_data_json/execution_report_wrapped.json"], {}, {"N": "null without a fee"}
    ),
    "spot cancelled report": Kind([f"{NAUTILUS}/spot/user_data_json/execution_report_wrapped.json"]),
    "spot balances": Kind([f"{NAUTILUS}/spot/user_data_json/account_position_wrapped.json"]),
    "usdm order update": Kind(
        [f"{NAUTILUS}/futures/user_data_json/order_update_trade.json"],
        {"AP": "only of trailing orders", "cr": "as above"},
        {"pm": "newer accounts have it", "gtd": "as above"},
    ),
    "usdm account update": Kind(
        [f"{NAUTILUS}/futures/user_data_json/account_update.json"], {}, {"ma": "the venue's message has it"}
    ),
    "usdm algo update": Kind([f"{NAUTILUS}/futures/user_data_json/algo_update_canceled.json"]),
    # Request sockets
    "spot ws place": Kind([f"{DOCS}/web-socket-api/place-new-order-trade.3.json"]),
    "spot ws cancel": Kind([f"{DOCS}/web-socket-api/cancel-order-trade.2.json"], OPTIONAL),
    "spot ws error": Kind([f"{DOCS}/web-socket-api/response-format.2.json"]),
    "spot ws logout": Kind(
        [f"{CONNECTOR}/websocket_api/session_logout.json"],
        {},
        {
            "rateLimits": "told unless asked not to",
            "apiKey": "null: nobody is logged on",
            "authorizedSince": "as above",
        },
    ),
    "usdm ws place": Kind([f"{USDM}/websocket_api/new_order.json"], {}, TOTALS),
    "usdm ws modify": Kind([f"{USDM}/websocket_api/modify_order.json"], {}, {**TOTALS, **PAIRS}),
    "usdm ws cancel": Kind([f"{USDM}/websocket_api/cancel_order.json"], TRAILING, TOTALS),
    "usdm ws algo cancel": Kind([f"{USDM}/websocket_api/cancel_algo_order.json"]),
    "usdm ws position": Kind([f"{USDM}/websocket_api/position_information_v2.json"]),
    "usdm ws balance": Kind([f"{USDM}/websocket_api/futures_account_balance.json"]),
    "usdm ws book": Kind([f"{USDM}/websocket_api/symbol_order_book_ticker.json"]),
    "coinm ws place": Kind([f"{COINM}/websocket_api/new_order.json"], {}, {**TOTALS, **POLICIES}),
    "coinm ws balance": Kind([f"{COINM}/websocket_api/futures_account_balance.json"]),
    "coinm ws account": Kind([f"{COINM}/websocket_api/account_information.json"]),
}


def differences(kind: Kind, samples: list[Any], sent: Any, where: str = "") -> list[str]:
    """Return how what is sent differs from all samples in keys and types."""
    types = {_type(sample) for sample in samples}
    name = where.rpartition(".")[2]
    if _type(sent) not in types:
        return [] if name in kind.extra or _both_numbers(types, sent) else [f"{where}: {_type(sent)} for {types}"]
    found = []
    if isinstance(sent, dict):
        known = set().union(*samples)
        found += [
            f"{where}.{key}: not sent"
            for key in set.intersection(*map(set, samples)) - sent.keys() - kind.missing.keys()
        ]
        found += [f"{where}.{key}: not in the samples" for key in sent.keys() - known - kind.extra.keys()]
        for key in sent.keys() & known:
            found += differences(kind, [s[key] for s in samples if key in s], sent[key], f"{where}.{key}")
    elif isinstance(sent, list) and sent and any(samples):
        if all(isinstance(each, str) for each in sent):
            return found
        for each in sent:
            known_rows = [row for sample in samples for row in sample]
            if isinstance(each, list):
                known_rows = [row for row in known_rows if isinstance(row, list)]
            found += differences(kind, known_rows, each, where)
    return found


def _type(value: Any) -> str:
    return {int: "int", float: "float", str: "str", bool: "bool", list: "list", dict: "dict"}.get(type(value), "null")


def _both_numbers(types: set[str], sent: Any) -> bool:
    """A JSON number may be written with a point or without."""
    return _type(sent) in {"int", "float"} and bool(types & {"int", "float"})


def load(folder: Path, name: str) -> Any:
    path, _, keys = name.partition(":")
    found = json.loads((folder / "binance" / path).read_text())
    for key in filter(None, keys.split(".")):
        found = found[int(key)] if key.isdigit() else found[key]
    return found


@pytest.fixture(scope="module")
def sent() -> dict[str, Any]:
    """One message of each kind."""
    found: dict[str, Any] = {}
    rig = Rig()
    _rest_of_spot(rig, found)
    _rest_of_futures(rig, found, LINEAR, "usdm", "0.02", "0.04")
    _rest_of_futures(rig, found, INVERSE, "coinm", "10", "20")
    for market, name in ((SPOT, "spot"), (LINEAR, "usdm"), (INVERSE, "coinm")):
        _streams(rig, found, market, name)
    _requests(rig, found)
    _lists(Rig(), found)
    _takeover(rig, found)
    return found


def below(rig: Rig, market: Market, share: str = "0.9") -> Decimal:
    bid, _ = rig.touch(market)
    return (bid * Decimal(share)).quantize(Decimal("0.01") if market is SPOT else Decimal("0.1"))


def _rest_of_spot(rig: Rig, found: dict[str, Any]) -> None:
    symbol = {"symbol": "BTCUSDT"}
    rig.touch(SPOT)
    rig.pass_time(3_000)
    for name in ("ping", "time", "depth", "trades", "aggTrades", "avgPrice", "ticker/24hr", "exchangeInfo"):
        found[f"spot {name}"] = rig.public(SPOT, name, **symbol)
    found["spot ticker/24hr mini"] = rig.public(SPOT, "ticker/24hr", **symbol, type="MINI")
    found["spot ticker/price"] = rig.public(SPOT, "ticker/price")
    found["spot ticker/bookTicker"] = rig.public(SPOT, "ticker/bookTicker")
    wire = rig.user_stream(SPOT)
    fit = {"quantity": "0.01", "price": below(rig, SPOT)}
    row = rig.order(SPOT, "BUY", "LIMIT", **fit, newOrderRespType="ACK")
    found["spot ack"] = row
    found["spot result"] = rig.order(SPOT, "BUY", "LIMIT", **fit, newOrderRespType="RESULT")
    found["spot new report"], found["spot balances"] = wire.take()[:2]
    found["spot full"] = rig.order(SPOT, "BUY", "MARKET", quantity="0.01")
    found["spot trade report"] = [m for m in wire.take() if m["event"].get("x") == "TRADE"][0]  # noqa: RUF015
    found["spot order"] = rig.mine(SPOT, "GET", "order", **symbol, orderId=row["orderId"])
    found["spot cancel"] = rig.mine(SPOT, "DELETE", "order", **symbol, orderId=row["orderId"])
    found["spot cancelled report"] = wire.take()[0]
    row = rig.order(SPOT, "BUY", "LIMIT", **fit)
    new = {
        **symbol,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        **fit,
        "cancelReplaceMode": "STOP_ON_FAILURE",
    }
    both = rig.mine(SPOT, "POST", "order/cancelReplace", **new, cancelOrderId=row["orderId"])
    found["spot cancelReplace"] = both
    number = both["newOrderResponse"]["orderId"]
    found["spot amend"] = rig.mine(SPOT, "PUT", "order/amend/keepPriority", **symbol, orderId=number, newQty="0.009")
    found["spot amendments"] = rig.mine(SPOT, "GET", "order/amendments", **symbol, orderId=number)
    found["spot cancel all"] = rig.mine(SPOT, "DELETE", "openOrders", **symbol)
    found["spot myTrades"] = rig.mine(SPOT, "GET", "myTrades", **symbol)
    found["spot account"] = rig.mine(SPOT, "GET", "account")
    found["spot commission"] = rig.mine(SPOT, "GET", "account/commission", **symbol)
    found["spot rateLimit"] = rig.mine(SPOT, "GET", "rateLimit/order")
    answer = rig.venue.answer(_query("/api/v3/depth", {"symbol": "NOPE"}))
    found["spot error"] = json.loads(answer.body)


def _query(path: str, params: dict[str, str]) -> Any:
    from real_trade.exchange.answers import Query

    return Query("GET", path, params)


def _rest_of_futures(rig: Rig, found: dict[str, Any], market: Market, name: str, fit: str, more: str) -> None:
    symbol = {"symbol": SYMBOLS[market]}
    plain = ("exchangeInfo", "depth", "trades", "aggTrades", "ticker/price", "ticker/24hr", "ticker/bookTicker")
    for each in (*plain, "premiumIndex", "openInterest", "fundingRate", "fundingInfo"):
        found[f"{name} {each}"] = rig.public(market, each, **symbol)
    if market is LINEAR:
        statistics = rig.send("GET", "/futures/data/openInterestHist", None, **symbol, period="5m", limit=5)
        assert len(statistics) == 5
        found["usdm openInterestHist"] = statistics
        found["usdm feeBurn"] = rig.mine(LINEAR, "GET", "feeBurn")
    _statistics(rig, found, market, name)
    price = below(rig, market)
    wire = rig.user_stream(market)
    row = rig.order(market, "BUY", "LIMIT", quantity=fit, price=price)
    found[f"{name} placed"] = row
    test = {**symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": fit, "price": price}
    found[f"{name} test order"] = rig.mine(market, "POST", "order/test", **test)
    found[f"{name} order"] = rig.mine(market, "GET", "openOrder", **symbol, orderId=row["orderId"])
    change = {**symbol, "orderId": row["orderId"], "side": "BUY", "quantity": more, "price": price}
    found[f"{name} modify"] = rig.mine(market, "PUT", "order", **change)
    numbers = json.dumps([row["orderId"]])
    found[f"{name} batch"] = rig.mine(market, "DELETE", "batchOrders", **symbol, orderIdList=numbers)
    wire.take()
    rig.order(market, "BUY", "MARKET", quantity=fit)
    events = wire.take()
    found[f"{name} order update"] = [e for e in events if e.get("o", {}).get("x") == "TRADE"][-1]
    found[f"{name} account update"] = events[-1]
    algo = rig.algo(market, "SELL", "STOP_MARKET", triggerPrice=price, closePosition=True)
    found[f"{name} algo"] = algo
    found[f"{name} algo order"] = rig.mine(market, "GET", "allAlgoOrders", **symbol)
    found[f"{name} algo cancel"] = rig.mine(market, "DELETE", "algoOrder", algoId=algo["algoId"])
    found[f"{name} algo update"] = wire.take()[-1]
    for each in ("userTrades", "income", "commissionRate", "leverageBracket"):
        found[f"{name} {each}"] = rig.mine(market, "GET", each, **symbol)
    found[f"{name} cancel all"] = rig.mine(market, "DELETE", "allOpenOrders", **symbol)
    found[f"{name} position mode"] = rig.mine(market, "GET", "positionSide/dual")
    found[f"{name} listenKey"] = rig.send("POST", f"/{'fapi' if market is LINEAR else 'dapi'}/v1/listenKey")
    if market is LINEAR:
        found["usdm account v2"] = rig.send("GET", "/fapi/v2/account")
        found["usdm account v3"] = rig.send("GET", "/fapi/v3/account")
        found["usdm balance"] = rig.send("GET", "/fapi/v2/balance")
        found["usdm positionRisk v2"] = rig.send("GET", "/fapi/v2/positionRisk")
        found["usdm positionRisk v3"] = rig.send("GET", "/fapi/v3/positionRisk")
        found["usdm symbolConfig"] = rig.mine(market, "GET", "symbolConfig", **symbol)
    else:
        for each in ("account", "balance", "positionRisk"):
            found[f"coinm {each}"] = rig.mine(market, "GET", each)
    found[f"{name} leverage"] = rig.mine(market, "POST", "leverage", **symbol, leverage=20)
    rig.order(market, "SELL", "MARKET", quantity=fit)
    found[f"{name} marginType"] = rig.mine(market, "POST", "marginType", **symbol, marginType="ISOLATED")
    rig.order(market, "BUY", "MARKET", quantity=fit)
    rig.mine(market, "POST", "positionMargin", **symbol, amount="0.01", type=1)
    found[f"{name} margin history"] = rig.mine(market, "GET", "positionMargin/history", **symbol)
    rig.order(market, "SELL", "MARKET", quantity=fit)
    rig.mine(market, "POST", "marginType", **symbol, marginType="CROSSED")


def _statistics(rig: Rig, found: dict[str, Any], market: Market, name: str) -> None:
    endpoints = {
        "crowd": "globalLongShortAccountRatio",
        "top accounts": "topLongShortAccountRatio",
        "top positions": "topLongShortPositionRatio",
        "takers": "takerlongshortRatio" if market is LINEAR else "takerBuySellVol",
        "basis": "basis",
    }
    folder = "/futures/data/" if market is LINEAR else "/coinm/futures/data/"
    pair = SYMBOLS[market].partition("_")[0]
    asked: dict[str, object] = {"symbol": SYMBOLS[market], "pair": pair, "contractType": "PERPETUAL", "period": "1h"}
    for kind, endpoint in endpoints.items():
        rows = rig.send("GET", folder + endpoint, None, **asked)
        assert rows
        found[f"{name} {kind}"] = rows


def _streams(rig: Rig, found: dict[str, Any], market: Market, name: str) -> None:
    place = {SPOT: "/stream/ws", LINEAR: "/usdm/ws", INVERSE: "/coinm/ws"}[market]
    streams = {"depth@100ms": "depth", "trade": "trade", "aggTrade": "aggTrade", "kline_1m": "kline"}
    streams |= {each: each for each in ("miniTicker", "ticker", "bookTicker")}
    if market is not SPOT:
        streams["markPrice@1s"] = "markPrice"
    symbol = SYMBOLS[market].lower()
    for stream, kind in streams.items():
        wire = rig.wire(f"{place}/{symbol}@{stream}")
        rig.pass_time(10_000)
        found[f"{name} {kind} stream"] = wire.take()[-1]
        wire.session.close()
    if market is SPOT:
        wire = rig.wire(f"{place}/{symbol}@depth5")
        rig.pass_time(3_000)
        found["spot partial book"] = wire.take()[-1]


def _requests(rig: Rig, found: dict[str, Any]) -> None:
    limited = Rig(limits=True)

    def call(wire: Wire, method: str, **params: object) -> Any:
        wire.say(limited.frame(method, **params))
        return wire.take()[-1]

    fit: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    spot, usdm, coinm = (limited.wire(path) for path in ("/ws-api/v3", "/ws-fapi/v1", "/ws-dapi/v1"))
    order = {**fit, "quantity": "0.01", "price": str(below(limited, SPOT)), "newOrderRespType": "RESULT"}
    found["spot ws place"] = call(spot, "order.place", **order)
    number = found["spot ws place"]["result"]["orderId"]
    found["spot ws cancel"] = call(spot, "order.cancel", symbol="BTCUSDT", orderId=number)
    found["spot ws error"] = call(spot, "order.place", **{**order, "quantity": "50"})
    found["spot ws logout"] = call(spot, "session.logout")
    order = {**fit, "quantity": "0.01", "price": str(below(limited, LINEAR))}
    found["usdm ws place"] = call(usdm, "order.place", **order)
    named = {"symbol": "BTCUSDT", "orderId": found["usdm ws place"]["result"]["orderId"]}
    change = {**named, "side": "BUY", "quantity": "0.02", "price": order["price"]}
    found["usdm ws modify"] = call(usdm, "order.modify", **change)
    found["usdm ws cancel"] = call(usdm, "order.cancel", **named)
    algo = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "algoType": "CONDITIONAL", "quantity": "0.01"}
    number = call(usdm, "algoOrder.place", **algo, triggerPrice=order["price"])["result"]["algoId"]
    found["usdm ws algo cancel"] = call(usdm, "algoOrder.cancel", algoId=number)
    call(usdm, "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    found["usdm ws position"] = call(usdm, "v2/account.position")
    found["usdm ws balance"] = call(usdm, "account.balance")
    found["usdm ws book"] = call(usdm, "ticker.book", symbol="BTCUSDT")
    order = {**fit, "symbol": "BTCUSD_PERP", "quantity": "1", "price": str(below(limited, INVERSE))}
    found["coinm ws place"] = call(coinm, "order.place", **order)
    found["coinm ws balance"] = call(coinm, "account.balance")
    found["coinm ws account"] = call(coinm, "account.status")
    del rig


def _takeover(rig: Rig, found: dict[str, Any]) -> None:
    rig.mine(LINEAR, "POST", "leverage", symbol="BTCUSDT", leverage=50)
    rig.order(LINEAR, "BUY", "MARKET", quantity="40")
    wire = rig.wire("/usdm/ws/btcusdt@forceOrder")
    listing = rig.world.listings[LINEAR, "BTCUSDT"]
    ticks = rig.world.exchange.mark(listing.contract) * 9 // 10
    rig.world.exchange.set_price(listing.name, Price.MARK, ticks, rig.world.now_ms)
    rig.world.tell()
    found["usdm forceOrder stream"] = wire.take()[-1]
    found["usdm forceOrders"] = rig.mine(LINEAR, "GET", "forceOrders")


def _lists(rig: Rig, found: dict[str, Any]) -> None:
    wire = rig.user_stream(SPOT)
    high, low = below(rig, SPOT, "1.02"), below(rig, SPOT, "0.98")
    fit = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01"}
    pair = {"aboveType": "LIMIT_MAKER", "abovePrice": high, "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": low}
    placed = rig.mine(SPOT, "POST", "orderList/oco", **fit, **pair, belowPrice=low, belowTimeInForce="GTC")
    found["spot oco"], found["spot list report"] = placed, wire.take()[0]
    found["spot list"] = rig.mine(SPOT, "GET", "orderList", orderListId=placed["orderListId"])
    found["spot lists"] = rig.mine(SPOT, "GET", "allOrderList")
    found["spot cancel list"] = rig.mine(
        SPOT, "DELETE", "orderList", symbol="BTCUSDT", orderListId=placed["orderListId"]
    )
    working = {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": low, "workingQuantity": "0.01"}
    working |= {"symbol": "BTCUSDT", "workingTimeInForce": "GTC", "pendingSide": "SELL", "pendingQuantity": "0.01"}
    found["spot oto"] = rig.mine(SPOT, "POST", "orderList/oto", **working, pendingType="MARKET")
    legs = {f"pending{name[0].upper()}{name[1:]}": value for name, value in pair.items()}
    legs |= {"pendingBelowType": "STOP_LOSS"}
    found["spot otoco"] = rig.mine(SPOT, "POST", "orderList/otoco", **working, **legs)
    listing, price = rig.world.listings[SPOT, "BTCUSDT"], rig.touch(SPOT)[1]
    rig.world.exchange.quote(listing.name, -1, int(price / listing.contract.tick), 0, rig.world.now_ms)
    maker = rig.order(SPOT, "SELL", "LIMIT", quantity="0.01", price=price)
    rig.order(SPOT, "BUY", "LIMIT", quantity="0.01", price=price)
    found["spot prevented"] = rig.mine(SPOT, "GET", "myPreventedMatches", symbol="BTCUSDT", orderId=maker["orderId"])
    found["spot window"] = rig.public(SPOT, "ticker", symbol="BTCUSDT")
    found["spot trading day"] = rig.public(SPOT, "ticker/tradingDay", symbol="BTCUSDT")
    for kind, name in (
        ("spot window stream", "/stream/ws/btcusdt@ticker_1h"),
        ("usdm continuous kline", "/usdm/ws/btcusdt_perpetual@continuousKline_1m"),
        ("coinm continuous kline", "/coinm/ws/btcusd_perpetual@continuousKline_1m"),
        ("coinm index kline", "/coinm/ws/btcusd@indexPriceKline_1m"),
        ("coinm mark kline", "/coinm/ws/btcusd_perp@markPriceKline_1m"),
        ("coinm index price", "/coinm/ws/btcusd@indexPrice@1s"),
        ("coinm mark prices", "/coinm/ws/btcusd@markPrice@1s"),
    ):
        stream = rig.wire(name)
        rig.pass_time(3_000)
        found[kind] = stream.take()[-1]


@pytest.mark.shared
@pytest.mark.parametrize("name", KINDS)
def test_what_is_sent_looks_like_the_venue_s(fixtures_dir: Path, sent: dict[str, Any], name: str) -> None:
    kind = KINDS[name]
    samples = [load(fixtures_dir, sample) for sample in kind.samples]
    assert differences(kind, samples, sent[name]) == []


@pytest.mark.shared
def test_spot_filters_look_like_the_venue_s(fixtures_dir: Path, sent: dict[str, Any]) -> None:
    for each in sent["spot exchangeInfo"]["symbols"][0]["filters"]:
        name = each["filterType"].lower().replace("_", "-")
        assert differences(Kind([]), [load(fixtures_dir, f"{DOCS}/filters/{name}.1.json")], each) == []


@pytest.mark.shared
@pytest.mark.parametrize(
    ("market", "capture"),
    [("spot", "spot_ethusdt_20240809"), ("usdm", "usdm_ethusdt_20240808"), ("coinm", "coinm_btcusd_perp_20240808")],
)
def test_streams_look_like_captured_ones(fixtures_dir: Path, sent: dict[str, Any], market: str, capture: str) -> None:
    kinds = {"depthUpdate": "depth", "trade": "trade", "bookTicker": "bookTicker", None: "bookTicker"}
    seen: set[str] = set()
    extra = {"st": "newer samples have it", "ps": "as above"}
    with gzip.open(fixtures_dir / "binance" / "ws_capture" / f"{capture}.jsonl.gz", "rt") as lines:
        for line in lines:
            message = json.loads(line[line.index("{") :])
            if "data" not in message:
                continue
            kind = kinds[message["data"].get("e")]
            if kind in seen:
                continue
            seen.add(kind)
            found = differences(Kind([], {}, extra), [message["data"]], sent[f"{market} {kind} stream"])
            assert found == [], kind
            if len(seen) == 3:
                break
    assert seen == {"depth", "trade", "bookTicker"}
