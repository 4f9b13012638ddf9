"""The loop over bars as source text, for any number of legs, feeds and mandates.

The text is put together from a piece for each leg (a strategy in one instrument), each feed and each mandate; `render`
tells the order of events in a bar. The same text is made in two dialects: ``compiled`` reads columns by index and
passes tables by address, ``plain`` draws ready-made rows from iterators (columns read one element at a time are what
makes Python slow).
"""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from real_trade.backtest.plan import Plan
    from real_trade.trading.strategy import Strategy

_HEAD = '''\
"""Generated: the loop of {strategies}."""

from math import inf, nan

from real_trade.kernels.accounting import free_of, lots_in_bar, mark, opening, volume_in_lots, worth_of
from real_trade.kernels.jit import handle_of
from real_trade.kernels.leg import meet_bar, settle_funding
from real_trade.kernels.liquidation import adverse, liquidate, liquidation_band, liquidation_price, maintenance_of
from real_trade.kernels.requests import take_requests
from real_trade.kernels.slippage import true_range
from real_trade.kernels.tables import FAR, MAX_REQUESTS, Market, no_counts, with_room
from real_trade.model.bars import Bar
from real_trade.trading.desk import Desk
'''

# What a call into machine code costs is more than these take.
_PLAIN_HEAD = """\

from real_trade.kernels.jit import plain
lots_in_bar, volume_in_lots = plain(lots_in_bar), plain(volume_in_lots)
"""

# j is the number of the leg, k of its feed, s of its mandate.
_LEG_START = """\
ledger_{j} = opening(cash_{s} if {first} else 0)
counts_{j} = no_counts()
below_{j}, above_{j} = -1, FAR
requests_at_{j}, orders_at_{j}, working_at_{j} = handle_of(requests_{j}), handle_of(orders_{j}), handle_of(working_{j})
fills_at_{j}, payments_at_{j}, tiers_at_{j} = handle_of(fills_{j}), handle_of(payments_{j}), handle_of(tiers_{j})
"""

# From a view, plain Python reads numbers of its own, at half the price of an array's.
_LEG_VIEW = "requests_{j}, asked_{j} = memoryview(requests_{j}), memoryview(requests_{j}[MAX_REQUESTS])"

_FEED_FUNDING = """\
while due_bar_{k}[next_{k}] == i:
{legs}
    next_{k} += 1
"""
_LEG_FUNDING = """\
if ledger_{j}.position != 0:
    if counts_{j}.payments == len(payments_{j}):
        payments_{j} = with_room(payments_{j}, counts_{j}.payments + 1)
        payments_at_{j} = handle_of(payments_{j})
    counts_{j}, ledger_{j} = settle_funding(
        i, time_ms[i], due_price_{k}[next_{k}], due_rate_{k}[next_{k}], payments_at_{j}, counts_{j}, ledger_{j},
        terms_{j}
    )
    {band}
"""
_BAND = "below_{j}, above_{j} = liquidation_band(ledger_{j}, terms_{j}, tiers_at_{j})"

_LEG_ROOM = """\
if counts_{j}.fills + 2 * counts_{j}.working + 1 > len(fills_{j}):
    fills_{j} = with_room(fills_{j}, counts_{j}.fills + 2 * counts_{j}.working + 1)
    fills_at_{j} = handle_of(fills_{j})
if counts_{j}.orders == len(orders_{j}):
    orders_{j} = with_room(orders_{j}, counts_{j}.orders + 1)
    orders_at_{j} = handle_of(orders_{j})
"""
_LEG_MEET = """\
if {present}(
    (counts_{j}.working > 0 and (low_{k}[i] <= counts_{j}.lower or high_{k}[i] >= counts_{j}.upper))
    or mark_low_{k}[i] <= below_{j} or mark_high_{k}[i] >= above_{j}
):
    before = true_range(high_{k}[i - 1], low_{k}[i - 1], close_{k}[max(i - 2, 0)]) if i > 0 else 0
    backing = {backing}
{meetings}
"""
_MEET_BAR = """\
if left_{k} < 0:
    left_{k} = lots_in_bar(volume_{k}[i], terms_{j})
{room}
market = Market(
    i, i, time_ms[i], time_ms[i] + span_ms, open_{k}[i], high_{k}[i], low_{k}[i], close_{k}[i], left_{k},
    volume_in_lots(volume_{k}[i], terms_{j}), before, False,
)
counts_{j}, ledger_{j}, left_{k}, below_{j}, above_{j} = meet_bar(
    market, mark_low_{k}[i], mark_high_{k}[i], orders_at_{j}, working_at_{j}, fills_at_{j}, counts_{j}, ledger_{j},
    terms_{j}, tiers_at_{j}, backing, below_{j}, above_{j}, {alone}
)
"""
# Where finer bars are stored, the bar is met piece by piece.
_MEET_FINER = """\
for f in range(fine_first_{k}[i], fine_first_{k}[i + 1]):
    if not (
        (counts_{j}.working > 0 and (fine_low_{k}[f] <= counts_{j}.lower or fine_high_{k}[f] >= counts_{j}.upper))
        or fine_low_{k}[f] <= below_{j} or fine_high_{k}[f] >= above_{j}
    ):
        continue
{room}
    market = Market(
        i, -2 - f, fine_time_{k}[f], fine_time_{k}[f] + fine_span_{k}, fine_open_{k}[f], fine_high_{k}[f],
        fine_low_{k}[f], fine_close_{k}[f], lots_in_bar(fine_volume_{k}[f], terms_{j}),
        volume_in_lots(fine_volume_{k}[f], terms_{j}), before, fine_span_{k} == 1,
    )
    counts_{j}, ledger_{j}, _, below_{j}, above_{j} = meet_bar(
        market, fine_low_{k}[f], fine_high_{k}[f], orders_at_{j}, working_at_{j}, fills_at_{j}, counts_{j}, ledger_{j},
        terms_{j}, tiers_at_{j}, backing, below_{j}, above_{j}, {alone}
    )
if fine_first_{k}[i] == fine_first_{k}[i + 1]:
{whole}
"""

# A cross account of several legs: what counts is all of it, at the worst prices of the bar.
_JOINT = """\
exposed = {any_position}
if exposed:
{sums}
    # No tier asks for more than half of a position's value: mostly that is answer enough.
    if {equity} <= ({values}) // 2 + {legs}:
{needs}
        if {equity} <= {needed}:
{liquidations}
            exposed = {any_position}
"""
_LEG_SUM = """\
at_{j} = adverse(ledger_{j}.position, mark_high_{k}[i], mark_low_{k}[i])
worth_{j} = worth_of(ledger_{j}.position, at_{j}, terms_{j})
sum_{j} = ledger_{j}.cash + worth_{j}
"""
_LEG_NEED = "need_{j} = maintenance_of(ledger_{j}, at_{j}, terms_{j}, tiers_at_{j})\n"
_LEG_JOINT_LIQUIDATION = """\
if ledger_{j}.position != 0 and terms_{j}.short_allowed and {equity} <= {needed}:
{room}
    market = Market(
        i, i, time_ms[i], time_ms[i] + span_ms, open_{k}[i], high_{k}[i], low_{k}[i], close_{k}[i], 0, 0, 0, False
    )
    counts_{j}, ledger_{j} = liquidate(
        market, liquidation_price(ledger_{j}, terms_{j}, tiers_at_{j}, {free}), orders_at_{j}, working_at_{j},
        fills_at_{j}, counts_{j}, ledger_{j}, terms_{j}, {others}
    )
    sum_{j}, need_{j} = ledger_{j}.cash, 0
"""

_LEG_DESK = """\
desk_{j} = Desk(
    ledger_{j}.position, counts_{j}.working, ledger_{j}.entry_ticks, ({cash}) * cash_unit, point_value_{j},
    terms_{j}.inverse, counts_{j}.orders + 1, {asked},
)
"""
_LEG_REQUESTS = """\
if requests_{j}[MAX_REQUESTS, 0] > 0:
    if counts_{j}.orders + MAX_REQUESTS + 1 > len(orders_{j}):
        orders_{j} = with_room(orders_{j}, counts_{j}.orders + MAX_REQUESTS + 1)
        orders_at_{j} = handle_of(orders_{j})
    if counts_{j}.working + MAX_REQUESTS > len(working_{j}):
        working_{j} = with_room(working_{j}, counts_{j}.working + MAX_REQUESTS)
        working_at_{j} = handle_of(working_{j})
    counts_{j} = take_requests(
        i - 1, time_ms[i - 1], time_ms[i - 1] + span_ms, close_{k}[i - 1], requests_at_{j}, orders_at_{j},
        working_at_{j}, fills_at_{j}, counts_{j}, ledger_{j}.position, terms_{j}
    )
"""

_BAR_COLUMNS = ("time_ms", "open_{k}", "high_{k}", "low_{k}", "close_{k}", "volume_{k}", "synthetic_{k}")
_FEED_ARGUMENTS = (
    *_BAR_COLUMNS[1:],
    *("mark_high_{k}", "mark_low_{k}", "due_bar_{k}", "due_rate_{k}", "due_price_{k}"),
)
_FINER_ARGUMENTS = ("time", "open", "high", "low", "close", "volume", "first", "span")
_LEG_ARGUMENTS = (
    *("terms_{j}", "tiers_{j}", "requests_{j}", "orders_{j}", "working_{j}", "fills_{j}", "payments_{j}"),
    "point_value_{j}",
)


class LegShape(NamedTuple):
    """What the text must know of a leg: its number, its feed's, its mandate's, and those of its mandate's first leg."""

    j: int
    k: int
    s: int
    first: bool


class Shape(NamedTuple):
    """What the text depends on beside the strategies themselves.

    Attributes:
        strategies: one class per mandate.
        features: names of the features of each.
        finer: of each feed, whether it has finer bars.
        gaps: whether bars are missing from any.
        legs: all of them, in order.
        joint: whether positions back each other.
    """

    strategies: tuple[type[Strategy], ...]
    features: tuple[tuple[str, ...], ...]
    finer: tuple[bool, ...]
    gaps: bool
    legs: tuple[LegShape, ...]
    joint: bool


def shape_of(plan: Plan) -> Shape:
    """Return the shape of a plan."""
    numbers = [(s, leg.feed, place == 0) for s, m in enumerate(plan.mandates) for place, leg in enumerate(m.legs)]
    return Shape(
        tuple(mandate.strategy for mandate in plan.mandates),
        tuple(tuple(mandate.features) for mandate in plan.mandates),
        tuple(feed.finer is not None for feed in plan.feeds),
        any(feed.present is not None for feed in plan.feeds),
        tuple(LegShape(j, k, s, first) for j, (s, k, first) in enumerate(numbers)),
        plan.joint,
    )


def argument_names(shape: Shape, *, plain: bool) -> list[str]:
    """Return the names of the loop's arguments, in order; `engine` gathers their values by name."""
    names = ["time_ms", "span_ms", "stops"]
    for k, finer in enumerate(shape.finer):
        names += [name.format(k=k) for name in _FEED_ARGUMENTS]
        names += [f"present_{k}"] if shape.gaps else []
        names += [f"fine_{name}_{k}" for name in _FINER_ARGUMENTS] if finer else []
        names += [f"rows_{k}"] if plain else []
    for s, features in enumerate(shape.features):
        names += [f"x_rows_{s}"] if plain else [f"feature_{s}_{f}" for f in range(len(features))]
        names += [f"param_{s}_{p}" for p in range(len(shape.strategies[s].Params._fields))]
        names += [f"cash_{s}", f"equity_{s}"]
    for leg in shape.legs:
        names += [name.format(j=leg.j) for name in _LEG_ARGUMENTS]
    return names


def render(shape: Shape, *, plain: bool) -> str:
    """Return the text of the loop.

    In a bar come first funding, then for each leg its orders and its liquidation, then the liquidation of what is
    backed jointly; then the strategies decide, and what they ask for is taken down for the bars to come.
    """
    legs, body = shape.legs, Lines()
    body.add("cash_unit = 1e-8", "n = len(time_ms)")
    body.add(*(f"close_at_{k} = handle_of(close_{k})" for k in range(len(shape.finer))))
    body.add(*(f"next_{k} = 0" for k in range(len(shape.finer))))
    for s, strategy in enumerate(shape.strategies):
        values = ", ".join(repr(value) for value in strategy.State._field_defaults.values())
        body.add(f"params_{s} = Params_{s}({', '.join(f'param_{s}_{p}' for p in range(len(strategy.Params._fields)))})")
        body.add(f"state_{s} = State_{s}({values})", f"equity_at_{s} = handle_of(equity_{s})")
    body.add(*(_LEG_START.format(**leg._asdict()) for leg in legs))
    if plain:
        body.add(*(_LEG_VIEW.format(j=leg.j) for leg in legs))
    body.add("exposed = False", "stop_at, stop = 0, int(stops[0])", "i = 0", "while i < n:")
    body.add(_funding(shape), *_meetings(shape), depth=1)
    if shape.joint:
        body.add(_joint(legs), depth=1)
    body.add(*(_desk(shape, leg, plain=plain) for leg in legs), *_decisions(shape, plain=plain), depth=1)
    body.add(*_marks(legs), *(_LEG_REQUESTS.format(**leg._asdict()) for leg in legs), depth=1)
    body.add(f"if {' or '.join(f'counts_{leg.j}.failure > 0' for leg in legs)}:", "    break", depth=1)
    results = (f"(counts_{j}, ledger_{j}, orders_{j}, fills_{j}, payments_{j})" for j in range(len(legs)))
    body.add(f"return i - 1, ({', '.join(results)},)")
    head = _HEAD.format(strategies=", ".join(strategy.__name__ for strategy in shape.strategies))
    start = _PLAIN_HEAD if plain else "from real_trade.kernels.jit import compiled\n"
    end = "" if plain else "\n\nrun = compiled(run)\n"
    arguments = indent(",\n".join(argument_names(shape, plain=plain)), "    ")
    return f"{head}{start}\n\ndef run(\n{arguments},\n):\n{indent(body.text, '    ')}{end}"


class Lines:
    """Text under construction, a depth of indentation for each part."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, *parts: str, depth: int = 0) -> None:
        """Add lines."""
        for part in parts:
            self.text += indent(part.rstrip("\n") + "\n", "    " * depth) if part else ""


def _funding(shape: Shape) -> str:
    text = "if i == stop:\n"
    for k in range(len(shape.finer)):
        legs = "".join(
            _LEG_FUNDING.format(band="" if shape.joint else _BAND.format(j=leg.j), **leg._asdict())
            for leg in shape.legs
            if leg.k == k
        )
        text += indent(_FEED_FUNDING.format(k=k, legs=indent(legs, "    ").rstrip()), "    ")
    return text + "    stop_at += 1\n    stop = int(stops[stop_at])\n"


def _meetings(shape: Shape) -> Iterator[str]:
    yield "".join(f"left_{k} = -1\n" for k in range(len(shape.finer)))
    for leg in shape.legs:
        names = leg._asdict() | {"alone": str(not shape.joint)}
        room = _LEG_ROOM.format(**names)
        meeting = _MEET_BAR.format(room=room.rstrip(), **names)
        if shape.finer[leg.k]:
            whole = indent(meeting, "    ").rstrip()
            meeting = _MEET_FINER.format(room=indent(room, "    ").rstrip(), whole=whole, **names)
        yield _LEG_MEET.format(
            present=f"present_{leg.k}[i] and " if shape.gaps else "",
            backing=_backing(shape.legs, leg),
            meetings=indent(meeting, "    ").rstrip(),
            **names,
        )


def _backing(legs: tuple[LegShape, ...], leg: LegShape) -> str:
    """Return the expression of what the rest of the account has free: all of the strategy's own, no more of others'."""

    def free(of_same_mandate: bool) -> str:
        parts = [
            f"free_of(ledger_{other.j}, close_{other.k}[max(i - 1, 0)], terms_{other.j})"
            for other in legs
            if other.j != leg.j and (other.s == leg.s) == of_same_mandate
        ]
        return " + ".join(parts) or "0"

    rest = free(of_same_mandate=False)
    return free(of_same_mandate=True) + ("" if rest == "0" else f" + min(0, {rest})")


def _joint(legs: tuple[LegShape, ...]) -> str:
    def total(word: str, but: int = -1) -> str:
        return " + ".join(f"{word}_{leg.j}" for leg in legs if leg.j != but) or "0"

    liquidations = "".join(
        _LEG_JOINT_LIQUIDATION.format(
            room=indent(_LEG_ROOM.format(**leg._asdict()), "    ").rstrip(),
            equity=total("sum"),
            needed=total("need"),
            others=total("sum", leg.j),
            free=f"{total('sum', leg.j)} - ({total('need', leg.j)})",
            **leg._asdict(),
        )
        for leg in legs
    )
    return _JOINT.format(
        any_position=" or ".join(f"(ledger_{leg.j}.position != 0 and terms_{leg.j}.short_allowed)" for leg in legs),
        sums=indent("".join(_LEG_SUM.format(**leg._asdict()) for leg in legs), "    ").rstrip(),
        needs=indent("".join(_LEG_NEED.format(**leg._asdict()) for leg in legs), "        ").rstrip(),
        values=" + ".join(f"abs(worth_{leg.j})" for leg in legs),
        legs=len(legs),
        equity=total("sum"),
        needed=total("need"),
        liquidations=indent(liquidations, "            ").rstrip(),
    )


def _desk(shape: Shape, leg: LegShape, *, plain: bool) -> str:
    cash = " + ".join(f"ledger_{other.j}.cash" for other in shape.legs if other.s == leg.s)
    asked = f"requests_{leg.j}" if plain else f"requests_at_{leg.j}"
    return _LEG_DESK.format(cash=cash, asked=asked, **leg._asdict())


def _decisions(shape: Shape, *, plain: bool) -> Iterator[str]:
    """Yield the inner loop: nothing can happen to the account until something is asked for, or a price is met."""
    legs, feeds, number = shape.legs, range(len(shape.finer)), len(shape.strategies)
    yield "first = i"
    watched = " or ".join(
        f"counts_{j}.lower > -1 or counts_{j}.upper < FAR or below_{j} > -1 or above_{j} < FAR"
        for j in range(len(legs))
    )
    yield f"watched = {watched}"
    if plain:
        rows = [f"rows_{k}" for k in feeds] + [f"x_rows_{s}" for s in range(number)]
        drawn = [f"bar_{k}" for k in feeds] + [f"x_{s}" for s in range(number)]
        yield f"for {', '.join(drawn)} in zip({', '.join(rows)}):"
    else:
        yield "while True:"
        for k in feeds:
            yield f"    bar_{k} = Bar({', '.join(f'{name}[i]'.format(k=k) for name in _BAR_COLUMNS)})"
        for s, features in enumerate(shape.features):
            yield f"    x_{s} = Row_{s}({', '.join(f'feature_{s}_{f}[i]' for f in range(len(features))) or '0'})"
    for s, strategy in enumerate(shape.strategies):
        own = [leg for leg in legs if leg.s == s]
        bars = ", ".join(f"bar_{leg.k}" for leg in own)
        desks = ", ".join(f"desk_{leg.j}" for leg in own)
        if strategy.symbols == 1:
            guard = f"if present_{own[0].k}[i]: " if shape.gaps else ""
            yield f"    {guard}state_{s} = decide_{s}({bars}, x_{s}, state_{s}, params_{s}, {desks})"
        else:
            yield f"    state_{s} = decide_{s}(({bars}), x_{s}, state_{s}, params_{s}, ({desks}))"
    number_of = "asked_{j}[0]" if plain else "requests_{j}[MAX_REQUESTS, 0]"
    asked = " or ".join(f"{number_of} > 0".format(j=j) for j in range(len(legs)))
    if shape.joint:
        asked = f"exposed or {asked}"
    yield f"    i += 1\n    if i == stop or {asked}:\n        break"
    reached = " or ".join(
        f"low_{leg.k}[i] <= counts_{leg.j}.lower or high_{leg.k}[i] >= counts_{leg.j}.upper "
        f"or mark_low_{leg.k}[i] <= below_{leg.j} or mark_high_{leg.k}[i] >= above_{leg.j}"
        for leg in legs
    )
    yield f"    if watched and ({reached}):\n        break"


def _marks(legs: tuple[LegShape, ...]) -> Iterator[str]:
    for leg in legs:
        yield f"mark(equity_at_{leg.s}, close_at_{leg.k}, first, i, ledger_{leg.j}, terms_{leg.j}, {not leg.first})"
