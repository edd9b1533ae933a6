"""What pydantic finds wrong, in plain words. No word repeats a value that may be a secret."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pydantic_core import ErrorDetails
from rapidfuzz import fuzz, process

NEAR = 60.0  # of 100: `nik` and `nick` have 86, `pasword` and `password` 93, `foo` and `host` 29
MOST_NAMED = 20  # of hundreds of signatures a list helps nobody

EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "dict": "a mapping (key: value)",
    "mapping": "a mapping (key: value)",
    "model": "a mapping (key: value)",
    "model_attributes": "a mapping (key: value)",
    "path": "a path",
}
LIMITS = {"greater_than_equal": ("ge", "at least"), "greater_than": ("gt", "more than")}
LIMITS |= {"less_than_equal": ("le", "at most"), "less_than": ("lt", "less than")}


def nearest(word: str, known: Collection[str]) -> str:
    """The known word that was probably meant, "" if none is near."""
    found = process.extractOne(word.lower(), known, scorer=fuzz.ratio, score_cutoff=NEAR)
    return found[0] if found else ""


def strange_word(what: str, word: str, known: Collection[str]) -> str:
    """`unknown key; did you mean 'nick'?`, or what there is instead."""
    near = nearest(word, known)
    if near:
        return f"{what}; did you mean '{near}'?"
    return f"{what}; there are {', '.join(sorted(known))}" if 0 < len(known) <= MOST_NAMED else what


def plain(error: ErrorDetails, shown: str | None) -> str:
    """One error of pydantic's `errors()`. `shown`: the value as it stands in the file, None if it is not single."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    if kind == "literal_error":
        known = [word.strip(" '") for word in context["expected"].replace(" or ", ", ").split(",")]
        return strange_word(f"unknown word '{shown}'", shown, known) if shown is not None else _not("a word", error)
    if kind in LIMITS:
        key, words = LIMITS[kind]
        return f"must be {words} {context[key]}, got {shown}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty" if context["min_length"] == 1 else f"must have at least {context['min_length']}"
    if kind in ("too_long", "string_too_long"):
        return f"must have at most {context['max_length']}"
    if kind == "string_pattern_mismatch":
        return f"must look like {context['pattern']}"
    if kind == "finite_number":
        return "expected a number"
    return _wrong_type(kind, error, shown)


def _wrong_type(kind: str, error: ErrorDetails, shown: str | None) -> str:
    base = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float").removesuffix("_parsing_size")
    expected = EXPECTED.get(base)
    if expected is None:
        return error["msg"].replace("Input should be", "expected", 1)
    if base in ("int", "float", "bool") and shown is not None:
        return f"expected {expected}, got '{shown}'" if shown else f"expected {expected}, got nothing"
    return _not(expected, error)


def _not(expected: str, error: ErrorDetails) -> str:
    return f"expected {expected}, got {_kind(error['input'], quotes=expected == EXPECTED['string'])}"


def _kind(value: object, quotes: bool) -> str:
    """What sort of value it is, never the value."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, dict):
        return "a mapping; a text with ': ' in it needs quotes" if quotes else "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        return "a text"
    hint = "; put it in quotes" if quotes else ""
    if isinstance(value, bool):
        return f"a word that YAML reads as true or false{hint}"
    return f"{'a date' if isinstance(value, date) else 'a number'}{hint}"
