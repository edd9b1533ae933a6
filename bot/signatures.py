"""The known causes: `signatures/*.yaml`, elastic-recheck's files unchanged among them.

A file that is wrong is left out and named; it never stops the others.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator
from pydantic import Field as Key

from bot import shape, yamlmarks
from bot.lucene.inside import inside
from bot.lucene.limits import MAX_FILE
from bot.lucene.lint import Remark, lint
from bot.lucene.matching import matches
from bot.lucene.parse import SyntaxFault, parse
from bot.lucene.tokens import MESSAGES
from bot.lucene.tree import Node, Phrase, Word, wanted
from bot.model import Fields, Profile, Signature
from bot.records import ALL
from bot.search.profiles import LOGSENDER
from bot.section import Section
from bot.yamlmarks import Fault, Marked

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def misnamed(id: str) -> str:
    """Why it names no signature, "" if it may."""
    if id == ALL:
        return "it means every signature"
    return "" if ID.fullmatch(id) else "use letters, digits, ., _ and -, the first a letter or digit"


def as_text(value: object) -> object:
    """A number or a date as it is written; the old files have both in quotes and without."""
    return value if value is None or isinstance(value, bool | dict | list) else str(value)


Text = Annotated[str, BeforeValidator(as_text)]


class SignatureFile(Section):
    """The keys of one file: elastic-recheck's, and ours below `title`."""

    query: Annotated[str, Key(min_length=1)]
    suppress_graph: Annotated[bool, Key(alias="suppress-graph")] = False
    suppress_notification: Annotated[bool, Key(alias="suppress-notification")] = False
    allow_nonvoting: Annotated[bool, Key(alias="allow-nonvoting")] = False
    test_ids: tuple[str, ...] = ()
    resolved_at: Text = ""
    title: str = ""
    bug: Text = ""
    advice: Literal["recheck", "wait", "look"] | None = None
    matches: tuple[str, ...] = ()
    does_not_match: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where a signature came from, and the sample lines that it was given."""

    marked: Marked
    matches: tuple[str, ...]
    does_not_match: tuple[str, ...]


@dataclass
class Loaded:
    """All signatures that are sound, by id, with their trees; what is wrong with the others; what is questionable."""

    signatures: dict[str, Signature] = field(default_factory=dict)
    trees: dict[str, Node] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def load(folders: Sequence[Path], profile: Profile = LOGSENDER, fields: Fields | None = None) -> Loaded:
    """Every `*.yaml` of these folders; a later folder's file takes the place of an earlier one's of the same name.

    What is questionable for an index of this profile, and with these fields if they are known, is a warning; such a
    signature is used all the same.
    """
    loaded = Loaded()
    for file in _files(folders, loaded):
        _add(loaded, file, profile, fields)
    return loaded


def load_file(file: Path, profile: Profile = LOGSENDER) -> Loaded:
    """As `load`, of one file."""
    loaded = Loaded()
    _add(loaded, file, profile)
    return loaded


def warn(loaded: Loaded, id: str, remarks: Iterable[Remark]) -> None:
    """Add what is questionable about a signature's query."""
    marked = loaded.sources[id].marked
    loaded.warnings += [_in_query(marked, remark.at, remark.message) for remark in remarks]


def check(loaded: Loaded) -> list[Fault]:
    """Each line under `matches` that its query does not match, and each under `does_not_match` that it does.

    A line is a message: what the query says of other fields is taken to be so.
    """
    return sorted(fault for id in loaded.trees for fault in _samples(loaded.sources[id], loaded.trees[id]))


def _samples(source: Source, tree: Node) -> Iterator[Fault]:
    for at, line in enumerate(source.matches):
        if not matches(tree, {"message": line}):
            yield source.marked.fault(("matches", at), f"the query does not match this line{_because(tree, line)}")
    for at, line in enumerate(source.does_not_match):
        if matches(tree, {"message": line}):
            yield source.marked.fault(("does_not_match", at), "the query matches this line")


def _because(tree: Node, line: str) -> str:
    for leaf, _ in wanted(tree):
        if isinstance(leaf, Word | Phrase) and leaf.field in MESSAGES and (said := inside(leaf, line)):
            return f": {said}"
    return ""


def _files(folders: Iterable[Path], loaded: Loaded) -> Iterator[Path]:
    chosen: dict[str, Path] = {}
    for folder in folders:
        try:
            files = sorted(folder.iterdir())
        except OSError as error:
            why = "a file; name its folder" if folder.is_file() else f"cannot be read: {error.strerror}"
            loaded.faults.append(Fault(str(folder), 1, 1, "", why))
            continue
        chosen |= {file.stem: file for file in files if file.suffix == ".yaml"}
        strange = [file for file in files if file.suffix == ".yml"]
        loaded.warnings += [Fault(str(file), 1, 1, "", "not read: the name must end in .yaml") for file in strange]
    yield from chosen.values()


def _read(loaded: Loaded, file: Path) -> Marked | None:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for, a device read without end
            message = "not a regular file"
        elif status.st_size > MAX_FILE:
            size = f"{status.st_size:,} bytes, and {MAX_FILE:,} are the most"
            message = f"the file has {size}; one file is for one known cause"
        else:
            return yamlmarks.read(file)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    loaded.faults.append(Fault(str(file), 1, 1, "", message))
    return None


def _add(loaded: Loaded, file: Path, profile: Profile, fields: Fields | None = None) -> None:
    marked = _read(loaded, file)
    if marked is None:
        return
    content, faults = shape.fit(marked, SignatureFile)
    tree = None
    if content is not None and not faults:
        tree, faults = _parsed(content.query, marked)
    if why := misnamed(file.stem):
        faults.append(Fault(str(file), 1, 1, "", f"'{file.stem}' cannot name a signature: {why}"))
    loaded.faults += faults
    if content is None or tree is None or faults:
        return
    loaded.signatures[file.stem] = _signature(file.stem, content)
    loaded.trees[file.stem] = tree
    loaded.sources[file.stem] = Source(marked, content.matches, content.does_not_match)
    warn(loaded, file.stem, lint(content.query, tree, profile, fields))
    if content.test_ids:
        loaded.warnings.append(marked.fault(("test_ids",), "no subunit index is asked: the query alone decides"))


def _parsed(query: str, marked: Marked) -> tuple[Node | None, list[Fault]]:
    try:
        return parse(query), []
    except SyntaxFault as fault:
        return None, [_in_query(marked, fault.at, f"not a Lucene query: {fault}")]


def _in_query(marked: Marked, at: int, message: str) -> Fault:
    """A fault about a place inside the query, which may be folded over several lines."""
    place = marked.inside(("query",), at)
    return Fault(marked.file, place.line, place.column, "query", message)


def _signature(id: str, content: SignatureFile) -> Signature:
    finds = f"{content.allow_nonvoting}\0{content.query}"
    return Signature(
        id=id,
        query=content.query,
        digest=hashlib.sha256(finds.encode()).hexdigest(),
        title=content.title,
        bug=content.bug,
        advice=content.advice or "",
        notify=not content.suppress_notification,
        graph=not content.suppress_graph,
        nonvoting=content.allow_nonvoting,
        resolved_at=content.resolved_at,
        test_ids=content.test_ids,
    )
