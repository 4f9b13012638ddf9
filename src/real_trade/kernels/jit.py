"""The one typed door to Numba: what is compiled here also runs as plain Python, with identical results."""

from __future__ import annotations

import fcntl
import inspect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import numba
from llvmlite import ir
from numba.core.errors import NumbaError, UnsupportedBytecodeError
from numba.extending import intrinsic, overload, overload_method

# Numba resolves names of compiled code in its module.
carray = cast("Any", numba).carray
_unliteral = cast("Any", numba).types.unliteral

if TYPE_CHECKING:
    from collections.abc import Callable

# What compilation may raise.
COMPILER_ERRORS = (NumbaError, UnsupportedBytecodeError)

# Stands for the unknown length of an array behind an address; nothing checks it.
_ANY_LENGTH = 2**40

P = ParamSpec("P")
R = TypeVar("R")

__all__ = [
    "COMPILER_ERRORS",
    "compiled",
    "compiled_methods",
    "compiled_part",
    "handle_of",
    "int_column",
    "int_table",
    "jit_is_on",
    "plain",
]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of scalars, arrays and named tuples; its machine code is kept on disk.

    No fast-math and no parallel reduction: both would break bit-equality with plain Python.
    """
    dispatcher = _by_type(numba.njit(cache=True, fastmath=False)(function))
    file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if file is not None:
        _watch_neighbours(file, function)
        _forgive_stale_files(file)
        _take_turns(file)
    return cast("Callable[P, R]", dispatcher)


def _watch_neighbours(file: Any, function: Callable[..., Any]) -> None:
    """Let machine code count as stale when any file beside the function's own, or any kernel, has changed.

    Numba looks at the function's own file alone, though what it calls is compiled into it: machine code kept from
    before would go on with the old arithmetic.
    """
    folder = Path(function.__code__.co_filename).parent
    stamp = getattr(file, "_source_stamp", None)
    file._source_stamp = (stamp, _stamp_of(folder), _stamp_of(Path(__file__).parent))  # noqa: SLF001 - no other door


@cache
def _stamp_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    if not folder.is_dir():  # a function from a notebook's cell or from generated text
        return ()
    found = ((path.name, path.stat()) for path in sorted(folder.glob("*.py")))
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)


def _forgive_stale_files(file: Any) -> None:
    """Let files of machine code that name classes which are gone count as absent, instead of failing the run.

    Numba unpickles them before it looks whether the source has changed: a class renamed in a strategy, or moved by an
    upgrade, would otherwise end every later run with an AttributeError.
    """
    for name, nothing in (("_load_index", dict), ("load", lambda: None)):
        method = getattr(file, name, None)
        if method is not None:
            setattr(file, name, _or_nothing(method, nothing))


def _take_turns(file: Any) -> None:
    """Let processes read and write kept machine code one after the other.

    Numba tells of a new file before it has written it, and two processes may give the same name to different code.
    """
    for name in ("load", "save"):
        method = getattr(file, name, None)
        if method is not None:
            setattr(file, name, _in_turn(method, Path(file._index_path).with_suffix(".lock")))  # noqa: SLF001 - no other door


def _in_turn(method: Callable[..., Any], lock: Path) -> Callable[..., Any]:
    def waiting(*args: Any) -> Any:
        try:
            handle = lock.open("ab")
        except OSError:  # no folder yet, or one that cannot be written: there is nothing to take turns about
            return method(*args)
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            return method(*args)

    return waiting


def _or_nothing(method: Callable[..., Any], nothing: Callable[[], Any]) -> Callable[..., Any]:
    def forgiving(*args: Any) -> Any:
        try:
            return method(*args)
        except (AttributeError, ImportError):
            return nothing()

    return forgiving


def compiled_part(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that is only ever called from a cached one, and so needs no cache of its own."""
    return cast("Callable[P, R]", _by_type(numba.njit(cache=False, fastmath=False)(function)))


def _by_type(dispatcher: Any) -> Any:
    """Let a function be compiled once per type of its arguments; Numba would do it again for each constant passed.

    A constant is still carried into what is inlined, by LLVM.
    """
    template_of = getattr(dispatcher, "get_call_template", None)
    if template_of is not None:
        dispatcher.get_call_template = lambda args, kws: template_of(
            tuple(map(_unliteral, args)), {name: _unliteral(kind) for name, kind in kws.items()}
        )
    return dispatcher


def plain(function: Callable[P, R]) -> Callable[P, R]:
    """Return the Python function behind a compiled one."""
    return cast("Callable[P, R]", getattr(function, "py_func", function))


def jit_is_on() -> bool:
    """Tell whether functions are compiled at all (``NUMBA_DISABLE_JIT=1`` turns that off)."""
    return not getattr(numba.config, "DISABLE_JIT", False)


def compiled_methods(owner: type[Any], *names: str) -> None:
    """Make methods of a named-tuple class callable from compiled code.

    The method's own source is what gets compiled, so the two forms cannot drift apart.
    """
    for name in names:
        overload_method(numba.types.NamedTuple, name)(_chooser(owner, getattr(owner, name)))


def _chooser(owner: type[Any], method: Callable[..., Any]) -> Callable[..., Any]:
    def choose(*args: Any) -> Callable[..., Any] | None:
        return method if args[0].instance_class is owner else None

    # Numba compares the chooser's signature with the method's.
    choose.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    choose.__name__ = method.__name__
    return choose


@intrinsic  # type: ignore[untyped-decorator,unused-ignore]
def _pointer(_context: Any, _address: Any) -> Any:
    """Turn an address into a pointer to int64."""
    signature = cast("Any", numba.types).CPointer(numba.types.int64)(numba.types.int64)

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(64).as_pointer())

    return signature, generate


def handle_of(array: Any) -> Any:
    """Return what `int_table` and `int_column` turn back into the array.

    In plain Python that is the array itself, in compiled code its address: a loop that hands arrays to a function on
    every bar pays for reference counting (75 instead of 7 ns a bar, measured), an integer costs nothing. Whoever takes
    a handle keeps the array alive, and takes a new one when the array is replaced.
    """
    return array


# Numba compares an overload's signature with its implementation's, annotations included: none of them has any.
@overload(handle_of)
def _handle_of(array):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
    return lambda array: array.ctypes.data


def int_table(handle: Any, columns: int) -> Any:
    """Return the table of int64 with so many columns behind a handle; compiled code does not know its length."""
    assert handle.shape[1] == columns
    return handle


@overload(int_table)
def _int_table(handle, columns):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
    if isinstance(handle, numba.types.Array):
        return lambda handle, columns: handle  # noqa: ARG005
    return lambda handle, columns: carray(_pointer(handle), (_ANY_LENGTH, columns))  # type: ignore[call-arg]


def int_column(handle: Any) -> Any:
    """Return the int64 array behind a handle; compiled code does not know its length."""
    return handle


@overload(int_column)
def _int_column(handle):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    if isinstance(handle, numba.types.Array):
        return lambda handle: handle
    return lambda handle: carray(_pointer(handle), (_ANY_LENGTH,))  # type: ignore[call-arg]
