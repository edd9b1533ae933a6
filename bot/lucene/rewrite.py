"""A signature's tree -> the tree for one index: metadata is exact, on keyword fields; only the message is analysed.

elastic-recheck's signatures were written for an index in which every string but the message was exact. Asked of
today's text fields, `build_name:"gate-nova"` also finds `gate-nova-python27`, and `build_name:gate-*` nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bot.lucene.escapes import pattern_of
from bot.lucene.tree import EXISTS, Bool, Leaf, Node, Phrase, Regex, Wildcard, Word
from bot.model import Field, Fields, Profile

EVERY_FIELD = "*"
SHORT_UUIDS = frozenset({"build_short_uuid", "@fields.build_short_uuid"})
_SHORT = 7  # characters of a uuid are its short form
# How a number says what a text or a truth said: `voting:true`.
TRUTHS = {"true": "1", "false": "0"}
_CONSOLE = "console.html"
# By which signatures skip over any folders.
_ANY_FOLDERS = re.compile(r"logs\*+(?=[^*])")


def resolve(name: str, profile: Profile) -> str:
    """The document's field that a signature means by a name: the message's for "", else by the profile's aliases."""
    return profile.aliases.get(name, name) if name else profile.names["message"]


def rewrite(node: Node, profile: Profile, fields: Fields) -> Node:
    """The same tree on the index's own field paths, with which `Search` is asked.

    A field that the index lacks keeps its name and finds nothing there; the lint says so. `_exists_:x` becomes the
    Wildcard `*` on x.
    """
    if isinstance(node, Bool):
        clauses = (replace(clause, node=rewrite(clause.node, profile, fields)) for clause in node.clauses)
        return replace(node, clauses=tuple(clauses))
    return _leaf(node, profile, fields)


def _leaf(leaf: Leaf, profile: Profile, fields: Fields) -> Leaf:
    if leaf.field == EXISTS and isinstance(leaf, Word | Phrase):
        return _short_uuid(Wildcard(resolve(leaf.text, profile), "*", leaf.boost, at=leaf.at), profile)
    if leaf.field == EVERY_FIELD:
        return leaf
    leaf = _short_uuid(replace(leaf, field=resolve(leaf.field, profile)), profile)
    if profile.base_names and leaf.field == profile.names.get("filename"):
        leaf = _base_name(leaf, profile)
    field = fields.get(leaf.field)
    if field is None or leaf.field == profile.names["message"] or _asks_existence(leaf):
        return leaf
    return _exact(leaf, field)


def _exact(leaf: Leaf, field: Field) -> Leaf:
    if field.kind == "number" and isinstance(leaf, Word | Phrase):
        return replace(leaf, text=TRUTHS.get(leaf.text, leaf.text))
    if field.exact is None or field.kind not in ("text", "keyword"):
        return leaf
    if isinstance(leaf, Word | Phrase):
        return Phrase(field.exact, leaf.text, boost=leaf.boost, at=leaf.at)
    return replace(leaf, field=field.exact)


def _asks_existence(leaf: Leaf) -> bool:
    return isinstance(leaf, Wildcard) and leaf.pattern == "*"


def _short_uuid(leaf: Leaf, profile: Profile) -> Leaf:
    """In a layout without it, the uuid's first characters are asked for.

    What had to fit the short uuid whole has to fit the uuid's beginning: `*a` is `??????a*`.
    """
    if leaf.field not in SHORT_UUIDS or "uuid" not in profile.names:
        return leaf
    if profile.short_uuid:
        return replace(leaf, field=profile.short_uuid)
    leaf = replace(leaf, field=profile.names["uuid"])
    if isinstance(leaf, Word | Phrase):
        return Wildcard(leaf.field, pattern_of(leaf.text) + "*", leaf.boost, at=leaf.at)
    if isinstance(leaf, Wildcard) and leaf.pattern != "*":
        gap = "?" * (_SHORT + 1 - len(leaf.pattern))
        pattern = leaf.pattern.replace("*", gap) if leaf.pattern.count("*") == 1 else leaf.pattern
        return replace(leaf, pattern=pattern + "*")
    return replace(leaf, pattern=f"({leaf.pattern}).*") if isinstance(leaf, Regex) else leaf


def _base_name(leaf: Leaf, profile: Profile) -> Leaf:
    """`logs/screen-n-cpu.txt` and `logs*screen-n-cpu.txt` are `screen-n-cpu.txt` where names have no folders.

    What was console.html is job-output.txt there, and has the old name as a tag.
    """
    if isinstance(leaf, Word | Phrase):
        text = _without_folders(leaf.text)
        console = text == _CONSOLE and "tags" in profile.names
        return replace(leaf, text=text, field=profile.names["tags"] if console else leaf.field)
    if isinstance(leaf, Wildcard):
        return _base_pattern(leaf, profile)
    return leaf


def _base_pattern(leaf: Wildcard, profile: Profile) -> Leaf:
    pattern = _without_folders(leaf.pattern) or "*"
    if re.search(r"[\\*?]", pattern):
        return replace(leaf, pattern=pattern)
    return _base_name(Phrase(leaf.field, pattern, boost=leaf.boost, at=leaf.at), profile)


def _without_folders(text: str) -> str:
    return text.rpartition("/")[2] if "/" in text else _ANY_FOLDERS.sub("", text, count=1)
