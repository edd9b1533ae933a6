"""Which fields an index has, out of `_field_caps` or `_mapping`, and under which path each is exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
UNMAPPED = "unmapped"  # what _field_caps calls the type of a field in an index that lacks it


@dataclass(slots=True)
class Seen:
    """What the indices of a pattern have under one name: the types, and the indices that have none."""

    types: set[str] = field(default_factory=set)
    without: set[str] = field(default_factory=set)


def kind_of(types: set[str]) -> str:
    """One word for what a field is in all indices of a pattern; where they differ the analysed one holds."""
    return next((kind for kind, known in KINDS if types & known), "")


def fields_of(seen: Mapping[str, Seen]) -> Fields:
    """The fields, by name."""
    kinds = {name: kind_of(one.types) for name, one in seen.items()}
    return {name: Field(name, kind, exact(name, kind, seen)) for name, kind in kinds.items() if kind}


def exact(name: str, kind: str, seen: Mapping[str, Seen]) -> str | None:
    """Where the field is exact in every index that has it, None where no one path serves all of them.

    So where one index has it as text and another as keyword, or one with `.keyword` and another with `.raw` or
    without: by a path of some indices alone, what is in the others would be missed and nobody told.
    """
    own = seen[name]
    if kind != "text":
        return name
    if own.types - TEXT:
        return None
    for path in (f"{name}.{sub}" for sub in EXACT):
        sub = seen.get(path)
        if sub is not None and kind_of(sub.types) == "keyword" and sub.without <= own.without:
            return path
    return None


def from_field_caps(answer: Mapping[str, Any]) -> Fields:
    """Out of `GET /INDEX/_field_caps?fields=*&include_unmapped=true`. Raises Unreadable."""
    return fields_of({name: from_caps(caps) for name, caps in shapes.mapping(answer, "fields").items()})


def from_caps(caps: Any) -> Seen:
    """Of one field; `indices` is null where all are meant."""
    without = shapes.mapping(shapes.mapping(caps).get(UNMAPPED, {})).get("indices") or []
    return Seen(set(caps) - {UNMAPPED}, {shapes.word(index) for index in shapes.items(without)})


def from_mapping(answer: Mapping[str, Any]) -> Fields:
    """Out of `GET /INDEX/_mapping`, of all indices together. Raises Unreadable."""
    seen: dict[str, Seen] = {}
    for index, entry in answer.items():
        for name, kind in walk(shapes.mapping(entry, "mappings").get("properties", {}), ""):
            one = seen.setdefault(name, Seen(without=set(answer)))
            one.types.add(kind)
            one.without.discard(index)
    return fields_of(seen)


def walk(properties: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Each field of a mapping's properties, inner ones and sub-fields too: its dotted path and type."""
    for name, entry in shapes.mapping(properties).items():
        if "type" in shapes.mapping(entry):
            yield prefix + name, shapes.word(entry, "type")
        yield from walk(entry.get("properties", {}), f"{prefix}{name}.")
        yield from walk(entry.get("fields", {}), f"{prefix}{name}.")


# Words whose values are numbers to dynamic mapping where a layout writes them so; as text each is one term.
NUMBERS = frozenset({"change", "voting"})


def assumed(profile: Profile) -> Fields:
    """What dynamic mapping makes of the layout's documents, where the index does not let itself be asked."""
    seen: dict[str, Seen] = {}
    for word, name in profile.names.items():
        if word == "at":
            seen[name] = Seen({"date"})
        elif word in NUMBERS:
            seen[name] = Seen({"long"})
        else:
            seen[name] = Seen({"text"})
            seen[f"{name}.keyword"] = Seen({"keyword"})
    return fields_of(seen)
