"""One strategy definition, for every runner: declared parameters, optional features, and ``on_bar``."""

from __future__ import annotations

import inspect
from collections import namedtuple
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from real_trade.model.errors import InputError, StrategyError
from real_trade.trading.desk import Desk
from real_trade.trading.params import Choice, Float, Int, Parameter, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.model.bars import Bar, Bars
    from real_trade.model.instrument import Instrument, Market
    from real_trade.model.tape import Trade


# Names of the desk's methods: a named tuple's field of that name would be hidden in compiled code.
NAMES_TAKEN = frozenset(name for name, value in vars(Desk).items() if callable(value) and not name.startswith("_"))


# A loop names each symbol of a strategy, so their number is bounded.
MOST_SYMBOLS = 16


class NoState(NamedTuple):
    """State of a strategy that remembers nothing."""

    nothing: bool = False


class Strategy:
    """Base of native strategies. A subclass declares parameters and writes ``on_bar``; nothing is ever instantiated.

    * Class attributes of type `Int`, `Float`, `Quantity`, `Choice` are parameters.
    * ``State``: a ``NamedTuple`` with a default for every field: what the strategy remembers between bars.
    * ``features(bars, p)``: optional; arrays of one value per bar, by name. The value at a bar may use that bar and
      earlier ones only.
    * ``on_bar(bar, x, state, p, desk)``: called once per closed bar with the bar, its row of features, the state, the
      parameters and the desk; returns the new state. It is compiled with Numba and runs as plain Python with identical
      results. Helper functions it calls are marked ``@compiled``.
    * A strategy of several symbols says how many (``symbols = 2``), and has ``on_bars(bars, x, state, p, desks)`` in
      place
      of ``on_bar``: tuples of bars and desks, one for each symbol, called whenever one of them has a closed bar. A
      symbol without a bar at that time shows a synthetic one at its last close. ``features`` gets a tuple of `Bars` of
      equal length.
    * ``on_trade(trade, x, state, p, desk)``: optional, with ``on_bar`` or alone, for one symbol: called for each trade
      where trades are stored; ``x`` is the row of the last closed bar.
    * ``check(p, instrument)``: optional; raises `InputError` for parameters that do not
      fit together.
    """

    State: ClassVar[type[Any]] = NoState
    symbols: ClassVar[int] = 1
    parameters: ClassVar[dict[str, Parameter]] = {}
    Params: ClassVar[type[Any]]

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:  # noqa: ARG004 - the interface
        """Return arrays by name; none by default."""
        return {}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Decide on one closed bar and return the new state."""
        raise StrategyError(
            "This strategy has no on_bar.", field="on_bar", fix="Define on_bar(bar, x, state, p, desk)."
        )

    @staticmethod
    def on_bars(bars: tuple[Bar, ...], x: Any, state: Any, p: Any, desks: tuple[Desk, ...]) -> Any:  # noqa: ARG004
        """Decide on the closed bars of several symbols and return the new state."""
        raise StrategyError(
            "This strategy has no on_bars.", field="on_bars", fix="Define on_bars(bars, x, state, p, desks)."
        )

    @staticmethod
    def on_trade(trade: Trade, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Decide on one trade and return the new state."""
        raise StrategyError(
            "This strategy has no on_trade.", field="on_trade", fix="Define on_trade(trade, x, state, p, desk)."
        )

    @classmethod
    def decides_on_bars(cls) -> bool:
        """Tell whether the strategy wants to see closed bars."""
        return cls.on_bar is not Strategy.on_bar or cls.on_bars is not Strategy.on_bars

    @classmethod
    def decides_on_trades(cls) -> bool:
        """Tell whether the strategy wants to see single trades."""
        return cls.on_trade is not Strategy.on_trade

    @staticmethod
    def check(p: Any, instrument: Any) -> None:
        """Refuse parameters that do not fit together, or not the instrument; accepts all by default.

        Args:
            p: as ``on_bar`` sees them.
            instrument: its `Instrument`; a tuple of them for a strategy of several symbols.
        """

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Collect the declared parameters and refuse a wrong definition at once."""
        super().__init_subclass__(**kwargs)
        declared = {
            name: value
            for base in reversed(cls.__mro__)
            for name, value in vars(base).items()
            if isinstance(value, Int | Float | Quantity | Choice)
        }
        cls.parameters = declared
        cls.Params = namedtuple("Params", list(declared) or ["none"])  # type: ignore[misc]  # noqa: PYI024 - made at run time
        cls.Params.__module__, cls.Params.__qualname__ = cls.__module__, f"{cls.__qualname__}.Params"
        _check_definition(cls)

    @classmethod
    def name(cls) -> str:
        """Return the class name in lower case with underscores.

        >>> class MyCross(Strategy):
        ...     @staticmethod
        ...     def on_bar(bar, x, state, p, desk):
        ...         return state
        >>> MyCross.name()
        'my_cross'
        """
        words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__)
        return words.strip("_")

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """Return name, description and parameters, ready for JSON."""
        rows = []
        for name, parameter in cls.parameters.items():
            row: dict[str, Any] = {"name": name, "kind": type(parameter).__name__.lower(), "default": parameter.default}
            if isinstance(parameter, Choice):
                row["options"] = list(parameter.options)
            else:
                row["low"], row["high"] = parameter.low, parameter.high
            rows.append({**row, "doc": parameter.doc})
        return {"name": cls.name(), "doc": inspect.getdoc(cls) or "", "parameters": rows}

    @classmethod
    def resolve_params(cls, given: Mapping[str, object], *instruments: Instrument) -> tuple[dict[str, object], Any]:
        """Return the full set of parameters as given or defaulted, and as ``on_bar`` sees them.

        Args:
            given: by name; text is understood.
            instruments: one for each symbol of the strategy, in their order.

        Raises:
            InputError: an unknown name, a value outside its bounds, or values that do not fit together.
        """
        for name in given:
            if name not in cls.parameters:
                near = get_close_matches(name, cls.parameters, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(cls.parameters) or 'none'}."
                raise InputError(
                    f"{cls.name()} has no parameter {name}.",
                    code="unknown_parameter",
                    field=name,
                    value=str(given[name]),
                    fix=hint,
                )
        values: dict[str, object] = {}
        core = []
        for name, parameter in cls.parameters.items():
            value = parameter.parse(name, given.get(name, parameter.default))
            values[name] = str(value) if isinstance(parameter, Quantity) else value
            place = parameter.symbol if isinstance(parameter, Quantity) else 0
            core.append(parameter.to_core(value, instruments[place]))
        p = cls.Params(*(core or [0]))
        cls.check(p, instruments[0] if cls.symbols == 1 else instruments)
        return values, p


def refuse_on_spot(market: Market, what: str) -> None:
    """Raise if a strategy that must be able to sell short is to trade spot."""
    if market == "spot":
        raise InputError(
            f"{what} needs short positions, which spot does not have.",
            code="no_short_on_spot",
            field="mode",
            value=what,
            fix="Trade a linear market, or choose a long-only mode.",
        )


def _check_definition(cls: type[Strategy]) -> None:
    _check_methods(cls)
    _check_state(cls)
    for name, parameter in cls.parameters.items():
        if isinstance(parameter, Quantity) and not 0 <= parameter.symbol < cls.symbols:
            raise StrategyError(
                f"{cls.__name__}.{name} is a quantity of symbol {parameter.symbol}.",
                field=name,
                value=parameter.symbol,
                fix=f"Count its symbols from 0 to {cls.symbols - 1}.",
            )
    for name in [*cls.parameters, *cls.State._field_defaults]:
        if name in NAMES_TAKEN:
            raise StrategyError(
                f"{cls.__name__} has a parameter or memory named {name}, which is what the desk does.",
                field=name,
                fix="Give it another name: compiled code could not tell the two apart.",
            )


def _check_methods(cls: type[Strategy]) -> None:
    if not isinstance(cls.symbols, int) or not 1 <= cls.symbols <= MOST_SYMBOLS:
        raise StrategyError(
            f"{cls.__name__}.symbols is {cls.symbols!r}.",
            field="symbols",
            value=str(cls.symbols),
            fix=f"Write how many symbols it trades: a whole number from 1 to {MOST_SYMBOLS}.",
        )
    if cls.symbols > 1 and cls.decides_on_trades():
        raise StrategyError(
            f"{cls.__name__} has on_trade and {cls.symbols} symbols.",
            field="on_trade",
            fix="Trades are shown to strategies of one symbol.",
        )
    if cls.symbols > 1:
        _check_signature(cls, "on_bars", "bars, x, state, p, desks")
    elif cls.decides_on_bars() or not cls.decides_on_trades():
        _check_signature(cls, "on_bar", "bar, x, state, p, desk")
    if cls.decides_on_trades():
        _check_signature(cls, "on_trade", "trade, x, state, p, desk")


def _check_signature(cls: type[Strategy], name: str, wanted: str) -> None:
    given = list(inspect.signature(getattr(cls, name)).parameters)
    is_static = isinstance(inspect.getattr_static(cls, name), staticmethod)
    if not is_static or len(given) != len(wanted.split(",")):
        raise StrategyError(
            f"{cls.__name__}.{name} takes ({', '.join(given)}).",
            field=name,
            value=", ".join(given),
            fix=f"Write it as @staticmethod def {name}({wanted}).",
        )


def _check_state(cls: type[Strategy]) -> None:
    defaults = getattr(cls.State, "_field_defaults", None)
    if defaults is None or set(defaults) != set(cls.State._fields):
        raise StrategyError(
            f"{cls.__name__}.State must be a NamedTuple with a default for every field.",
            field="State",
            fix="For example: class State(NamedTuple): sign: int = 0",
        )
    for name, value in defaults.items():
        if not isinstance(value, bool | int | float):
            raise StrategyError(
                f"{cls.__name__}.State.{name} starts as {value!r}.",
                field=f"State.{name}",
                value=str(value),
                fix="State fields are whole numbers, real numbers or True/False.",
            )
