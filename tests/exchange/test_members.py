"""Who may trade, and at which fees."""

from __future__ import annotations

from decimal import Decimal

import ccxt
import pytest
from binance_clients import binance_settings
from bybit_clients import bybit_settings

from real_trade.exchange.members import Member
from real_trade.exchange.options import ExchangeOptions
from real_trade.model import InputError, Market
from real_trade.model.fees import find_fees
from real_trade.testing.exchange_process import running_exchange

SETTINGS = {"binance": binance_settings, "bybit": bybit_settings}


def test_a_member_is_spelled_with_a_tier_or_without() -> None:
    plain = Member.parse("me:word:usdt=100,BTC=0.5")
    assert (plain.key, plain.secret, plain.tier) == ("me", "word", "")
    assert plain.wallet == {"USDT": Decimal(100), "BTC": Decimal("0.5")}
    assert Member.parse("me:word:USDT=1:VIP2").tier == "vip2"
    assert "word" not in repr(plain)
    for text in ("me", "me:word", "me:word:", "me:word:USDT", "me:word:USDT=-1", ":word:USDT=1", "me::USDT=1"):
        with pytest.raises(InputError):
            Member.parse(text)


def test_a_tier_that_the_venue_does_not_have_is_refused() -> None:
    assert ExchangeOptions("binance", accounts=(Member.parse("a:b:USDT=1:vip9"),))
    with pytest.raises(InputError, match="vip9") as caught:
        ExchangeOptions("bybit", accounts=(Member.parse("a:b:USDT=1:vip9"),))
    assert "supreme" in str(caught.value.fix)


@pytest.mark.parametrize(("venue", "tier"), [("bybit", "vip3"), ("binance", "vip2")])
def test_an_account_pays_the_fees_of_its_tier(venue: str, tier: str) -> None:
    with running_exchange(venue, seed=7, rate_limits="off", account=f"key:secret:USDT=100000:{tier}") as exchange:
        client = getattr(ccxt, venue)(SETTINGS[venue](exchange.info))
        client.load_markets()
        for symbol in ("BTC/USDT", "BTC/USDT:USDT"):
            fees = find_fees(venue, Market.LINEAR if ":" in symbol else Market.SPOT, tier)
            told = client.fetch_trading_fee(symbol)
            assert (told["maker"], told["taker"]) == (float(fees.maker), float(fees.taker))
            client.create_order(symbol, "limit", "buy", 0.1, round(client.fetch_ticker(symbol)["last"] * 1.01))
            trade = client.fetch_my_trades(symbol)[0]
            value = trade["amount"] if trade["fee"]["currency"] == "BTC" else trade["cost"]
            assert trade["fee"]["cost"] == pytest.approx(value * float(fees.taker), rel=1e-4)
        client.session.close()
