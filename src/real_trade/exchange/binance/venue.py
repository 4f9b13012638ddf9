"""Binance as a whole: its three markets, REST and sockets, over one world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from real_trade.exchange.answers import Answer
from real_trade.exchange.binance.board import Board
from real_trade.exchange.binance.bulletins import Bulletins
from real_trade.exchange.binance.calls import FOLDERS, Call, endpoint, error, ok
from real_trade.exchange.binance.dated import Dated
from real_trade.exchange.binance.desks import SIGNED, Desks
from real_trade.exchange.binance.directory import Directory, Quotes
from real_trade.exchange.binance.feed import Feed
from real_trade.exchange.binance.frames import FrameSession
from real_trade.exchange.binance.history import QUIET, PastMarket
from real_trade.exchange.binance.limits import OrderCounts, Weights, weight_header
from real_trade.exchange.binance.options import Options
from real_trade.exchange.binance.patience import Patience
from real_trade.exchange.binance.records import Records
from real_trade.exchange.binance.refusals import Refusal
from real_trade.exchange.binance.settings import Settings
from real_trade.exchange.binance.signing import Doorkeeper
from real_trade.exchange.binance.sockets import StreamSession, place_of
from real_trade.exchange.binance.statistics import Statistics
from real_trade.exchange.binance.stream_rows import StreamRows
from real_trade.exchange.binance.tape import Tape
from real_trade.exchange.binance.tickers import Tickers
from real_trade.exchange.binance.users import Users
from real_trade.exchange.limits import Refusal as Excess
from real_trade.exchange.words import whole_number
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from real_trade.exchange.answers import Query, Session
    from real_trade.exchange.limits import Rate
    from real_trade.exchange.members import Member
    from real_trade.exchange.pages import History
    from real_trade.exchange.source import MarketSource
    from real_trade.exchange.world import Listing, World
    from real_trade.model import Clock

_FRAMES: Final = {"/ws-api/v3": Market.SPOT, "/ws-fapi/v1": Market.LINEAR, "/ws-dapi/v1": Market.INVERSE}
_LOST: Final = b"<html><body><h2>404 Not found</h2></body></html>"


class BinanceVenue:
    """Binance's interface.

    Args:
        source: the market.
        history: its bars, oldest first.
        world: the market as it goes on.
        members: who may trade; each has an account in each market, and its wallet in each.
        market_clock: market time.
        clock: the venue's own; signatures are judged by it.
        machine: the machine's clock; limits are measured by it.
        rate: weight per seconds instead of each market's own limit.
        ban_s: length of a ban.
        seed: decides names.
    """

    def __init__(
        self,
        source: MarketSource,
        history: History,
        world: World,
        members: Sequence[Member],
        market_clock: Clock,
        clock: Clock,
        machine: Clock,
        *,
        rate: Rate | None = None,
        ban_s: float = 600.0,
        seed: int = 0,
    ) -> None:
        self.world, self.clock, self._machine = world, clock, machine
        self._limited = rate is None or rate.units is not None
        self.accounts = {
            member.key: {market: world.open_account(member.wallet, member.tier).number for market in FOLDERS}
            for member in members
        }
        self._door = Doorkeeper({member.key: member.secret for member in members}, clock)
        self._weights = Weights(rate, ban_s, machine)
        self._counts = OrderCounts(machine, limited=self._limited)
        dated = Dated(source.instruments(), source.start_ms, market_clock)
        directory, quotes = Directory(source, world, dated), Quotes(source, world, dated)
        tape, self.records = Tape(world), Records(seed)
        self._users = Users(self.records, clock)
        past = PastMarket(quotes, history, world, source.start_ms, market_clock, clock, self._weights.rates)
        tickers = Tickers(quotes, history, world, tape, market_clock)
        self._board = Board(quotes, world, history, tape, self._settle)
        statistics = Statistics(quotes, history, world)
        settings = Settings(directory, world, self._users)
        self._bulletins = Bulletins(world, self.records, tape, settings, self._users)
        rows = StreamRows(world, self._board, tickers, past, tape)
        self.feeds = {market: Feed(market, world, history, tape, rows, quotes) for market in FOLDERS}
        self.desks = Desks(
            directory, world, history, past, tickers, self._board, statistics, self.records, settings, self._users,
            self._counts, clock, Options(dated.perpetual, history, world, market_clock, clock), self.accounts,
        )  # fmt: skip

    # REST

    def admit(self, query: Query) -> Answer | None:
        """Count a request's weight: 429 over the limit, 418 for who goes on regardless."""
        call = _call(query)
        return None if call is None else self._weights.take(call)

    def answer(self, query: Query) -> Answer:
        """Return the answer to an admitted request."""
        call = _call(query)
        security = None if call is None else self.desks.security(call)
        if call is None or security is None:
            return Answer(404, _LOST, 404, content_type="text/html")
        if call.name not in QUIET and not call.name.startswith("sapi/"):
            self.world.wake()
        try:
            if security == SIGNED:
                call = self.desks.owned(call, self._door.check(query, call.params))
            elif security == "key":
                call = self.desks.owned(call, self._door.key_of(query))
            result = self.desks.carry_out(call)
        except Refusal as refused:
            return error(refused.status, refused.code, refused.message, refused.data)
        return result if isinstance(result, Answer) else ok(result)

    def limit_headers(self, query: Query) -> dict[str, str]:
        """Return the weight used in the present window, and the orders counted where one was placed."""
        call = _call(query)
        if call is None:
            return {}
        used = str(self._weights.used(call.market))
        headers = {weight_header(self._weights.rates[call.market]): used}
        if call.is_spot:
            # Here it is also told under its old name.
            headers["X-MBX-USED-WEIGHT"] = used
        key = query.headers.get("x-mbx-apikey", "")
        if call.method != "GET" and "rder" in call.name and key in self.accounts:
            headers |= self._counts.headers(call.market, self.accounts[key][call.market])
        return headers

    def throttled(self, query: Query, wait_s: float) -> Answer:
        """Return 429 with Retry-After."""
        call = _call(query)
        market = Market.SPOT if call is None else call.market
        return self._weights.refusal(market, Excess(max(1, round(wait_s))))

    def banned(self, query: Query, wait_s: float) -> Answer:
        """Shut an address out for so long: 418 until then."""
        self._weights.ban(wait_s)
        refused = self.admit(query)
        return refused if refused is not None else self.throttled(query, wait_s)

    def maintained(self, query: Query) -> Answer:
        """Return the code that the venue gives while a service is down."""
        del query
        message = "Server is currently overloaded with other requests. Please try again in a few minutes."
        return error(503, -1008, message)

    def timed_out(self, query: Query) -> Answer:
        """Return code -1007, after which a request may or may not have been carried out."""
        del query
        message = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
        return error(503, -1007, message)

    def order_named(self, query: Query) -> int | None:
        """Return the core's number of the order that a request names."""
        call = _call(query)
        account = self.accounts.get(query.headers.get("x-mbx-apikey", ""))
        if call is None or account is None:
            return None
        number = whole_number(call.params.get("orderId", ""))
        ticket = self.records.find(account[call.market], number, call.params.get("origClientOrderId", ""))
        # One that a list is to place later the core does not have.
        return None if ticket is None or ticket.order.number == 0 else ticket.order.number

    def holders(self) -> dict[str, list[int]]:
        """Return the core's accounts of each key."""
        return {key: list(numbers.values()) for key, numbers in self.accounts.items()}

    # The market

    def advance(self, now_ms: int) -> None:
        """Let the market go on until then."""
        self.world.advance(now_ms)

    def pulse(self) -> None:
        """Tell the streams what has changed."""
        for feed in self.feeds.values():
            feed.pulse()
        self.desks.countdowns.pulse()
        self.desks.futures.expire()
        self._bulletins.pulse()
        self._users.pulse()

    def restart_books(self) -> None:
        """Number every book anew: the streams' next change does not follow the last."""
        self._board.renumber()
        for feed in self.feeds.values():
            feed.restart_books()

    def expire_listen_keys(self) -> None:
        """Let the keys of user streams be no longer valid."""
        self._users.expire()

    def _settle(self, listing: Listing) -> None:
        self.feeds[listing.instrument.market].settle(listing)

    # Sockets

    def open_socket(
        self, path: str, send: Callable[[bytes], None], params: Mapping[str, str] | None = None
    ) -> Session | None:
        """Return a session for a new connection; None where there is no socket."""
        market = _FRAMES.get(path.rstrip("/"))
        if market is not None:
            self.world.wake()
            return FrameSession(
                send, market, self.desks, self._door, self._users, self._weights, self._counts, self.clock.now_ms,
                Patience(market, self._machine, limited=self._limited),
            )  # fmt: skip
        place = place_of(path, params or {})
        if place is None:
            return None
        self.world.wake()
        patience = Patience(place.market, self._machine, limited=self._limited)
        return StreamSession(send, place, self.feeds, self._users, patience)

    def addresses(self, root: str) -> dict[str, Any]:
        """Return the base URLs of each market; those of spot also under the names that other venues have."""
        sockets = "ws" + root.removeprefix("http")
        frames = {market: f"{sockets}{path}" for path, market in _FRAMES.items()}
        streams = {
            Market.SPOT: f"{sockets}/stream/ws",
            Market.LINEAR: f"{sockets}{FOLDERS[Market.LINEAR]}/ws",
            Market.INVERSE: f"{sockets}{FOLDERS[Market.INVERSE]}/ws",
        }
        return {
            "rest": root,
            "rest_spot": root,
            "rest_linear": root,
            "rest_inverse": root,
            "ws_public": streams[Market.SPOT],
            "ws_private": frames[Market.SPOT],
            "ws_trade": frames[Market.SPOT],
            "markets": {
                str(market): {
                    "rest": root if market is Market.SPOT else f"{root}{folder}",
                    "ws": streams[market],
                    "ws_api": frames[market],
                }
                for market, folder in FOLDERS.items()
            },
        }


def _call(query: Query) -> Call | None:
    found = endpoint(query.path)
    if found is None:
        return None
    params = dict(query.params)
    if query.body:
        params |= dict(parse_qsl(query.body.decode(errors="replace"), keep_blank_values=True))
    market, name = found
    return Call(market, query.method, name, params, query.blemish)
