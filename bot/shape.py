"""Holds a YAML file against the shape it should have: a pydantic model comes out, or every fault at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sized
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot import yamlmarks
from bot.errors import UserError
from bot.wording import plain, strange_word
from bot.yamlmarks import Fault, Key, KeyPath, Marked

Model = TypeVar("Model", bound=BaseModel)
Checks = Callable[[Model, Marked], Iterable[Fault]]
ROUNDS = 20  # each takes away what was wrong on one level; the shapes are far less deep


def load(
    path: Path,
    model: type[Model],
    *,
    environment: Mapping[str, str] | None = None,
    context: Mapping[str, object] | None = None,
    checks: Checks[Model] | None = None,
    stand_ins: Mapping[str, object] | None = None,
) -> Model:
    """A YAML file as a validated model. Raises UserError with every fault of the file, in its order.

    `environment` fills `${NAME}` in values. `checks` say what no single key can; they see the model that is
    left when what is wrong by itself is taken away; `stand_ins` then take the place of keys that it cannot miss.
    """
    found, faults = look_over(path, model, environment, context, checks, stand_ins)
    if found is None or faults:
        raise UserError(f"{path}: {many(faults)}", [str(fault) for fault in faults])
    return found


def look_over(
    path: Path,
    model: type[Model],
    environment: Mapping[str, str] | None = None,
    context: Mapping[str, object] | None = None,
    checks: Checks[Model] | None = None,
    stand_ins: Mapping[str, object] | None = None,
) -> tuple[Model | None, list[Fault]]:
    """As `load`, but hands the faults back with what could be made of the file without them."""
    try:
        marked = yamlmarks.read(path, environment)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    return fit(marked, model, context, checks, stand_ins)


def many(faults: Sized) -> str:
    """`1 problem`, `6 problems`."""
    return "1 problem" if len(faults) == 1 else f"{len(faults)} problems"


def fit(
    marked: Marked,
    model: type[Model],
    context: Mapping[str, object] | None = None,
    checks: Checks[Model] | None = None,
    stand_ins: Mapping[str, object] | None = None,
) -> tuple[Model | None, list[Fault]]:
    """What can be made of the data, without its faulty parts, and the faults in the order of the file.

    The model is None where nothing of the shape is left.
    """
    if marked.broken:
        return None, list(marked.faults)
    data = {} if marked.data is None else copy.deepcopy(marked.data)
    faults = {(fault.line, fault.column, ""): fault for fault in marked.faults}
    found: Model | None = None
    for turn in range(ROUNDS):
        try:
            found = model.model_validate(data, context=dict(context or {}))
            break
        except ValidationError as error:
            wrong = [_wrong(detail, data, model, marked) for detail in _telling(error)]
        if turn == 0:  # what comes after is only what follows from it
            for one in wrong:
                faults.setdefault((one.fault.line, one.fault.column, one.missing), one.fault)
        if not all([_mended(data, one, stand_ins or {}) for one in wrong]):  # noqa: C419 - all of them are mended
            break
    if found is not None and checks is not None:
        for fault in checks(found, marked):
            faults.setdefault((fault.line, fault.column, ""), fault)
    return found, sorted(faults.values())


class _Wrong(NamedTuple):
    """One error of pydantic's, found again in the file."""

    fault: Fault
    blame: KeyPath  # what to take away to see the rest
    missing: str = ""  # the key that is not there; a place has one fault, and one for each such key


def _wrong(error: ErrorDetails, data: object, model: type[BaseModel], marked: Marked) -> _Wrong:
    path, rest = _found(error["loc"], data)
    context = error.get("ctx", {})
    tag = str(context.get("discriminator", "")).strip("'")
    match error["type"]:
        case "missing" | "union_tag_not_found":
            word = tag or str(error["loc"][-1])
            fault = marked.fault(path, f"missing key '{word}'", about_key=True)
            return _Wrong(fault, _blame(path), word)
        case "union_tag_invalid":
            known = [word.strip(" '") for word in context["expected_tags"].split(",")]
            word = marked.scalars[(*path, tag)].text if (*path, tag) in marked.scalars else ""
            fault = marked.fault((*path, tag), strange_word(f"unknown {tag} '{word}'", word, known))
        case "extra_forbidden":
            known = _known_keys(model, error["loc"][:-1])
            fault = marked.fault(path, strange_word("unknown key", str(path[-1]), known), about_key=True)
        case _:
            scalar = None if "[key]" in rest else marked.scalars.get(path)
            shown = None if scalar is None else scalar.text
            fault = marked.fault(path, plain(error, shown), about_key=scalar is None)
    return _Wrong(fault, _blame(path))


def _telling(error: ValidationError) -> list[ErrorDetails]:
    """Without those that say of a list with a bad item that it is too short."""
    details = error.errors(include_url=False)
    lists = {detail["loc"][:-1] for detail in details if detail["loc"] and isinstance(detail["loc"][-1], int)}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in lists]


def _blame(path: KeyPath) -> KeyPath:
    """A list goes as a whole: without one item the others would be counted anew."""
    return next((path[:at] for at, key in enumerate(path) if isinstance(key, int)), path)


def _found(where: Iterable[Key], data: object) -> tuple[KeyPath, tuple[Key, ...]]:
    """The part of pydantic's path that is in the data (it also names union members), and what is not."""
    path: list[Key] = []
    rest: list[Key] = []
    for key in where:
        if (isinstance(data, dict) and key in data) or (isinstance(data, list) and isinstance(key, int)):
            path.append(key)
            data = data[key]  # type: ignore[index]
        else:
            rest.append(key)
    return tuple(path), tuple(rest)


def _mended(data: object, wrong: _Wrong, stand_ins: Mapping[str, object]) -> bool:
    """Take away what is wrong, or put something in its place; False if neither can be done."""
    if not wrong.blame:
        if not isinstance(data, dict) or wrong.missing not in stand_ins:
            return False
        data[wrong.missing] = stand_ins[wrong.missing]
        return True
    for key in wrong.blame[:-1]:
        if not isinstance(data, dict) or key not in data:
            return True  # gone with its parent
        data = data[key]
    if isinstance(data, dict):
        data.pop(wrong.blame[-1], None)
    return True


def _known_keys(model: Any, where: Iterable[Key]) -> list[str]:
    """The keys that the section at this path of pydantic's may have."""
    for key in where:
        model = _inside(_bare(model), key)
    model = _bare(model)
    fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
    return [field.alias or name for name, field in fields.items()]


def _bare(kind: Any) -> Any:
    """A type without Annotated and without `| None`."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else kind
    return kind


def _inside(kind: Any, key: Key) -> Any:
    """The type of what a key, an index or a union's tag leads to; None where there is none."""
    if get_origin(kind) in (Union, UnionType):
        return next((member for member in map(_bare, get_args(kind)) if _tagged(member, key)), None)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return next((f.annotation for name, f in kind.model_fields.items() if key in (name, f.alias)), None)
    arguments = get_args(kind)
    return arguments[-1] if isinstance(key, str) and arguments else (arguments or (None,))[0]


def _tagged(member: Any, tag: Key) -> bool:
    return any(
        get_origin(field.annotation) is Literal and tag in get_args(field.annotation)
        for field in member.model_fields.values()
    )
