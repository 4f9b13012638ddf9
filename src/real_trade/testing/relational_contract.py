"""What every `RelationalStore` does: subclass `RelationalContract` and supply an empty one as the fixture ``store``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from real_trade.model.errors import InputError
from real_trade.model.order import Side

if TYPE_CHECKING:
    from real_trade.storage.ports import RelationalStore

TIME_MS = 1_704_067_200_000


def make_trade(number: int = 1, **changes: object) -> dict[str, object]:
    """Return a whole trade; ``changes`` replace or add fields."""
    trade: dict[str, object] = {
        "trade_id": f"t-{number}",
        "venue": "bybit",
        "market": "linear",
        "symbol": "BTCUSDT",
        "side": "buy",
        "price": "42000.10",
        "quantity": "0.001",
        "fee": "0.02310005500",
        "fee_currency": "USDT",
        "time_ms": TIME_MS + number,
        "order_id": "o-1",
        "strategy_id": "sma_cross",
        "extra": {"maker": False, "index_price": Decimal("42000.123456789012345678")},
    }
    return trade | changes


class RelationalContract:
    """Trades are kept once and exactly; parameters by version."""

    def test_trade_comes_back_exactly(self, store: RelationalStore) -> None:
        """Amounts keep every digit, trailing zeros too; row numbers start at 1."""
        assert store.save_trade(make_trade()) == 1
        (trade,) = store.trades()
        assert trade == {
            **make_trade(),
            "id": 1,
            "price": Decimal("42000.10"),
            "quantity": Decimal("0.001"),
            "fee": Decimal("0.02310005500"),
        }
        assert str(trade["price"]) == "42000.10"
        assert str(trade["fee"]) == "0.02310005500"

    def test_amounts_beyond_floats_survive(self, store: RelationalStore) -> None:
        """38 digits on either side of the point are not rounded."""
        long = "12345678901234567890123456789012345678.12345678901234567890123456789012345678"
        store.save_trade(make_trade(price=long, quantity=Decimal("1E-18"), fee=-3))
        (trade,) = store.trades()
        assert str(trade["price"]) == long
        assert f"{trade['quantity']:f}" == "0.000000000000000001"
        assert trade["fee"] == -3

    def test_saving_again_changes_nothing(self, store: RelationalStore) -> None:
        """The same trade keeps its number and its first content."""
        first = store.save_trade(make_trade(1))
        second = store.save_trade(make_trade(2))
        assert second == first + 1
        assert store.save_trade(make_trade(1, price="1")) == first
        assert [trade["price"] for trade in store.trades()] == [Decimal("42000.10")] * 2

    def test_trades_of_two_symbols_may_share_a_number(self, store: RelationalStore) -> None:
        """Venues number the trades of each symbol by themselves."""
        store.save_trade(make_trade(1, trade_id=77))
        store.save_trade(make_trade(2, trade_id="77", symbol="ETHUSDT"))
        store.save_trade(make_trade(3, trade_id="77", market="spot"))
        store.save_trade(make_trade(4, trade_id="77", venue="binance"))
        assert len(store.trades()) == 4

    def test_identities_differ_by_case(self, store: RelationalStore) -> None:
        """Venues use upper and lower case in their numbers."""
        store.save_trade(make_trade(1, trade_id="abc"))
        store.save_trade(make_trade(1, trade_id="ABC"))
        assert len(store.trades()) == 2

    def test_span_and_order(self, store: RelationalStore) -> None:
        """A span is ``[from, to)``; oldest first, equal times in order of arrival."""
        for number, offset in ((1, 30), (2, 10), (3, 20), (4, 10)):
            store.save_trade(make_trade(number, time_ms=TIME_MS + offset))
        assert [t["trade_id"] for t in store.trades()] == ["t-2", "t-4", "t-3", "t-1"]
        assert [t["trade_id"] for t in store.trades(TIME_MS + 20, TIME_MS + 30)] == ["t-3"]
        assert [t["trade_id"] for t in store.trades(TIME_MS + 20)] == ["t-3", "t-1"]
        assert store.trades(None, TIME_MS + 10) == []

    def test_optional_fields(self, store: RelationalStore) -> None:
        """What is not known stays unknown; a fee not given is none."""
        optional = ("fee", "fee_currency", "order_id", "strategy_id", "extra")
        store.save_trade({name: value for name, value in make_trade().items() if name not in optional})
        (trade,) = store.trades()
        assert [trade[name] for name in optional] == [0, None, None, None, {}]

    @pytest.mark.parametrize("name", ["trade_id", "venue", "market", "symbol", "side", "price", "quantity", "time_ms"])
    def test_missing_field_is_named(self, store: RelationalStore, name: str) -> None:
        """A trade without one of its facts is refused."""
        trade = make_trade()
        del trade[name]
        with pytest.raises(InputError) as caught:
            store.save_trade(trade)
        assert caught.value.field == name
        assert store.trades() == []

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("price", 42000.1),
            ("price", "nan"),
            ("price", "Infinity"),
            ("price", "abc"),
            ("price", True),
            ("price", "1e1000000"),
            ("quantity", "-1"),
            ("quantity", "0"),
            ("fee", 0.5),
            ("side", "long"),
            ("market", "moon"),
            ("time_ms", TIME_MS // 1000),
            ("time_ms", "2024-01-01T00:00:00"),
            ("trade_id", ""),
            ("trade_id", "x" * 129),
            ("symbol", None),
            ("extra", {"x": float("nan")}),
            ("extra", {"x": object()}),
            ("extra", "text"),
            ("pric", "1"),
        ],
    )
    def test_wrong_field_is_named(self, store: RelationalStore, name: str, value: object) -> None:
        """A value that would not come back as it was given is refused, and an unknown field too."""
        with pytest.raises(InputError) as caught:
            store.save_trade(make_trade() | {name: value})
        assert caught.value.field == name
        assert store.trades() == []

    def test_sides_in_any_spelling(self, store: RelationalStore) -> None:
        """Venues write Buy, SELL; the house has an enum."""
        for number, side in enumerate(("Buy", "SELL", Side.BUY, Side.SELL)):
            store.save_trade(make_trade(number, side=side))
        assert [trade["side"] for trade in store.trades()] == ["buy", "sell", "buy", "sell"]

    def test_params_have_versions(self, store: RelationalStore) -> None:
        """Each save is a new version of that strategy; the newest is returned."""
        assert store.params("a") is None
        assert [store.save_params("a", {"fast": n}) for n in (5, 10, 10)] == [1, 2, 3]
        assert store.save_params("b", {}) == 1
        assert store.params("a") == {"fast": 10}
        assert store.params("b") == {}
        assert store.params("A") is None

    def test_params_keep_their_values(self, store: RelationalStore) -> None:
        """Nested documents, Decimals, large numbers and any script survive."""
        params = {
            "size": Decimal("0.010"),
            "名": "快线 €",
            "levels": [1, 2.5, None, True, {"x": 2**63}],
        }
        store.save_params("a", params)
        read = store.params("a")
        assert read == params
        assert str(read["size"]) == "0.010"

    def test_many_writers(self, store: RelationalStore) -> None:
        """Threads that write at once lose nothing and share no number."""
        with ThreadPoolExecutor(4) as pool:
            rows = list(pool.map(lambda n: store.save_trade(make_trade(n // 2)), range(40)))
            versions = list(pool.map(lambda n: store.save_params("a", {"n": n}), range(20)))
        assert len(set(rows)) == 20
        assert len(store.trades()) == 20
        assert sorted(versions) == list(range(1, 21))
