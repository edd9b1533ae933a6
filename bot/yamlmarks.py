"""YAML files as plain data that remembers where each value stood; the only home of `yaml`.

Keys are always text, as written (`on:` is "on", not true). `${NAME}` in a text value is replaced from the
environment where one is given. Whatever is wrong is a Fault with file, line and column; nothing is raised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

Key = str | int
KeyPath = tuple[Key, ...]
VARIABLE = re.compile(r"\$\{(\w+)\}")
MOST_VALUES = 100_000  # aliases of aliases grow without bound; no honest file has this many

# How PyYAML's scanner says it -> how we say it. Never with the text itself: it may be a secret.
PLAIN_WORDS = (
    ("found undefined alias", "an alias without its anchor; a text that starts with * needs quotes"),
    ("found undefined tag handle", "a text that starts with ! needs quotes"),
    ("could not determine a constructor", "a text that starts with ! needs quotes"),
    ("mapping values are not allowed here", "a colon that does not belong here; a text with ': ' in it needs quotes"),
    ("found character '\\t'", "a tab; indent with spaces"),
    ("found character", "a text that starts with this character needs quotes"),
    ("could not find expected ':'", "a key without its colon"),
    ("but found another document", "a second document ('---'); a file has one"),
    ("expected <block end>", "this does not stand in line with what is above it"),
)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, and where: line and column count from 1, `key_path` is `feeds.nova.rooms[0]` or ""."""

    file: str
    line: int
    column: int
    key_path: str
    message: str

    def __str__(self) -> str:
        path = f"{self.key_path}: " if self.key_path else ""
        return f"{self.file}:{self.line}:{self.column}: {path}{self.message}"


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """How a single value stood in the file: its text before any replacement, and PyYAML's style sign."""

    text: str
    style: str
    place: Place


@dataclass
class Marked:
    """Plain data (dict, list, str, int, float, bool, None, date), and for each key path where it stood.

    `places`: where a fault about the path is shown: the key of a mapping's entry, the item of a list.
    `scalars`: the single values. `faults`: what was wrong with the YAML itself; `broken`: the data says nothing.
    """

    file: str
    text: str
    data: object = None
    places: dict[KeyPath, Place] = field(default_factory=dict)
    scalars: dict[KeyPath, Scalar] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    broken: bool = False

    def unreadable(self, line: int, column: int, message: str) -> None:
        """It is no YAML."""
        self.faults.append(Fault(self.file, line, column, "", message))
        self.broken = True

    def fault(self, path: KeyPath, message: str, *, about_key: bool = False) -> Fault:
        """A fault about a value, or (`about_key`) about the key itself; a path that is not there: its parent."""
        known = path
        while known and known not in self.places:
            known = known[:-1]
        place = self.places.get(known, Place(1, 1))
        if not about_key and known in self.scalars:
            place = self.scalars[known].place
        return Fault(self.file, place.line, place.column, written(path), message)

    def inside(self, path: KeyPath, at: int) -> Place:
        """Where character `at` of a text value stands in the file, whose lines may have been folded into one.

        Each line of the file is looked for in the value, behind the one before it; where escapes make a line
        differ from its value, it is the line above.
        """
        scalar = self.scalars[path]
        lines = self.text.splitlines()
        block = scalar.style in ("|", ">")
        first = scalar.place.line + block
        skip = 0 if block else scalar.place.column - 1 + bool(scalar.style)
        here, end = Place(first, skip + 1), 0
        for number in range(first, len(lines) + 1):
            raw = lines[number - 1]
            words = raw[skip:].strip()
            start = scalar.text.find(words, end)
            if start < 0 and not block:
                words = words.rstrip("'\"")  # the quote that ends it
                start = scalar.text.find(words, end)
            if start < 0 or start > at:
                break
            if words:
                here = Place(number, raw.index(words, skip) + 1 + at - start)
            skip, end = 0, start + len(words)
        return here


def written(path: KeyPath) -> str:
    """`feeds.nova.rooms[0]` for ("feeds", "nova", "rooms", 0)."""
    parts = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return "".join(parts).removeprefix(".")


def read(path: Path, environment: Mapping[str, str] | None = None) -> Marked:
    """Read a file; without an environment `${NAME}` stays as it is. Raises OSError if it cannot be opened."""
    content = path.read_bytes()
    try:
        return marked(content.decode("utf-8-sig"), str(path), environment)
    except UnicodeDecodeError as error:
        into = Marked(str(path), "")
        into.unreadable(content.count(b"\n", 0, error.start) + 1, 1, "not UTF-8")
        return into


def marked(text: str, file: str, environment: Mapping[str, str] | None = None) -> Marked:
    """The same for a text; `file` is the name that faults show."""
    into = Marked(file, text)
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is not None:
            into.data = _Walk(loader, into, environment).value(root, ())
    except yaml.MarkedYAMLError as error:
        _syntax_fault(into, error)
    except yaml.reader.ReaderError as error:
        sign = f"U+{ord(text[error.position]):04X}"
        into.unreadable(text.count("\n", 0, error.position) + 1, 1, f"the character {sign} may not stand in YAML")
    except RecursionError:
        into.unreadable(1, 1, "nested too deep")
    return into


def _syntax_fault(into: Marked, error: yaml.MarkedYAMLError) -> None:
    problem = error.problem or "cannot be read"
    plain = next((ours for theirs, ours in PLAIN_WORDS if problem.startswith(theirs)), problem)
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    into.unreadable(line, column, f"not YAML: {plain}")


@dataclass
class _Walk:
    """From nodes to plain data; what it meets on the way goes into the Marked."""

    loader: yaml.SafeLoader
    into: Marked
    environment: Mapping[str, str] | None
    values: int = 0

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        self.values += 1
        if self.values > MOST_VALUES:
            raise yaml.MarkedYAMLError(problem="too many values", problem_mark=node.start_mark)
        self.into.places.setdefault(path, _place(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self.scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.report(path, _place(key), "a key must be a plain word")
            elif key.tag == "tag:yaml.org,2002:merge":
                self.report(path, _place(key), "merge keys (<<) are not read")
            elif key.value in found:
                first = self.into.places[(*path, key.value)].line
                self.report((*path, key.value), _place(key), f"the same key again; the first is in line {first}")
            else:
                self.into.places[(*path, key.value)] = _place(key)
                found[key.value] = self.value(value, (*path, key.value))
        return found

    def scalar(self, node: yaml.ScalarNode, path: KeyPath) -> object:
        self.into.scalars[path] = Scalar(node.value, node.style or "", _place(node))
        try:
            value = self.loader.construct_object(node)
        except ValueError:
            self.report(path, _place(node), "looks like a date or a number and is none; a text needs quotes")
            return node.value
        return self.replaced(value, path) if isinstance(value, str) else value

    def replaced(self, text: str, path: KeyPath) -> str:
        if self.environment is None:
            return text
        for name in VARIABLE.findall(text):
            if name not in self.environment:
                place = self.into.scalars[path].place
                self.report(path, place, f"the environment variable {name} is not set")
                return text
        return VARIABLE.sub(lambda found: (self.environment or {})[found[1]], text)

    def report(self, path: KeyPath, place: Place, message: str) -> None:
        self.into.faults.append(Fault(self.into.file, place.line, place.column, written(path), message))


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
