"""nautilus_trader's adapter of Bybit, with linear contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nautilus import GIVEN, Adapter, trade
from nautilus_trader.adapters.bybit import (
    BybitDataClientConfig,
    BybitExecClientConfig,
    BybitLiveDataClientFactory,
    BybitLiveExecClientFactory,
    BybitProductType,
)
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.core import nautilus_pyo3

if TYPE_CHECKING:
    from nautilus_trader.live.node import TradingNode

INFO = GIVEN["exchange"]
LINEAR = BybitProductType.LINEAR
common = {
    "api_key": INFO["api_key"],
    "api_secret": INFO["api_secret"],
    "base_url_http": INFO["rest"],
    "instrument_provider": InstrumentProviderConfig(load_all=True),
    "product_types": (LINEAR,),
}


def point_sockets(node: TradingNode) -> None:
    """Let the sockets of market data lead to the exchange: no setting of this adapter does."""
    for client in node.kernel.data_engine._clients.values():
        socket = nautilus_pyo3.BybitWebSocketClient.new_public(
            product_type=LINEAR,
            environment=nautilus_pyo3.BybitEnvironment.MAINNET,
            url=f"{INFO['ws_public']}/linear",
        )
        socket.set_bars_timestamp_on_close(True)
        client._ws_clients[LINEAR] = socket


trade(
    Adapter(
        "BYBIT",
        "BTCUSDT-LINEAR.BYBIT",
        data=(BybitLiveDataClientFactory, BybitDataClientConfig(**common)),
        execution=(
            BybitLiveExecClientFactory,
            BybitExecClientConfig(
                base_url_ws_private=INFO["ws_private"],
                base_url_ws_trade=INFO["ws_trade"],
                futures_leverages={"BTCUSDT-LINEAR": 5},
                position_mode={"BTCUSDT-LINEAR": nautilus_pyo3.BybitPositionMode.MERGED_SINGLE},
                margin_mode=nautilus_pyo3.BybitMarginMode.REGULAR_MARGIN,
                **common,
            ),
        ),
        streams=("mark_price", "index_price", "funding_rate"),
        at_once="Canceled",
        crossing=["Accepted", "Rejected"],
        positions=["PositionOpened 0.01", "PositionClosed 0"],
        left_open=0,
    ),
    point_sockets,
)
