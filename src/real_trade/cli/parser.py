"""An argument parser that raises the house's errors, with the flag concerned and the nearest right one."""

from __future__ import annotations

import argparse
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.cli.registry import Verb
    from real_trade.model.errors import InputError

EXIT_CODES: Final = """\
exit codes:
  0  done
  1  the job found something wrong (bad data, a refused gap)
  2  bad usage or input
  3  a venue, server or disk did not do its part
  4  refused by a safety rule
"""


class Parser(argparse.ArgumentParser):
    """Parser of one verb; long flags are never abbreviated, so that scripts keep their meaning."""

    def __init__(self, name: str, verb: Verb) -> None:
        """Prepare help with an example for the verb."""
        lines = "\n".join(f"  {line}" for line in verb.example.splitlines())
        super().__init__(
            prog=f"real-trade {name}",
            description=f"{verb.summary[0].upper()}{verb.summary[1:]}.",
            epilog=f"example:\n{lines}\n\n{EXIT_CODES}",
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        self._verb = name

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the parsed flags.

        Raises:
            InputError: an unknown flag, a missing or a surplus value.
        """
        args, surplus = self.parse_known_args(list(arguments))
        if surplus:
            raise self._surplus(surplus[0])
        return args

    def error(self, message: str) -> NoReturn:
        """Turn argparse's finding into an error of the house."""
        from real_trade.model.errors import InputError

        if named := re.match(r"argument ([^:]+): (.*)", message, re.DOTALL):
            field: str | None = named.group(1).rpartition("/")[2].partition(" ")[0]
            sentence = f"{field}: {named.group(2)}"
        elif required := re.match(r"the following arguments are required: (.+)", message):
            field = required.group(1).partition(",")[0].strip()
            sentence = f"{field} is required"
        elif required := re.match(r"one of the arguments (.+) is required", message):
            flags = required.group(1).split()
            field, sentence = flags[0], f"{' or '.join(flags)} is required"
        else:
            field, sentence = None, message
        raise InputError(
            f"{sentence}.", code="bad_usage", field=field, fix=f"See: real-trade {self._verb} --help"
        ) from None

    def name_flag(self, error: InputError) -> None:
        """Have an error of an inner room, which knows no flags, name the flag that its field came from."""
        from real_trade.model.errors import ConfigError

        flag = f"--{(error.field or '').replace('_', '-')}"
        if flag not in self._option_string_actions:
            flags = (action for action in self._actions if action.option_strings and action.dest == error.field)
            flag = next((action.option_strings[-1] for action in flags), "")
        if flag and not isinstance(error, ConfigError):
            error.field = flag

    def _surplus(self, word: str) -> InputError:
        from real_trade.model.errors import InputError

        flag = word.partition("=")[0]
        if not flag.startswith("-"):
            return InputError(
                f"{word!r} is one word too many.",
                code="bad_usage",
                field="arguments",
                value=word,
                fix=f"See: real-trade {self._verb} --help",
            )
        near = get_close_matches(flag, self._option_string_actions, n=1, cutoff=0.5)
        return InputError(
            f"Unknown flag {flag}.",
            code="unknown_flag",
            field=flag,
            value=flag,
            fix=f"Did you mean {near[0]}?" if near else f"See: real-trade {self._verb} --help",
        )


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Room enough for the longest flag, and no line broken in an example."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)
