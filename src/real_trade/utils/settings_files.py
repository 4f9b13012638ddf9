"""Configuration files as plain data: JSON, YAML, TOML, and Python files read as literals, each key with its line."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from real_trade.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import yaml

# A configuration is a page; what is bigger is another file named by mistake.
_LARGEST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a configuration file says.

    Attributes:
        path: as it was named.
        values: nested mappings by key.
        lines: line number by dotted key, where known.
    """

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def origin(self, key: str) -> str:
        """Return where a key was set: ``config.toml:3``."""
        line = self.lines.get(key)
        return f"{self.path}:{line}" if line else str(self.path)


def read_settings_file(path: str | Path) -> SettingsFile:
    """Return the contents of a configuration file; nothing in it is ever executed.

    Raises:
        ConfigError: it cannot be read or parsed, or has a suffix other than .json .yaml .yml .toml .py.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(
            f"{path} has no known kind of configuration in it.",
            code="unknown_config_kind",
            field="config",
            value=str(path),
            fix=f"Use a file that ends in {', '.join(_READERS)}.",
        )
    text = _read_text(path)
    try:
        values, lines = reader(text, path)
    except (RecursionError, MemoryError):
        _fail(path, None, "it is nested too deeply")
    if not isinstance(values, dict):
        _fail(path, None, "it must hold one table of keys and values")
    return SettingsFile(path, values, lines)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"The configuration file {path} cannot be read: {error.strerror}.",
            code="unreadable_config",
            field="config",
            value=str(path),
            fix="Check the path and the permissions, or write one with: real-trade new-config",
        ) from None
    if len(data) > _LARGEST_BYTES:
        _fail(path, None, f"it is larger than {_LARGEST_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _fail(path, data.count(b"\n", 0, error.start) + 1, "it is not UTF-8 text")


def _fail(path: Path, line: int | None, reason: str) -> NoReturn:
    place = f"{path}, line {line}" if line else str(path)
    raise ConfigError(
        f"The configuration file {place} cannot be used: {reason}.",
        code="unreadable_config",
        field="config",
        value=str(path),
        fix="Correct the file; real-trade new-config writes a good one to compare with.",
    )


def _read_json(text: str, path: Path) -> tuple[Any, dict[str, int]]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                _fail(path, None, f"the key {key!r} is there twice")
            seen[key] = value
        return seen

    def not_a_number(word: str) -> NoReturn:
        _fail(path, None, f"{word} is not a number in JSON")

    try:
        values = json.loads(text, object_pairs_hook=unique, parse_constant=not_a_number)
    except json.JSONDecodeError as error:
        _fail(path, error.lineno, error.msg[:1].lower() + error.msg[1:])
    return values, _json_lines(text)


def _json_lines(text: str) -> dict[str, int]:
    """Return the line of every key of a valid JSON text, by one walk over its strings and brackets."""
    lines: dict[str, int] = {}
    scope: list[str] = []
    key, line = "", 1
    for token in re.finditer(r'\n|"((?:[^"\\]|\\.)*)"(\s*:)?|[{}\[\]]', text):
        word = token.group()
        if word == "\n":
            line += 1
        elif word in "{[":
            scope.append(key)
        elif word in "}]":
            scope.pop()
        elif token.group(2):
            key = str(json.loads(f'"{token.group(1)}"'))
            lines[".".join([*filter(None, scope[1:]), key])] = line
            line += word.count("\n")
    return lines


def _read_toml(text: str, path: Path) -> tuple[Any, dict[str, int]]:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        reason = re.sub(r"\s*\(at .*\)$", "", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        _fail(path, line, reason[:1].lower() + reason[1:])
    return values, _toml_lines(text)


def _toml_lines(text: str) -> dict[str, int]:
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            table = re.sub(r"[\s\"']", "", header.group(1)) + "."
            lines.setdefault(table[:-1], number)
        elif pair := re.match(r"\s*([\w.\"' -]+?)\s*=", line):
            lines.setdefault(table + re.sub(r"[\s\"']", "", pair.group(1)), number)
    return lines


def _read_yaml(text: str, path: Path) -> tuple[Any, dict[str, int]]:
    import yaml

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            _fail(path, None, "references (*name) are not used in a configuration")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[str, int] = {}
        if node is not None:
            _yaml_lines(node, "", lines, path)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        _fail(path, mark.line + 1 if mark else None, error.problem or "it is not YAML")
    except yaml.YAMLError:
        _fail(path, None, "it holds characters that YAML does not allow")
    except ValueError:
        _fail(path, None, "it holds a date or number that does not exist")
    return {} if values is None else values, lines


def _yaml_lines(node: yaml.Node, prefix: str, lines: dict[str, int], path: Path) -> None:
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return
    for key_node, value_node in node.value:
        key = f"{prefix}{key_node.value}" if isinstance(key_node, yaml.ScalarNode) else prefix
        line = key_node.start_mark.line + 1
        if key in lines:
            _fail(path, line, f"the key {key!r} is there twice")
        lines[key] = line
        _yaml_lines(value_node, f"{key}.", lines, path)


def _read_python(text: str, path: Path) -> tuple[Any, dict[str, int]]:
    """Read ``name = literal`` lines, or one dictionary; anything else is refused, nothing is run."""
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        _fail(path, error.lineno, error.msg)
    except ValueError:
        _fail(path, None, "it is not Python text")
    if body and _is_docstring(body[0]):
        body = body[1:]
    if len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Dict):
        lines: dict[str, int] = {}
        _python_lines(body[0].value, "", lines, path)
        return _literal(body[0].value, path), lines
    values: dict[str, Any] = {}
    lines = {}
    for statement in body:
        name, value = _assignment(statement, path)
        if name in values:
            _fail(path, statement.lineno, f"the key {name!r} is there twice")
        values[name] = _literal(value, path)
        lines[name] = statement.lineno
        _python_lines(value, f"{name}.", lines, path)
    return values, lines


def _is_docstring(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _assignment(statement: ast.stmt, path: Path) -> tuple[str, ast.expr]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Name):
            return target.id, value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is not None:
        return statement.target.id, statement.value
    _fail(path, statement.lineno, "only lines such as  symbol = 'BTCUSDT'  are read; the file is not run")


def _literal(node: ast.expr, path: Path) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        _fail(path, node.lineno, "only plain values (text, numbers, True, None, dictionaries) are read")


def _python_lines(node: ast.expr, prefix: str, lines: dict[str, int], path: Path) -> None:
    if not isinstance(node, ast.Dict):
        return
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        if isinstance(key_node, ast.Constant):
            key = f"{prefix}{key_node.value!s}"
            if key in lines:
                _fail(path, key_node.lineno, f"the key {key!r} is there twice")
            lines[key] = key_node.lineno
            _python_lines(value_node, f"{key}.", lines, path)


_READERS: Final[dict[str, Callable[[str, Path], tuple[Any, dict[str, int]]]]] = {
    ".json": _read_json,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".toml": _read_toml,
    ".py": _read_python,
}
