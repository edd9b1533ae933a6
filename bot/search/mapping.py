"""Which fields an index has, out of `_field_caps` or `_mapping`, and under which path each is exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.model import Field, Fields, Profile
from bot.search import shapes

TEXT = frozenset({"text", "match_only_text", "annotated_text", "search_as_you_type"})
KEYWORD = frozenset({"keyword", "constant_keyword", "wildcard", "ip", "boolean", "version", "flat_object"})
NUMBER = frozenset(
    {"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"}
)
DATE = frozenset({"date", "date_nanos"})
KINDS = (("text", TEXT), ("keyword", KEYWORD), ("number", NUMBER), ("date", DATE))
# Sub-fields that hold the whole value: dynamic mapping's own, and the one of logstash's old template.
EXACT = ("keyword", "raw")


def kind_of(types: set[str]) -> str:
    """One word for what a field is in all indices of a pattern; where they differ the analysed one holds."""
    return next((kind for kind, known in KINDS if types & known), "")


def from_types(types: Mapping[str, set[str]]) -> Fields:
    """The fields, of name -> the types it has in the indices of the pattern."""
    kinds = {name: kind_of(found) for name, found in types.items()}
    return {name: Field(name, kind, exact(name, kinds, types[name])) for name, kind in kinds.items() if kind}


def exact(name: str, kinds: Mapping[str, str], types: set[str]) -> str | None:
    """Where the field is exact in every index; no path serves where one has it as text and another as keyword."""
    if kinds[name] != "text":
        return name
    if types - TEXT:
        return None
    return next((f"{name}.{sub}" for sub in EXACT if kinds.get(f"{name}.{sub}") == "keyword"), None)


def from_field_caps(answer: Mapping[str, Any]) -> Fields:
    """Out of `GET /INDEX/_field_caps?fields=*`. Raises Unreadable."""
    return from_types({name: set(shapes.mapping(caps)) for name, caps in shapes.mapping(answer, "fields").items()})


def from_mapping(answer: Mapping[str, Any]) -> Fields:
    """Out of `GET /INDEX/_mapping`, of all indices together. Raises Unreadable."""
    types: dict[str, set[str]] = {}
    for index in answer.values():
        for name, kind in walk(shapes.mapping(index, "mappings").get("properties", {}), ""):
            types.setdefault(name, set()).add(kind)
    return from_types(types)


def walk(properties: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for name, entry in shapes.mapping(properties).items():
        if "type" in shapes.mapping(entry):
            yield prefix + name, shapes.word(entry, "type")
        yield from walk(entry.get("properties", {}), f"{prefix}{name}.")
        yield from walk(entry.get("fields", {}), f"{prefix}{name}.")


def assumed(profile: Profile) -> Fields:
    """What dynamic mapping makes of the layout's documents, where the index does not let itself be asked."""
    types: dict[str, set[str]] = {}
    for word, name in profile.names.items():
        if word == "at":
            types[name] = {"date"}
        else:
            types[name] = {"text"}
            types[f"{name}.keyword"] = {"keyword"}
    return from_types(types)
