"""Reading what the server answers to one search: what was found, and what of it cannot be read; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from bot.model import Answer, Build, Complete, Hit, Line, Listed, Profile, Ran, Unknown
from bot.search.documents import build_of, from_millis, line_of
from bot.search.shapes import Unreadable, count, items, mapping, number, part, word
from bot.search.whole import Trouble

T = TypeVar("T")


@dataclass(slots=True)
class Read(Generic[T]):
    """What could be read of an answer; `fault`: the first thing that could not, or that the server left out."""

    found: list[T] = field(default_factory=list)
    fault: Trouble | None = None

    @contextmanager
    def part(self) -> Iterator[None]:
        """One part of the answer, which may be unreadable without the rest being lost."""
        try:
            yield
        except Unreadable as why:
            self.fault = self.fault or Trouble(f"the server answered with what cannot be read: {why}")


def judged(read: Read[T], trouble: Trouble | None) -> Answer[list[T]]:
    """What was found; unknown where the answer is not whole (`trouble`), or a part of it could not be read."""
    fault = trouble or read.fault
    return Complete(read.found) if fault is None else Unknown(fault.why, read.found, fault.refused)


def buckets(item: Mapping[str, Any], name: str) -> list[Any]:
    """The buckets of the aggregation of this name. Raises Unreadable."""
    return items(item, "aggregations", name, "buckets")


def check_whole(item: Mapping[str, Any], read: Read[T]) -> None:
    """A `terms` aggregation that was cut at its size, or whose counts are estimates."""
    with read.part():
        over = count(item, "aggregations", "builds", "sum_other_doc_count")
        if over:
            here = len(buckets(item, "builds"))
            read.fault = read.fault or Trouble(f"more than {here} builds have it, {over} lines are in others")
        off = number(item, "aggregations", "builds", "doc_count_error_upper_bound")
        if off:
            read.fault = read.fault or Trouble(f"the counts are estimates, which may be off by {off}")


def each(item: Mapping[str, Any], count: int) -> list[Mapping[str, Any]]:
    """The answer to each of `count` questions that were asked together; nothing where it has not that many parts."""
    try:
        found = items(item, "aggregations", "questions", "buckets")
    except Unreadable:
        return []
    return [{**item, "aggregations": bucket} for bucket in found] if len(found) == count else []


def hits(item: Mapping[str, Any], signature: str, asked: Sequence[str] | None, profile: Profile) -> Read[Hit]:
    """`asked`: the builds that may be in it, None for any."""
    read, known = Read[Hit](), None if asked is None else frozenset(asked)
    with read.part():
        for bucket in buckets(item, "builds"):
            with read.part():
                first, last = moment(bucket, "first"), moment(bucket, "last")
                hit = Hit(signature, key(bucket, known), count(bucket, "doc_count"), first, last, None)
                read.found.append(hit)  # it counts, whatever its sample is
                read.found[-1] = replace(hit, sample=line_of(sample(bucket), profile))
    check_whole(item, read)
    return read


def moment(bucket: Any, name: str) -> datetime:
    """The time that a `min` or `max` aggregation gives."""
    try:
        return from_millis(number(bucket, name, "value"))
    except OverflowError:
        raise Unreadable(f"{name}.value is no time") from None


def sample(bucket: Any) -> Mapping[str, Any]:
    """The document of a bucket."""
    found = items(bucket, "sample", "hits", "hits")
    if not found:
        raise Unreadable("there is no sample")
    return mapping(found[0], "_source")


def listed(item: Mapping[str, Any]) -> Read[Listed]:
    """The builds of one page of a listing."""
    read = Read[Listed]()
    with read.part():
        for bucket in buckets(item, "page"):
            with read.part():
                one = Listed(word(bucket, "key", "uuid"), count(bucket, "doc_count"), moment(bucket, "newest"))
                read.found.append(one)
    return read


def key(bucket: Any, known: frozenset[str] | None) -> str:
    """The build that a bucket is about."""
    found = word(bucket, "key")
    if known is not None and found not in known:
        raise Unreadable("it names a build that nobody asked for")
    return found


def described(item: Mapping[str, Any], asked: Sequence[str], profile: Profile) -> Read[Build]:
    """The builds that were asked for, as far as the index has them, by one document of each."""
    read, known = Read[Build](), frozenset(asked)
    with read.part():
        for bucket in buckets(item, "builds"):
            with read.part():
                read.found.append(build_of(sample(bucket), key(bucket, known), profile))
    check_whole(item, read)
    return read


def lines(item: Mapping[str, Any], profile: Profile) -> Read[Line]:
    """A document without a time is no line."""
    read = Read[Line]()
    with read.part():
        for hit in items(item, "hits", "hits"):
            with read.part():
                line = line_of(mapping(hit, "_source"), profile)
                if line is not None:
                    read.found.append(line)
    return read


def ran(item: Mapping[str, Any]) -> Read[Ran]:
    """How many builds there were, of one page: a row per pipeline, project, job and result."""
    read = Read[Ran]()
    with read.part():
        for bucket in buckets(item, "page"):
            with read.part():
                names = {name: counted_by(bucket, name) for name in ("pipeline", "project", "job", "result")}
                read.found.append(Ran(**names, builds=count(bucket, "builds", "value")))
    return read


def counted_by(bucket: Any, name: str) -> str:
    """One word of a composite key, "" where the document or the index has none."""
    found = mapping(bucket, "key").get(name)
    return "" if found is None else word(found)


def next_page(item: Mapping[str, Any], size: int) -> dict[str, Any] | None:
    """Where the next page of a composite aggregation begins, None after the last one, which is not full.

    Raises Unreadable where a full page does not say how it goes on.
    """
    if len(buckets(item, "page")) < size:
        return None
    return dict(mapping(item, "aggregations", "page", "after_key"))


def any_document(item: Mapping[str, Any]) -> bool:
    """Raises Unreadable."""
    return count(part(item, "hits", "total"), "value") > 0
