"""How charter.toml is read: a TOML file in, frozen objects out, every fault with its line and key.

`Document.read` follows the type hints of a dataclass. Beside the type, a hint may carry rules
(`Annotated[int, Between(2, 100)]`); a rule returns what is wrong, or None.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from pipelines.errors import CharterFileError
from pipelines.periods import Period

T = TypeVar("T")
Key = tuple[str | int, ...]  # ("retention", "traffic", "period"): where a value stands in the file
Rule = Callable[[Any, Mapping[str, Any]], str | None]  # (value, whole file) → what is wrong

_SCALARS: Mapping[type, str] = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    date: "a date such as 2021-11-01, without quotes",
}


@dataclass(frozen=True, slots=True)
class Between:
    """A number must lie between two bounds, both included."""

    low: float
    high: float

    def __call__(self, value: float, _file: Mapping[str, Any]) -> str | None:
        """Return what is wrong with the number."""
        return None if self.low <= value <= self.high else f"must be between {self.low} and {self.high}."


@dataclass(frozen=True, slots=True)
class Like:
    """A text must have a form."""

    pattern: str
    example: str

    def __call__(self, value: str, _file: Mapping[str, Any]) -> str | None:
        """Return what is wrong with the text."""
        return None if re.fullmatch(self.pattern, value) else f'must read like "{self.example}".'


@dataclass(frozen=True, slots=True)
class IdOf:
    """A text must be the id of an entry of another part of the file."""

    part: str

    def __call__(self, value: str, file: Mapping[str, Any]) -> str | None:
        """Return what is wrong with the reference."""
        if value in file.get(self.part, {}):
            return None
        return f"no entry [{self.part}.{value}] in this file: correct the id, or add the entry."


class Holds:
    """A part must have these entries; with `only`, no others."""

    def __init__(self, *ids: str, only: bool = False) -> None:
        self.ids, self.only = ids, only

    def __call__(self, value: Mapping[str, Any], _file: Mapping[str, Any]) -> str | None:
        """Return what is wrong with the entries."""
        if missing := [id_ for id_ in self.ids if id_ not in value]:
            return f"lacks {', '.join(missing)}, which the pipelines need: add it."
        if self.only and (unknown := sorted(value.keys() - set(self.ids))):
            return f"has {', '.join(unknown)}, which the pipelines do not know: remove it."
        return None


class Document:
    """A parsed TOML file; a fault in it is reported with the line of its key."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        try:
            self.content: Mapping[str, Any] = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise CharterFileError(self._not_toml(str(error))) from None

    @classmethod
    def at(cls, path: Path) -> Document:
        """Parse the file at `path`."""
        return cls(path.name, decode(path))

    def read(self, cls: type[T]) -> T:
        """Return the whole file as one object of dataclass `cls`."""
        whole: T = self._table(cls, self.content, ())
        return whole

    def fault(self, key: Key, what: str) -> NoReturn:
        """Raise CharterFileError for `key`, at its line or that of the nearest key around it."""
        lines = key_lines(self._text)
        known = next(key[:end] for end in range(len(key), -1, -1) if key[:end] in lines)
        where = ".".join(map(str, key)) or "the file"
        raise CharterFileError(f"{self._name} line {lines[known]}: {where}: {what}")

    def _table(self, cls: Any, value: Any, key: Key) -> Any:
        """Read one table: the fields of `cls` are the keys allowed, those without default the keys needed."""
        if not isinstance(value, dict):
            self.fault(key, "must be a table of keys and values.")
        wanted = {field.name: field for field in fields(cls) if field.name != "id"}
        for name in [name for name in value if name not in wanted]:
            self.fault((*key, name), f"unknown key: remove it, or use one of {', '.join(wanted)}.")
        hints = get_type_hints(cls, include_extras=True)
        given: dict[str, Any] = {"id": key[-1]} if "id" in hints else {}
        for name, field in wanted.items():
            if name in value:
                given[name] = self._value(hints[name], value[name], (*key, name))
            elif _is_needed(field):
                self.fault((*key, name), "missing: add it.")
        return cls(**given)

    def _value(self, hint: Any, value: Any, key: Key) -> Any:
        """Read one value as the type `hint` says."""
        readers: Mapping[Any, Callable[[tuple[Any, ...], Any, Key], Any]] = {
            Annotated: self._ruled,
            Literal: self._one_of,
            Mapping: self._entries,
            Union: self._present,
            UnionType: self._present,
            tuple: self._list,
        }
        if reader := readers.get(get_origin(hint)):
            return reader(get_args(hint), value, key)
        if hint is Period:
            return self._period(value, key)
        return self._table(hint, value, key) if is_dataclass(hint) else self._scalar(hint, value, key)

    def _ruled(self, parts: tuple[Any, ...], value: Any, key: Key) -> Any:
        hint, *rules = parts
        read = self._value(hint, value, key)
        for rule in rules:
            if wrong := rule(read, self.content):
                self.fault(key, wrong)
        return read

    def _one_of(self, words: tuple[Any, ...], value: Any, key: Key) -> Any:
        return value if value in words else self.fault(key, f"must be one of: {', '.join(words)}.")

    def _present(self, parts: tuple[Any, ...], value: Any, key: Key) -> Any:
        """Read "X | None": the key may be left out, but nothing in TOML is None."""
        return self._value(parts[0], value, key)

    def _list(self, parts: tuple[Any, ...], value: Any, key: Key) -> tuple[Any, ...]:
        if not isinstance(value, list):
            self.fault(key, "must be a list in square brackets.")
        return tuple(self._value(parts[0], item, (*key, index)) for index, item in enumerate(value))

    def _entries(self, parts: tuple[Any, ...], value: Any, key: Key) -> Mapping[str, Any]:
        if not isinstance(value, dict) or not value:
            self.fault(key, "must be a part with at least one entry.")
        for name in value:
            if not re.fullmatch("[a-z][a-z0-9_]*", name):
                self.fault((*key, name), "an id begins with a small letter; small letters, digits, _ follow.")
        return MappingProxyType({name: self._value(parts[1], value[name], (*key, name)) for name in value})

    def _period(self, value: Any, key: Key) -> Period:
        text = self._scalar(str, value, key)
        try:
            return Period.parse(text)
        except CharterFileError as error:
            self.fault(key, str(error))

    def _scalar(self, hint: type, value: Any, key: Key) -> Any:
        if hint is float and type(value) is int:
            return float(value)
        if type(value) is not hint:  # exactly: true is not a number, a time of day is not a date
            self.fault(key, f"must be {_SCALARS[hint]}.")
        if isinstance(value, str) and not value.strip():
            self.fault(key, "is empty: fill it in.")
        return value

    def _not_toml(self, message: str) -> str:
        at_line = re.search(r"at line (\d+)", message)
        line = int(at_line[1]) if at_line else self._text.count("\n") + 1
        return f"{self._name} line {line}: not valid TOML: {message}"


def key_lines(text: str) -> dict[Key, int]:
    """Return the line, from 1, on which each key of the valid TOML `text` first stands.

    tomllib gives no line numbers. A TOML file is a sequence of statements, each a header or a
    key with its value, and each valid by itself; so every statement is parsed alone, by tomllib.
    """
    lines: dict[Key, int] = {(): 1}
    lengths: dict[Key, int] = {}  # of each [[array]] so far
    table: Key = ()
    for line, statement in _statements(text):
        content = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _header(content, lengths)
            keys: Iterator[Key] = iter(table[:end] for end in range(1, len(table) + 1))
        else:
            keys = _keys_within(content, table)
        for key in keys:
            lines.setdefault(key, line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield (first line, statement); lines are added until they parse: an open value never does."""
    held: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        held.append(line)
        try:
            tomllib.loads("\n".join(held))
        except tomllib.TOMLDecodeError:
            continue
        yield number - len(held) + 1, "\n".join(held)
        held.clear()


def _header(content: Mapping[str, Any], lengths: dict[Key, int]) -> Key:
    """Return the key that a header, parsed alone, opens: {"a": {"b": [{}]}} is [[a.b]]."""
    key: Key = ()
    inner: Any = content
    while isinstance(inner, dict) and inner:
        ((name, inner),) = inner.items()
        key = (*key, name)
        if isinstance(inner, list):
            lengths[key] = lengths.get(key, 0) + 1
        if key in lengths:
            key = (*key, lengths[key] - 1)
    return key


def _keys_within(value: Any, key: Key) -> Iterator[Key]:
    """Yield the keys of a value and of what it contains."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inside:
        yield (*key, name)
        yield from _keys_within(item, (*key, name))


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def decode(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CharterFileError(
            f"{path} cannot be read ({error.strerror}): put the policy there, or name it in CHARTER_FILE."
        ) from None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")  # Windows editors add a byte-order mark
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise CharterFileError(f"{path.name} line {line}: not UTF-8: save the file as UTF-8.") from None
