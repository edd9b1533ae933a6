"""Documents made up from a query: builds that it hits, and builds that it nearly hits.

The query's tree only says what to make; what hits is decided by the servers that are asked. A document is flat, under
the names of old, as `tests/endtoend/documents.py` has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.lucene.tree import Bool, Leaf, Node, Occur, Phrase, Range, Wildcard, Word
from bot.search.profiles import LOGSTASH
from tests.endtoend.documents import Document

Values = Mapping[str, tuple[str, ...]]  # field of old -> what it should hold

# A value like another one: of old, and on a keyword today, none of these is it.
NEARLY = ("{0}-python3", "{0} {0}", "the-{0}", "x/{0}")
NOT_IN_FRONT = ("{0}-python3", "{0}.gz")  # of a file's name what stands in front may be a folder
IN_THE_ROOT = ("console.html", "job-output.txt")
BASE = {
    "build_name": "gate-other",
    "build_status": "FAILURE",
    "project": "openstack/other",
    "build_queue": "check",
    "build_branch": "master",
    "build_patchset": "2",
    "build_node": "devstack-precise-1",
    "voting": "1",
    "loglevel": "INFO",
}


def documents(id_: str, tree: Node, now: datetime) -> Iterator[Document]:
    """A document for each way to be hit, near misses of each, and one with what the query forbids; each a build."""
    for number, values in enumerate(_variants(tree)):
        yield _document(f"{id_} {number}", values, now)


def _variants(tree: Node) -> Iterator[Values]:
    for way in ways(tree):
        values = _values(way)
        yield values
        yield from _near_misses(values)
    for forbidden in _forbidden(tree):
        yield _values([*ways(tree)[0], forbidden])


def ways(node: Node) -> list[list[Leaf]]:
    """The sets of leaves of which each makes the node true: one for each alternative that it has."""
    if not isinstance(node, Bool):
        return [[node]]
    needed = [ways(clause.node) for clause in node.clauses if clause.occur is Occur.MUST]
    if not needed:
        return [way for clause in node.clauses if clause.occur is Occur.SHOULD for way in ways(clause.node)]
    first = [leaf for choices in needed for leaf in choices[0]]
    others = [
        [leaf for other in needed for leaf in (choice if other is choices else other[0])]
        for choices in needed
        for choice in choices[1:]
    ]
    return [first, *others]


def _forbidden(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Bool):
        for clause in node.clauses:
            if clause.occur is Occur.MUST_NOT:
                yield from (leaf for way in ways(clause.node) for leaf in way)
            else:
                yield from _forbidden(clause.node)


def _values(leaves: list[Leaf]) -> Values:
    values: dict[str, tuple[str, ...]] = {}
    for leaf in leaves:
        name = LOGSTASH.aliases.get(leaf.field, leaf.field) or "message"
        values[name] = (*values.get(name, ()), _text(leaf, name))
    return values


def _text(leaf: Leaf, name: str) -> str:
    if isinstance(leaf, Range):
        return leaf.high or ""
    if isinstance(leaf, Word | Phrase):
        return leaf.text
    assert isinstance(leaf, Wildcard), leaf
    return leaf.pattern.replace("*", "/" if name == "filename" else "gate").replace("?", "-")


def _near_misses(values: Values) -> Iterator[Values]:
    for name, texts in values.items():
        if name == "message":
            yield {**values, name: tuple(" ".join(reversed(text.split())) for text in texts)}
        elif name == "voting":
            yield from ({**values, name: other} for other in (("0",), ("2",), ()))
        else:
            elsewhere = {"filename": ("logs/elsewhere.txt",)} if name == "tags" else {}
            for nearly in NOT_IN_FRONT if name == "filename" else NEARLY:
                yield {**values, **elsewhere, name: tuple(nearly.format(text) for text in texts)}


def _document(name: str, values: Values, now: datetime) -> Document:
    """What the values do not say is as it was in most documents."""
    uuid = hashlib.md5(name.encode()).hexdigest()
    change = str(100_000 + int(uuid[:5], 16))
    tags = values.get("tags", ())
    path = values.get("filename", (_path(tags),))[-1]
    single = {field: texts[-1] for field, texts in values.items() if texts}
    made = {
        **BASE,
        "build_change": change,
        "build_ref": f"refs/changes/{change[-2:]}/{change}/2",
        "log_url": f"http://logs.example.org/{uuid[:7]}/{path}",
        **single,
        "@timestamp": now - timedelta(minutes=10 + int(uuid[:2], 16) % 60),
        "build_uuid": uuid,
        "filename": path,
        "message": " ; ".join(values.get("message", ("nothing to see",))),
        "tags": sorted({*tags, path.rpartition("/")[2]}),
    }
    return {field: value for field, value in made.items() if field not in values or values[field]}


def _path(tags: tuple[str, ...]) -> str:
    """The file that has such tags."""
    named = [tag for tag in tags if "." in tag]
    name = named[0] if named else "job-output.txt" if "console" in tags else "syslog.txt"
    return name if name in IN_THE_ROOT else f"logs/{name}"
