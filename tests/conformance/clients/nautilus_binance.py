"""nautilus_trader's adapter of Binance, with USD-M futures."""

from __future__ import annotations

from nautilus import GIVEN, Adapter, trade
from nautilus_trader.adapters.binance import (
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceInstrumentProviderConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.adapters.binance.common.symbol import BinanceSymbol

INFO = GIVEN["exchange"]
# The adapter puts the paths of futures behind the address itself, and wants the venue's names for the sockets.
socket = INFO["rest"].replace("http", "ws", 1)
common = {
    "api_key": INFO["api_key"],
    "api_secret": INFO["api_secret"],
    "account_type": BinanceAccountType.USDT_FUTURES,
    "base_url_http": INFO["rest"],
    "instrument_provider": BinanceInstrumentProviderConfig(load_all=True, query_commission_rates=True),
}
trade(
    Adapter(
        "BINANCE",
        "BTCUSDT-PERP.BINANCE",
        data=(BinanceLiveDataClientFactory, BinanceDataClientConfig(base_url_ws=f"{socket}/market", **common)),
        execution=(
            BinanceLiveExecClientFactory,
            BinanceExecClientConfig(
                base_url_ws=INFO["markets"]["linear"]["ws_api"],
                base_url_ws_stream=f"{socket}/private",
                futures_leverages={BinanceSymbol("BTCUSDT"): 5},
                **common,
            ),
        ),
        streams=("mark_price",),
        at_once="Expired",
        crossing=["Rejected"],
        positions=[],
        left_open=1,
    )
)
