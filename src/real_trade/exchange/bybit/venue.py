"""Bybit as a whole: its REST interface over one world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from real_trade.exchange.answers import Answer
from real_trade.exchange.bybit.account import Accounts
from real_trade.exchange.bybit.commands import Commands, limit_headers
from real_trade.exchange.bybit.disconnection import Disconnection
from real_trade.exchange.bybit.feed import Feed
from real_trade.exchange.bybit.market import HISTORY, BybitMarket
from real_trade.exchange.bybit.option_feed import OptionFeed
from real_trade.exchange.bybit.parameters import read_parameters
from real_trade.exchange.bybit.positions import Positions
from real_trade.exchange.bybit.queries import CATEGORIES
from real_trade.exchange.bybit.records import Records
from real_trade.exchange.bybit.refusals import TOO_MANY, Refusal, TooFast
from real_trade.exchange.bybit.signing import Doorkeeper
from real_trade.exchange.bybit.sockets import PrivateSession, PublicSession, Session, TradeSession
from real_trade.exchange.bybit.statistics import Statistics
from real_trade.exchange.bybit.trading import Trading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from real_trade.exchange.answers import Query
    from real_trade.exchange.limits import BurstLimit, Pace
    from real_trade.exchange.members import Member
    from real_trade.exchange.pages import History
    from real_trade.exchange.source import MarketSource
    from real_trade.exchange.world import World
    from real_trade.model import Clock

    Handler = Callable[[int, Mapping[str, Any]], Any]


class BybitVenue:
    """Bybit's REST interface.

    Args:
        source: the market.
        history: its bars.
        world: the market as it goes on.
        members: who may trade.
        clock: the venue's own; signatures are judged by it.
        limit: requests per IP.
        pace: requests per second and account; None for no limit.
        seed: decides ids.
    """

    def __init__(
        self,
        source: MarketSource,
        history: History,
        world: World,
        members: Sequence[Member],
        clock: Clock,
        limit: BurstLimit,
        *,
        pace: Pace | None = None,
        seed: int = 0,
    ) -> None:
        self.world, self.clock = world, clock
        self._limit = limit
        self.market = BybitMarket(source, history, world, clock)
        self.records = Records(seed)
        self.trading = Trading(world, self.records, self.market.dated)
        self.keys = {
            member.key: (member.secret, world.open_account(member.wallet, member.tier).number) for member in members
        }
        self.accounts = Accounts(self.trading, {self.keys[member.key][1]: member.tier for member in members})
        self.door = Doorkeeper(self.keys, clock)
        self.commands = Commands(self.trading, clock, pace)
        self.disconnection = Disconnection(self.trading, clock)
        self.market.routes |= Statistics(self.market, history, world, self.trading.limits).routes
        self.feeds: dict[str, Feed | OptionFeed] = {
            name: Feed(name, world, history, self.market, self.trading.limits) for name in CATEGORIES[:3]
        }
        self.feeds["option"] = OptionFeed(world, self.market.dated)
        desk, mine, held = self.trading, self.accounts, Positions(self.trading)
        # Method and path -> what does it, and which pace it counts against.
        self._routes: dict[tuple[str, str], tuple[Handler, str]] = {
            ("POST", "/v5/order/create"): (desk.create, "create"),
            ("POST", "/v5/order/amend"): (desk.amend, "amend"),
            ("POST", "/v5/order/cancel"): (desk.cancel, "cancel"),
            ("POST", "/v5/order/cancel-all"): (desk.cancel_all, "cancel-all"),
            ("GET", "/v5/order/realtime"): (mine.orders, "orders"),
            ("GET", "/v5/order/history"): (mine.order_history, "history"),
            ("GET", "/v5/execution/list"): (mine.executions, "executions"),
            ("GET", "/v5/position/list"): (held.positions, "positions"),
            ("GET", "/v5/position/closed-pnl"): (held.closed_profit, "positions"),
            ("POST", "/v5/position/set-leverage"): (held.set_leverage, "leverage"),
            ("POST", "/v5/position/switch-mode"): (held.switch_mode, "mode"),
            ("POST", "/v5/position/trading-stop"): (desk.trading_stop, "stop"),
            ("POST", "/v5/position/add-margin"): (held.add_margin, "stop"),
            ("POST", "/v5/position/set-auto-add-margin"): (held.set_auto_add_margin, "stop"),
            ("POST", "/v5/position/switch-isolated"): (held.switch_isolated, "mode"),
            ("GET", "/v5/account/wallet-balance"): (mine.wallet, "wallet"),
            ("GET", "/v5/account/info"): (mine.info, "info"),
            ("GET", "/v5/account/fee-rate"): (mine.fee_rates, "fee"),
            ("GET", "/v5/account/smp-group"): (mine.group, "info"),
            ("GET", "/v5/account/query-dcp-info"): (self.disconnection.info, "info"),
            ("POST", "/v5/order/disconnected-cancel-all"): (self.disconnection.set_window, "dcp"),
            ("POST", "/v5/account/set-limit-px-action"): (self.trading.limits.choose, "margin-mode"),
            ("GET", "/v5/account/transaction-log"): (mine.transactions, "info"),
            ("POST", "/v5/account/set-margin-mode"): (mine.set_margin_mode, "margin-mode"),
            ("GET", "/v5/asset/coin/query-info"): (lambda *_: mine.coins(), "key"),
            # Nothing is paid in or out, and there is one wallet.
            ("GET", "/v5/asset/deposit/query-record"): (lambda *_: {"rows": [], "nextPageCursor": ""}, "key"),
            ("GET", "/v5/asset/withdraw/query-record"): (lambda *_: {"rows": [], "nextPageCursor": ""}, "key"),
            ("GET", "/v5/asset/transfer/query-inter-transfer-list"): (
                lambda *_: {"list": [], "nextPageCursor": ""},
                "key",
            ),
        }

    def admit(self, query: Query) -> Answer | None:
        """Count a request; who is too fast meets 403 until the ban is over."""
        del query
        if self._limit.admit():
            return None
        # The venue's ban lasts ten minutes; a shortened one is told, so that clients need not wait as long.
        left = {"Retry-After": str(self._limit.ban_left_s())}
        return Answer(403, b"access too frequent", code=403, headers=left, content_type="text/plain")

    def answer(self, query: Query) -> Answer:
        """Return the answer to an admitted request."""
        if query.path not in HISTORY:
            self.world.wake()
        try:
            public = self.market.routes.get(query.path)
            if public is not None and query.method == "GET":
                return public(query)
            return self._private(query)
        except Refusal as refused:
            return self._refusal(refused)

    def advance(self, now_ms: int) -> None:
        """Let the market go on until then."""
        self.world.advance(now_ms)
        self.disconnection.look()

    def pulse(self) -> None:
        """Tell the streams what has changed."""
        for feed in self.feeds.values():
            feed.pulse()

    def is_watched(self) -> bool:
        """Tell whether anybody would miss what happens: by a stream, an order or a position."""
        accounts = self.world.exchange.accounts.values()
        held = any(position.lots for account in accounts for position in account.positions.values())
        waits = any(self.world.exchange.open_orders(account.number) for account in accounts)
        return held or waits or any(feed.is_watched for feed in self.feeds.values())

    def open_socket(
        self, path: str, send: Callable[[bytes], None], params: Mapping[str, str] | None = None
    ) -> Session | None:
        """Return a session for a new connection; None where there is no socket."""
        self.world.wake()
        if path.startswith("/v5/public/"):
            category = path.removeprefix("/v5/public/").strip("/")
            feed = self.feeds.get(category)
            return None if feed is None else PublicSession(send, self.clock.now_ms, feed, category)
        if path.rstrip("/") == "/v5/private":
            active_time = (params or {}).get("max_active_time", "")
            watch = self.disconnection
            return PrivateSession(send, self.clock.now_ms, self.door, self.trading, watch, active_time)
        if path.rstrip("/") == "/v5/trade":
            return TradeSession(send, self.clock.now_ms, self.door, self.commands)
        return None

    def limit_headers(self, query: Query) -> dict[str, str]:
        """Return the X-Bapi-Limit headers; the window has not been exceeded, so it resets now."""
        if not self._limit.units or query.path not in self.market.routes:
            return {}
        now = self._limit.now_ms()
        return limit_headers(self._limit.units, self._limit.remaining(), now, now)

    def throttled(self, query: Query, wait_s: float) -> Answer:
        """Return code 10006 with the time at which the limit resets."""
        del query
        now = self._limit.now_ms()
        headers = limit_headers(self._limit.units or 600, 0, now + int(wait_s * 1000), now)
        return self._refusal(Refusal(TOO_MANY, "Too many visits!"), headers)

    def holders(self) -> dict[str, list[int]]:
        """Return the core's accounts of each key."""
        return {key: [number] for key, (_, number) in self.keys.items()}

    def banned(self, query: Query, wait_s: float) -> Answer:
        """Shut an address out for so long: 403 until then."""
        self._limit.ban(wait_s)
        refused = self.admit(query)
        assert refused is not None
        return refused

    def maintained(self, query: Query) -> Answer:
        """Return code 10016, which the venue gives while a service restarts."""
        del query
        return self._refusal(Refusal(10016, "Service is restarting. Please try again later."))

    def timed_out(self, query: Query) -> Answer:
        """Return code 10000, after which a request may or may not have been carried out."""
        del query
        return self._refusal(Refusal(10000, "Server Timeout"))

    def order_named(self, query: Query) -> int | None:
        """Return the core's number of the order that a request names."""
        try:
            params = read_parameters(query.body) if query.method == "POST" else query.params
        except Refusal:
            return None
        account = self.keys.get(query.headers.get("x-bapi-api-key", ""), ("", 0))[1]
        ticket = self.records.find(account, str(params.get("orderId") or ""), str(params.get("orderLinkId") or ""))
        return None if ticket is None else ticket.order.number

    def restart_books(self) -> None:
        """Number every book anew from 1, as after a restart of the service."""
        for feed in self.feeds.values():
            feed.restart_books()

    def expire_listen_keys(self) -> None:
        """Do nothing: private sockets authenticate, and have no keys."""

    def addresses(self, root: str) -> dict[str, str]:
        """Return the base URLs; clients append the category to the public socket's."""
        sockets = "ws" + root.removeprefix("http")
        return {
            "rest": root,
            "ws_public": f"{sockets}/v5/public",
            "ws_private": f"{sockets}/v5/private",
            "ws_trade": f"{sockets}/v5/trade",
        }

    def _private(self, query: Query) -> Answer:
        route = self._routes.get((query.method, query.path))
        name = query.path.removeprefix("/v5/order/").removesuffix("-batch")
        is_batch = query.method == "POST" and query.path.endswith("-batch") and name in self.commands.calls
        is_key = (query.method, query.path) == ("GET", "/v5/user/query-api")
        if route is None and not is_batch and not is_key:
            return Answer(404, self.market.envelope(10017, "Route not found", b"{}"), code=10017)
        key, account = self.door.account_of(query)
        params = read_parameters(query.body) if query.method == "POST" else query.params
        category = str(params.get("category", ""))
        try:
            if is_batch:
                requests = params.get("request")
                headers = self.commands.pace(
                    account, "batch", category, len(requests) if isinstance(requests, list) else 1
                )
                result, codes = self.commands.batch(account, name, params)
                return self._ok(result, headers, {"list": codes})
            if is_key:
                return self._ok(
                    self.accounts.key_info(key, account), self.commands.pace(account, "key", ""), message=""
                )
            assert route is not None
            handler, group = route
            headers = self.commands.pace(account, group, category)
            return self._ok(handler(account, params), headers)
        except TooFast as fast:
            return self._refusal(fast, fast.headers)

    def _ok(
        self, result: Any, headers: Mapping[str, str], more: dict[str, Any] | None = None, message: str = "OK"
    ) -> Answer:
        extra = b"{}" if more is None else msgspec.json.encode(more)
        return Answer(200, self.market.envelope(0, message, msgspec.json.encode(result), extra), headers=headers)

    def _refusal(self, refused: Refusal, headers: Mapping[str, str] | None = None) -> Answer:
        body = self.market.envelope(refused.code, refused.message, b"{}")
        return Answer(200, body, code=refused.code, headers=headers or {})
