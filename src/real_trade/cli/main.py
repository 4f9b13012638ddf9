"""Entry point of `real-trade`: find the verb, run it, and turn every error into one line and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from real_trade.cli.parser import EXIT_CODES, Parser
from real_trade.cli.registry import VERBS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.model.errors import RealTradeError

EXIT_INTERNAL: Final = 70  # a mistake in this program (EX_SOFTWARE)
EXIT_INTERRUPTED: Final = 130  # ended by Ctrl-C
EXIT_PIPE: Final = 141  # whoever read our output went away


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        argv: the words after the program's name; by default those of the process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    # What modules define lives to the end; to look through it after every 700 objects takes a tenth of the start.
    gc.set_threshold(50_000)
    try:
        return _run(words)
    except SystemExit as leaving:  # argparse leaves this way after --help
        return leaving.code if isinstance(leaving.code, int) else 0
    except KeyboardInterrupt:
        return _interrupted(words)
    except BrokenPipeError:
        # The interpreter flushes stdout once more at its end; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    except Exception as error:  # noqa: BLE001 - the edge of the process: whatever happened becomes one line
        return _report(error, words)


def _run(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        print(_help())
        return 0
    if words[0] == "--version":
        from real_trade import __version__

        print(f"real-trade {__version__}")
        return 0
    name, rest = words[0], words[1:]
    if name not in VERBS:
        raise _unknown_verb(name)
    parser = verb_parser(name)
    args = parser.read(rest)
    from real_trade.cli.output import Output
    from real_trade.model.errors import InputError

    try:
        return int(_load(VERBS[name].run)(args, Output(as_json=args.json)))
    except InputError as error:
        parser.name_flag(error)
        raise


def verb_parser(name: str) -> Parser:
    """Return the parser of a verb, with every flag it has."""
    parser = Parser(name, VERBS[name])
    _add_common(parser)
    _load(VERBS[name].configure)(parser)
    return parser


def _add_common(parser: Parser) -> None:
    group = parser.add_argument_group("every command")
    group.add_argument("--json", action="store_true", help="write one JSON document to stdout")
    group.add_argument(
        "-c", "--config", action="append", default=[], metavar="FILE", help="configuration file; may be repeated"
    )
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


def _help() -> str:
    width = max(map(len, VERBS)) + 2
    lines = [f"  {name:<{width}}{verb.summary}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            "usage: real-trade COMMAND [flags]",
            "",
            "From exchange history to a backtest report.",
            "",
            "commands:",
            *lines,
            "",
            "real-trade COMMAND --help shows the flags of a command, with an example.",
            "",
            EXIT_CODES.rstrip(),
        ]
    )


def _unknown_verb(name: str) -> RealTradeError:
    from real_trade.model.errors import InputError

    if name.startswith("-"):
        return InputError(
            f"{name} stands before the command.",
            code="unknown_flag",
            field=name,
            value=name,
            fix="Flags come after the command; see: real-trade --help",
        )
    near = get_close_matches(name, VERBS, n=1, cutoff=0.5)
    return InputError(
        f"Unknown command {name}.",
        code="unknown_command",
        field="command",
        value=name,
        fix=f"Did you mean {near[0]}?" if near else "See: real-trade --help",
    )


def _report(error: Exception, words: list[str]) -> int:
    """Say what happened, in one line and, if asked, as JSON; return the exit code."""
    from real_trade.cli.output import Output
    from real_trade.model.errors import RealTradeError

    if "--debug" in words:
        import traceback

        Output(as_json=False).note("".join(traceback.format_exception(error)).rstrip())
    known = error if isinstance(error, RealTradeError) else _from_system(error)
    if known is None:
        document: dict[str, object] = {
            "code": "internal_error",
            "field": None,
            "value": None,
            "message": f"A mistake in this program: {type(error).__name__}: {error}",
            "fix": "Run it again with --debug and report what it shows.",
        }
        exit_code = EXIT_INTERNAL
    else:
        document, exit_code = known.to_dict(), known.exit_code
    out = Output(as_json="--json" in words)
    sentence = " ".join(f"error: {document['message']} {document['fix'] or ''}".split())
    # Files and venues may have put control characters into a message; a terminal would obey them.
    out.note("".join(letter if letter.isprintable() else "?" for letter in sentence))
    if out.as_json:
        out.result({"error": document}, "")
    return exit_code


def _interrupted(words: list[str]) -> int:
    from real_trade.cli.output import Output

    out = Output(as_json="--json" in words)
    out.note("interrupted")
    if out.as_json:
        error = {"code": "interrupted", "field": None, "value": None, "message": "Interrupted.", "fix": "Run it again."}
        out.result({"error": error}, "")
    return EXIT_INTERRUPTED


def _from_system(error: Exception) -> RealTradeError | None:
    """Return the house's error for what the operating system refused, or None."""
    import errno

    from real_trade.model.errors import StorageError, UnreachableError

    if isinstance(error, ConnectionError | TimeoutError):
        return UnreachableError(
            f"No connection: {error or type(error).__name__}.", fix="Check the address and try again."
        )
    if not isinstance(error, OSError) or error.errno is None:
        return None
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    where = str(error.filename) if error.filename else None
    return StorageError(
        f"{where or 'The disk'}: {error.strerror}.",
        code="disk_full" if full else "storage_error",
        value=where,
        fix="Free some space; what was stored before is unharmed." if full else "Check the path and its permissions.",
    )


if __name__ == "__main__":
    sys.exit(main())
