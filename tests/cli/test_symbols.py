"""Spellings of symbols, and values of flags."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_trade.cli.options import check_span, decimal_flag, read_params, whole_flag
from real_trade.model.errors import InputError
from real_trade.model.instrument import Market
from real_trade.utils.symbols import venue_symbol


@pytest.mark.parametrize(
    ("text", "venue", "market", "expected"),
    [
        ("BTCUSDT", "bybit", "spot", "BTCUSDT"),
        ("btcusdt", "binance", "linear", "BTCUSDT"),
        (" BTC/USDT ", "bybit", "linear", "BTCUSDT"),
        ("BTC/USDT", "binance", "spot", "BTCUSDT"),
        ("BTC/USDT:USDT", "bybit", "linear", "BTCUSDT"),
        ("BTC/USDC:USDC", "bybit", "linear", "BTCPERP"),
        ("BTC/USDC:USDC", "binance", "linear", "BTCUSDC"),
        ("BTC/USD:BTC", "bybit", "inverse", "BTCUSD"),
        ("BTC/USD", "binance", "inverse", "BTCUSD_PERP"),
        ("BTCUSD", "binance", "inverse", "BTCUSD_PERP"),
        ("btcusd_240628", "binance", "inverse", "BTCUSD_240628"),
        ("1000PEPE/USDT", "bybit", "linear", "1000PEPEUSDT"),
        ("BTC-27DEC24", "bybit", "linear", "BTC-27DEC24"),
    ],
)
def test_every_spelling_becomes_the_venues(text: str, venue: str, market: str, expected: str) -> None:
    assert venue_symbol(text, venue, Market(market)) == expected
    assert venue_symbol(expected, venue, Market(market)) == expected


@pytest.mark.parametrize("text", ["", "..", "a/b/c", "../../etc", "BTC USDT", "BTC/USDT:", "B\x00T", "BTC.USDT", "Ж"])
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        venue_symbol(text, "bybit", Market.SPOT)
    assert caught.value.code == "unknown_symbol"


def test_a_symbol_of_another_market_names_the_right_one() -> None:
    with pytest.raises(InputError, match="Use --market linear"):
        venue_symbol("BTC/USDT:USDT", "bybit", Market.SPOT)
    with pytest.raises(InputError, match="Use --market inverse"):
        venue_symbol("BTC/USD:BTC", "bybit", Market.LINEAR)


@given(st.text(max_size=20), st.sampled_from(list(Market)), st.sampled_from(["bybit", "binance"]))
def test_a_symbol_never_names_another_folder(text: str, market: Market, venue: str) -> None:
    try:
        symbol = venue_symbol(text, venue, market)
    except InputError:
        return
    assert not set(symbol) & set("/\\.\0 ")


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.from_regex(r"[a-z0-9.=-]{1,8}", fullmatch=True))
)
def test_parameters_in_one_word_or_in_many(params: dict[str, str]) -> None:
    pairs = [f"{name}={value}" for name, value in params.items()]
    assert read_params([[" ".join(pairs)]]) == read_params([[pair] for pair in pairs]) == read_params([pairs]) == params


@pytest.mark.parametrize("word", ["fast", "=1", "fast=", "fast=1 fast=2"])
def test_parameters_that_are_none(word: str) -> None:
    with pytest.raises(InputError) as caught:
        read_params([[word]])
    assert caught.value.field == "--param"


def test_numbers_within_bounds() -> None:
    read = decimal_flag("--fee-taker", least="0", below="1")
    assert read("0.00055") == Decimal("0.00055")
    for text in ("-0.001", "1", "x", "nan", "inf", ""):
        with pytest.raises(InputError, match="--fee-taker"):
            read(text)
    assert whole_flag("--leverage", least=1)("5") == 5
    for text in ("0", "-1", "1.5", "²"):
        with pytest.raises(InputError, match="--leverage"):
            whole_flag("--leverage", least=1)(text)


def test_a_span_runs_forward() -> None:
    check_span(1, 2)
    check_span(None, 2)
    with pytest.raises(InputError, match="not before"):
        check_span(2, 2)
