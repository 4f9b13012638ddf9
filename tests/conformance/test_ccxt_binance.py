"""ccxt's clients trade at Binance in a box over REST: the blocking one, the asynchronous one, and ccxt.pro's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest
from binance_clients import AMOUNT, CLASSES, COIN, INVERSE, LINEAR, SPOT, binance_settings
from blocking import Blocking
from topics import shows

from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T", bound="Callable[..., Any]")

SYMBOLS = [SPOT, LINEAR, INVERSE]
FUTURES = SYMBOLS[1:]
KINDS = [
    pytest.param(ccxt, id="ccxt"),
    pytest.param(ccxt.async_support, id="async", marks=pytest.mark.conformance),
    pytest.param(ccxt.pro, id="pro", marks=pytest.mark.conformance),
]
# How ccxt's own calls of each market's REST begin, and the one for the account.
CALLS = {SPOT: "private", LINEAR: "fapiprivate", INVERSE: "dapiprivate"}
ACCOUNT = {SPOT: "private_get_account", LINEAR: "fapiprivatev3_get_account", INVERSE: "dapiprivate_get_account"}


def shown(*topics: str) -> Callable[[T], T]:
    """Note that a test shows topics of all three clients."""

    def note(test: T) -> T:
        for client in ("binance ccxt", "binance ccxt async", "binance ccxt.pro"):
            test = shows(client, *topics)(test)
        return test

    return note


def closed(client: Any) -> None:
    if isinstance(client, Blocking):
        client.close()
    else:
        client.session.close()


def made_of(kind: Any, name: str, settings: dict[str, Any]) -> Any:
    """Return a client whose calls block, whatever kind it is."""
    make = getattr(kind, name)
    return make(settings) if kind is ccxt else Blocking(lambda: make(settings))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def client_of(kind: Any, binance_markets: dict[str, tuple[Any, Any]]) -> Iterator[Callable[..., Any]]:
    """Make clients of one kind, for a symbol's class and an exchange's first line."""
    made = []

    def make(info: dict[str, Any], symbol: str = SPOT) -> Any:
        client = made_of(kind, CLASSES[symbol], binance_settings(info, newUpdates=True))
        client.set_markets(*binance_markets[CLASSES[symbol]])
        made.append(client)
        return client

    yield make
    for client in made:
        closed(client)


@pytest.fixture
def client_for(client_of: Callable[..., Any], binance_member: dict[str, Any]) -> Callable[[str], Any]:
    """Make clients of an account of their own."""
    return lambda symbol: client_of(binance_member, symbol)


def below(client: Any, symbol: str, share: float = 0.9) -> float:
    return float(client.price_to_precision(symbol, client.fetch_order_book(symbol, 5)["bids"][0][0] * share))


def refused(code: int, error: type[Exception] = ccxt.ExchangeError) -> Any:
    """Expect the venue's code in ccxt's error.

    ccxt finds codes that only the futures have by the host's name, which is not the venue's here: those come as a
    plain error. What it knows by its text comes without the code.
    """
    return pytest.raises(error, match=f'"code":{code}[,}}]')


# Market data


@shown("markets")
def test_markets_and_currencies(kind: Any, binance: RunningExchange) -> None:
    found = {}
    for name in CLASSES.values():
        client = made_of(kind, name, binance_settings(binance.info))
        found[name] = client.load_markets()
        currencies = client.currencies if name == "binance" else {"BTC", "USDT"}
        closed(client)
        assert {"BTC", "USDT"} <= set(currencies)
    spot = found["binance"][SPOT]
    assert set(SYMBOLS) <= set(found["binance"])
    assert spot["limits"]["cost"]["min"] == 5
    assert spot["precision"] == {**spot["precision"], "amount": 1e-6, "price": 0.01}
    assert found["binance"][INVERSE]["contractSize"] == 100
    assert LINEAR in found["binanceusdm"]
    assert INVERSE in found["binancecoinm"]


@shown("klines", "ticker")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_market_data(client_for: Callable[[str], Any], symbol: str) -> None:
    client = client_for(symbol)
    book = client.fetch_order_book(symbol, 20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    trades = client.fetch_trades(symbol, limit=5)
    assert [trade["id"] for trade in trades] == sorted(trade["id"] for trade in trades)
    ticker = client.fetch_ticker(symbol)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert abs(ticker["last"] / book["bids"][0][0] - 1) < 0.01
    bars = client.fetch_ohlcv(symbol, "5m", limit=10)
    assert [bar[0] - bars[0][0] for bar in bars] == [number * 300_000 for number in range(10)]
    assert all(low <= min(first, last) and max(first, last) <= high for _, first, high, low, last, _ in bars)
    again = client.fetch_ohlcv(symbol, "1m", since=bars[3][0], limit=5)
    assert (again[0][1], again[-1][4]) == (bars[3][1], bars[3][4])
    assert client.fetch_bids_asks([symbol])[symbol]["bid"] == pytest.approx(book["bids"][0][0], rel=0.01)
    if symbol != SPOT:
        rate = client.fetch_funding_rate(symbol)
        assert rate["markPrice"] == pytest.approx(ticker["last"], rel=0.01)
        assert rate["fundingTimestamp"] > ticker["timestamp"]
        assert client.fetch_open_interest(symbol)["openInterestAmount"] > 0
    else:
        assert client.fetch_status()["status"] == "ok"


# Orders


@shown("place, amend, cancel")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_limit_order_is_placed_edited_cancelled(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount = client_for(symbol), AMOUNT[symbol]
    price = below(client, symbol)
    made = client.create_order(symbol, "limit", "buy", amount, price, {"newClientOrderId": "mine"})
    assert (made["status"], made["clientOrderId"], made["remaining"]) == ("open", "mine", amount)
    assert client.fetch_order(made["id"], symbol)["price"] == price
    assert [order["id"] for order in client.fetch_open_orders(symbol)] == [made["id"]]
    edited = client.edit_order(made["id"], symbol, "limit", "buy", amount * 2, price)
    assert edited["amount"] == amount * 2
    # Spot replaces an order by another, futures change it; spot makes one smaller in its place.
    assert (edited["id"] == made["id"]) is (symbol != SPOT)
    if symbol == SPOT:
        smaller = {"symbol": "BTCUSDT", "orderId": edited["id"], "newQty": "0.015"}
        amended = client.request("order/amend/keepPriority", ["private"], "PUT", smaller)["amendedOrder"]
        assert (str(amended["orderId"]), amended["qty"]) == (edited["id"], "0.01500000")
        assert client.fetch_order(edited["id"], symbol)["amount"] == 0.015
    assert client.cancel_order(edited["id"], symbol)["status"] == "canceled"
    assert client.fetch_open_orders(symbol) == []
    for _ in range(2):
        client.create_order(symbol, "limit", "buy", amount, price)
    client.cancel_all_orders(symbol)
    assert {order["status"] for order in client.fetch_orders(symbol)} == {"canceled"}


@shown("order types", "my trades", "balance")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_market_orders_and_what_they_leave(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount, coin = client_for(symbol), AMOUNT[symbol], COIN[symbol]
    before = client.fetch_balance()[coin]
    assert before == {**before, "free": before["total"], "used": 0, "total": 10 if coin == "BTC" else 100_000}
    bought = client.create_order(symbol, "market", "buy", amount)
    sold = client.create_order(symbol, "market", "sell", amount, None, {} if symbol == SPOT else {"reduceOnly": True})
    assert [(order["status"], order["filled"]) for order in (bought, sold)] == [("closed", amount)] * 2
    trades = client.fetch_my_trades(symbol)
    assert {trade["order"] for trade in trades} == {bought["id"], sold["id"]}
    assert {trade["takerOrMaker"] for trade in trades} == {"taker"}
    assert sum(trade["amount"] for trade in trades) == pytest.approx(2 * amount)
    assert all(trade["fee"]["cost"] > 0 for trade in trades)
    assert client.fetch_balance()[coin]["total"] < before["total"]
    assert [order["id"] for order in client.fetch_closed_orders(symbol)] == [bought["id"], sold["id"]]
    if symbol == SPOT:
        # The commission of what is bought is taken from it.
        assert client.fetch_balance()["BTC"]["total"] == pytest.approx(10 - amount * 0.001)
        spent = client.create_order(symbol, "market", "buy", None, None, {"quoteOrderQty": 200})
        assert 190 < spent["cost"] <= 200
        assert client.fetch_trading_fee(symbol)["taker"] == 0.001
    else:
        # ccxt spells the kind of a row in its own words from some version on.
        assert {"commission", "fee"} & {str(row["type"]).lower() for row in client.fetch_ledger()}


@shown("order types")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_times_in_force(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount = client_for(symbol), AMOUNT[symbol]
    price, book = below(client, symbol), client.fetch_order_book(symbol, 5)
    assert client.create_order(symbol, "limit", "buy", amount, price, {"postOnly": True})["status"] == "open"
    crossing = float(client.price_to_precision(symbol, book["asks"][0][0] * 1.01))
    with pytest.raises(ccxt.OrderImmediatelyFillable) if symbol == SPOT else refused(-5022):
        client.create_order(symbol, "limit", "buy", amount, crossing, {"postOnly": True})
    assert client.create_order(symbol, "limit", "buy", amount, price, {"timeInForce": "IOC"})["status"] == "expired"
    whole = client.create_order(symbol, "limit", "buy", amount, crossing, {"timeInForce": "FOK"})
    assert (whole["status"], whole["filled"]) == ("closed", amount)
    if symbol == LINEAR:
        date = (client.milliseconds() // 1_000 + 700) * 1_000
        dated = client.create_order(symbol, "limit", "buy", amount, price, {"timeInForce": "GTD", "goodTillDate": date})
        assert (dated["status"], dated["info"]["goodTillDate"]) == ("open", date)


@shown("order types")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_conditional_orders(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount = client_for(symbol), AMOUNT[symbol]
    low, high = below(client, symbol), below(client, symbol, 1.1)
    client.create_order(symbol, "market", "buy", amount * 2)
    orders: list[tuple[str, str, dict[str, Any]]] = [
        ("STOP_LOSS", "market", {"stopLossPrice": low}),
        ("STOP_LOSS_LIMIT", "limit", {"stopLossPrice": low}),
        ("TAKE_PROFIT", "market", {"takeProfitPrice": high}),
        ("TAKE_PROFIT_LIMIT", "limit", {"takeProfitPrice": high}),
        ("STOP_LOSS", "market", {"trailingPercent": 1, "stopLossOrTakeProfit": "stopLoss"}),
    ]
    if symbol != SPOT:
        orders = [
            ("STOP_MARKET", "market", {"stopLossPrice": low}),
            ("STOP", "limit", {"stopLossPrice": low}),
            ("TAKE_PROFIT_MARKET", "market", {"takeProfitPrice": high}),
            ("TAKE_PROFIT", "limit", {"takeProfitPrice": high}),
            ("TRAILING_STOP_MARKET", "market", {"trailingPercent": 1, "reduceOnly": True}),
            ("STOP_MARKET", "market", {"stopLossPrice": low, "closePosition": True}),
        ]
    made = [
        client.create_order(symbol, how, "sell", amount, low if how == "limit" else None, params)
        for _, how, params in orders
    ]
    waiting = {order["id"]: order for order in client.fetch_open_orders(symbol, params={"trigger": True})}
    assert set(waiting) == {order["id"] for order in made}
    field = "type" if symbol == SPOT else "orderType"
    assert [waiting[order["id"]]["info"][field] for order in made] == [name for name, _, _ in orders]
    assert {order["triggerPrice"] for order in waiting.values()} - {None, 0} == {low, high}
    one = client.cancel_order(made[0]["id"], symbol, {"trigger": True})
    assert one["id"] == made[0]["id"]
    client.cancel_all_orders(symbol, {"trigger": True})
    assert client.fetch_open_orders(symbol, params={"trigger": True}) == []
    with pytest.raises(ccxt.ExchangeError, match="trigger immediately") if symbol == SPOT else refused(-2021):
        client.create_order(symbol, "market", "buy", amount, None, {"triggerPrice": low})


@shown("order types")
def test_one_of_two_orders_cancels_the_other(client_for: Callable[[str], Any]) -> None:
    client = client_for(SPOT)
    low, high = (f"{below(client, SPOT, share):.2f}" for share in (0.9, 1.1))
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": high, "belowType": "STOP_LOSS", "belowStopPrice": low}
    made = client.private_post_orderlist_oco({"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", **legs})
    waiting = {order["id"]: order["info"]["type"] for order in client.fetch_open_orders(SPOT)}
    assert waiting == {str(each["orderId"]): each["type"] for each in made["orderReports"]}
    assert set(waiting.values()) == {"LIMIT_MAKER", "STOP_LOSS"}
    client.cancel_order(next(iter(waiting)), SPOT)
    assert client.fetch_open_orders(SPOT) == []


@shown("partial fill")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_large_order_fills_partly(client_for: Callable[[str], Any], symbol: str) -> None:
    client = client_for(symbol)
    book = client.fetch_order_book(symbol, 5)
    price, offered = book["asks"][0]
    amount = float(client.amount_to_precision(symbol, offered * 1.5 + AMOUNT[symbol]))
    made = client.create_order(symbol, "limit", "buy", amount, price)
    assert made["status"] in {"open", "closed"}
    assert 0 < made["filled"] <= amount
    assert made["average"] == pytest.approx(price, rel=0.001)
    if made["status"] == "open":
        assert client.cancel_order(made["id"], symbol)["filled"] >= made["filled"]
    assert sum(trade["amount"] for trade in client.fetch_my_trades(symbol)) == pytest.approx(
        client.fetch_order(made["id"], symbol)["filled"]
    )


@shown("positions", "leverage", "order types")
@pytest.mark.parametrize("symbol", FUTURES)
def test_positions_and_settings(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount = client_for(symbol), AMOUNT[symbol]
    assert client.set_leverage(20, symbol)["leverage"] == 20
    with refused(-4028):
        getattr(client, f"{CALLS[symbol]}_post_leverage")({"symbol": client.market_id(symbol), "leverage": 126})
    client.set_margin_mode("isolated", symbol)
    made = client.create_order(symbol, "market", "buy", amount)
    (position,) = client.fetch_positions([symbol])
    assert (position["side"], position["contracts"]) == ("long", amount)
    assert position["entryPrice"] == pytest.approx(made["average"], rel=1e-5)
    assert position["marginMode"] == "isolated"
    assert 0 < position["liquidationPrice"] < position["entryPrice"]
    assert client.fetch_position_mode(symbol)["hedged"] is False
    with pytest.raises(ccxt.OperationRejected):
        client.set_position_mode(True, symbol)
    client.create_order(symbol, "market", "sell", amount, None, {"reduceOnly": True})
    assert [row for row in client.fetch_positions([symbol]) if row["contracts"]] == []
    with refused(-2022):
        client.create_order(symbol, "market", "sell", amount, None, {"reduceOnly": True})
    client.set_position_mode(True, symbol)
    client.create_order(symbol, "market", "buy", amount, None, {"positionSide": "LONG"})
    client.create_order(symbol, "market", "sell", amount * 2, None, {"positionSide": "SHORT"})
    sides = {row["side"]: row["contracts"] for row in client.fetch_positions([symbol]) if row["contracts"]}
    assert sides == {"long": amount, "short": amount * 2}
    tiers = client.fetch_leverage_tiers([symbol])[symbol]
    assert tiers[0]["maxLeverage"] == 100
    assert client.fetch_trading_fee(symbol)["taker"] == 0.0005


@shown("order types")
@pytest.mark.parametrize("symbol", FUTURES)
def test_orders_in_a_batch(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount = client_for(symbol), AMOUNT[symbol]
    order = {"symbol": symbol, "type": "limit", "side": "buy", "amount": amount, "price": below(client, symbol)}
    made = client.create_orders([order, {**order, "params": {"postOnly": True}}])
    assert [each["status"] for each in made] == ["open", "open"]
    gone = client.cancel_orders([each["id"] for each in made], symbol)
    assert [each["status"] for each in gone] == ["canceled", "canceled"]


# Refusals


@shown("insufficient funds", "bad price", "bad quantity", "unknown order", "duplicate client id")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_refused_orders(client_for: Callable[[str], Any], symbol: str) -> None:
    client, spot = client_for(symbol), symbol == SPOT
    price = below(client, symbol)
    name = client.market_id(symbol)
    order = {"symbol": name, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": AMOUNT[symbol]}
    order |= {"price": f"{price:.1f}", "newClientOrderId": "mine"}
    place = getattr(client, f"{CALLS[symbol]}_post_order")
    with pytest.raises(ccxt.InsufficientFunds, match="insufficient balance") if spot else refused(-2019):
        client.create_order(symbol, "limit", "buy", 50 if symbol != INVERSE else 90_000, price)
    with pytest.raises(ccxt.InvalidOrder, match="PRICE_FILTER") if spot else refused(-1111):
        place({**order, "price": "30000.001"})
    with pytest.raises(ccxt.InvalidOrder, match="LOT_SIZE") if spot else refused(-1111):
        place({**order, "quantity": "0.0000001"})
    for quantity in ("0", "-1"):
        with pytest.raises(ccxt.ExchangeError, match=r"quantity|Quantity"):
            place({**order, "quantity": quantity})
    place(order)
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent") if spot else refused(-4116):
        place(order)
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("999999", symbol)
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order("999999", symbol)
    with pytest.raises(ccxt.OrderNotFound):
        getattr(client, f"{CALLS[symbol]}_delete_order")({"symbol": name, "origClientOrderId": "nobody"})
    with pytest.raises(ccxt.BadSymbol):
        place({**order, "symbol": "NOPE"})


@shown("stale timestamp", "wrong key")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_who_signs_wrongly_is_turned_away(
    client_for: Callable[[str], Any], client_of: Callable[..., Any], binance: RunningExchange, symbol: str
) -> None:
    def account(client: Any) -> Any:
        return getattr(client, ACCOUNT[symbol])()

    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        account(client_of({**binance.info, "api_key": "nobody"}, symbol))
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        account(client_of({**binance.info, "api_secret": "wrong"}, symbol))
    client = client_for(symbol)
    now = ccxt.Exchange.milliseconds
    client.options["recvWindow"] = 1_000
    client.nonce = lambda: now() - 10_000
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        account(client)
    client.options["recvWindow"] = 20_000
    assert account(client)
    client.nonce = lambda: now() + 3_000
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        account(client)


# Limits


@shown("too many requests")
def test_who_is_too_fast_is_told(client_of: Callable[..., Any]) -> None:
    with running_exchange("binance", seed=7, rate_limits="30/600") as exchange:
        for symbol in SYMBOLS:
            client = client_of(exchange.info, symbol)

            def hurry(client: Any = client) -> None:
                for _ in range(100):
                    client.fetch_time()

            with pytest.raises(ccxt.DDoSProtection, match=r"429.*-1003"):
                hurry()
            headers = {name.lower(): value for name, value in client.last_response_headers.items()}
            assert 0 < int(headers["retry-after"]) <= 600
            assert int(headers["x-mbx-used-weight-10m"]) > 30


@shown("too many requests")
@pytest.mark.conformance
def test_who_goes_on_regardless_is_shut_out(client_of: Callable[..., Any]) -> None:
    with running_exchange("binance", seed=7, rate_limits="30/600", ban_seconds=5) as exchange:
        client = client_of(exchange.info)

        def go_on(seconds: float) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    client.fetch_time()
                except ccxt.DDoSProtection as error:
                    if " 418 " in str(error):
                        raise
                time.sleep(0.05)

        with pytest.raises(ccxt.DDoSProtection, match="IP banned until"):
            go_on(10.0)
        assert 0 < int(client.last_response_headers["Retry-After"]) <= 5
