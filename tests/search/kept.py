"""The ways in which an index may keep the documents: its layout, its mapping, one index or many."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from tests.search.contract import Logged
from tests.search.layouts import documents
from tests.servers import opensearch as server

Mappings = Mapping[str, Any]


def strings(mapping: Mappings) -> Mappings:
    """A mapping in which every string but the message is kept like this."""
    return {
        "dynamic_templates": [
            {"message": {"match_pattern": "regex", "match": "@?message", "mapping": {"type": "text"}}},
            {"strings": {"match_mapping_type": "string", "mapping": mapping}},
        ],
        "properties": {"@timestamp": {"type": "date"}},
    }


DYNAMIC: Mappings = {}
KEYWORD = strings({"type": "keyword"})
RAW = strings({"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 256}}})  # logstash's template
NANOS: Mappings = {"properties": {"@timestamp": {"type": "date_nanos"}}}


def same(mapping: Mappings) -> Callable[[str], Mappings]:
    return lambda day: mapping


@dataclass(frozen=True, slots=True)
class Kept:
    """One way. `mapping`: of an index, by the last digit of its day; `asked`: what the bot has as its `index`."""

    layout: str = "logsender"
    mapping: Callable[[str], Mappings] = field(default=same(DYNAMIC))
    daily: bool = False
    asked: str = "{index}*"
    stream: bool = False

    def put(self, url: str, index: str, builds: Sequence[Logged]) -> None:
        """Add the documents to what is there."""
        given = list(documents(self.layout, builds))
        if self.stream:
            template = {"index_patterns": [index], "data_stream": {}, "priority": 500}
            server.call(f"{url}/_index_template/{index}", json.dumps(template).encode(), "PUT")
            server.fill(url, index, given, action="create")
            return
        days = groupby(sorted(given, key=day_of), key=day_of) if self.daily else [("", given)]
        for day, some in days:
            name = f"{index}-{day}" if day else index
            server.fill(url, name, some, self._new(url, name, index, day))

    def drop(self, url: str, index: str) -> None:
        """Delete what `put` made; a stream stays where the module that deletes it is missing."""
        if not self.stream:
            for name in server.call(f"{url}/{index},{index}-*/_settings?ignore_unavailable=true"):
                server.call(f"{url}/{name}", method="DELETE")
            return
        with suppress(urllib.error.HTTPError):
            server.call(f"{url}/_data_stream/{index}", method="DELETE")

    def _new(self, url: str, name: str, index: str, day: str) -> Mappings | None:
        try:
            server.call(f"{url}/{name}/_settings")
        except urllib.error.HTTPError:
            aliases = {} if "*" in self.asked else {self.asked.format(index=index): {}}
            return {"mappings": self.mapping(day), "aliases": aliases}
        return None


def day_of(document: Mapping[str, Any]) -> str:
    return str(document["@timestamp"])[:10].replace("-", ".")


def odd_days(mapping: Mappings, other: Mappings) -> Callable[[str], Mappings]:
    return lambda day: mapping if int(day[-1:]) % 2 else other


WAYS = {
    "logsender": Kept(),
    "logstash": Kept("logstash"),
    "logstash-v0": Kept("logstash-v0"),
    "daily": Kept(daily=True, asked="{index}-*"),
    "alias": Kept("logstash", daily=True, asked="{index}-all"),
    "stream": Kept(asked="{index}", stream=True),
    "keyword": Kept(mapping=same(KEYWORD)),
    "raw": Kept("logstash", mapping=same(RAW)),
    "nanos": Kept(mapping=same(NANOS)),
    "date-and-nanos": Kept(mapping=odd_days(NANOS, DYNAMIC), daily=True),
}


def version(url: str) -> str:
    """The engine's name and version as it gives them."""
    told = server.call(url)["version"]
    return f"{told.get('distribution', 'elasticsearch')} {told['number']}"


def has_data_streams(url: str) -> bool:
    """Elasticsearch 7.10's open-source build and others without that module refuse the template of one."""
    template = {"index_patterns": ["no-such-stream"], "data_stream": {}, "priority": 500}
    try:
        server.call(f"{url}/_index_template/no-such-stream", json.dumps(template).encode(), "PUT")
    except urllib.error.HTTPError:
        return False
    return True
