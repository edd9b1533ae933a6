"""Reading documents as three generations of senders wrote them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.model import Build, Line, Where, Window
from bot.search import Question
from bot.search.config import SearchConfig
from bot.search.documents import build_of, folder, is_voting, line_of, moment, text, value
from bot.search.http import HttpSearch
from bot.search.profiles import LOGSENDER, LOGSTASH_V0
from tests.search.contract import DAY, NOW, by_build, found, phrase
from tests.servers import corpus
from tests.servers import opensearch as server

EXPECTED = datetime(2026, 8, 17, 9, 44, 58, 839036, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-08-17T09:44:58.839036",
        "2026-08-17T09:44:58.839036Z",
        "2026-08-17T09:44:58.839036123Z",
        "2026-08-17T11:44:58.839036+02:00",
        "2026-08-17T11:44:58.839036+0200",
        "2026-08-17 09:44:58.839036",
    ],
)
def test_times(written: str) -> None:
    assert moment(written) == EXPECTED


def test_times_as_numbers() -> None:
    in_millis = EXPECTED.replace(microsecond=839000)
    assert moment(1786959898839) == in_millis
    assert moment("1786959898839") == in_millis
    assert moment("2026-08-17T09:44:58.839Z") == in_millis
    assert moment("2026-08-17") == datetime(2026, 8, 17, tzinfo=UTC)


@pytest.mark.parametrize("written", [None, "", "yesterday", True, [], {}])
def test_times_that_are_none(written: Any) -> None:
    assert moment(written) is None


def test_values() -> None:
    assert value({"@fields": {"project": ["nova"]}}, "@fields.project") == "nova"
    assert value({"@fields.project": "nova"}, "@fields.project") == "nova"
    assert value({"@fields": "odd"}, "@fields.project") is None
    assert value({"tags": []}, "tags") is None
    assert [text({"a": given}, "a") for given in (7, 7.0, "7", ["7", "8"], None, "")] == ["7"] * 4 + ["", ""]
    assert text({}, None) == ""


def test_voting() -> None:
    assert [is_voting(given) for given in (1, "1", 2, "2", None, "", True, "true", 1.0)] == [True] * 9
    assert [is_voting(given) for given in (0, "0", False, "false", "False", 0.0)] == [False] * 6


UUID = "38bf2cdc947643c9bb04f11f40a0f211"


@pytest.mark.parametrize(
    ("log_url", "filename", "expected"),
    [
        (
            "https://s.example/v1/829161/3/gate/job/38bf2cd/job-output.txt",
            "",
            "https://s.example/v1/829161/3/gate/job/38bf2cd/",
        ),
        (
            "https://s.example/38bf2cd/controller/logs/screen-n-cpu.txt",
            "screen-n-cpu.txt",
            "https://s.example/38bf2cd/",
        ),
        (
            f"https://s.example/openstack/{UUID}/job-output.txt",
            "job-output.txt",
            f"https://s.example/openstack/{UUID}/",
        ),
        ("https://s.example/other/logs/screen-n-cpu.txt.gz", "logs/screen-n-cpu.txt.gz", "https://s.example/other/"),
        ("https://s.example/other/job-output.txt", "", "https://s.example/other/"),
        ("https://s.example", "", ""),
        ("", "", ""),
    ],
)
def test_the_folder_of_the_logs(log_url: str, filename: str, expected: str) -> None:
    assert folder(log_url, UUID, filename) == expected


def test_a_build_of_2013() -> None:
    source = {
        "@message": "x",
        "@timestamp": "2013-10-17T16:08:26.601Z",
        "@fields": {
            "build_name": ["gate-nova-python27"],
            "build_status": "FAILURE",
            "build_change": ["52440"],
            "log_url": "http://logs.example/40/52440/2/check/gate-nova-python27/38bf2cd/console.html",
        },
    }
    assert build_of(source, UUID, LOGSTASH_V0) == Build(
        uuid=UUID,
        job="gate-nova-python27",
        result="FAILURE",
        change="52440",
        log_url="http://logs.example/40/52440/2/check/gate-nova-python27/38bf2cd/",
    )
    at = datetime(2013, 10, 17, 16, 8, 26, 601000, tzinfo=UTC)
    assert line_of(source, LOGSTASH_V0) == Line(at, "x", "", source["@fields"]["log_url"])  # type: ignore[index]


def test_a_build_of_today() -> None:
    source = {
        "build_change": 829161,
        "voting": 0,
        "build_name": "nova-tox",
        "build_patchset": "3",
        "tenant": "openstack",
    }
    assert build_of(source, UUID, LOGSENDER) == Build(
        UUID, "nova-tox", "", change="829161", patchset="3", tenant="openstack", voting=False
    )
    assert build_of(source | {"build_change": ""}, UUID, LOGSENDER).change == ""
    assert line_of({"message": "no time"}, LOGSENDER) is None


# -- elastic-recheck's own samples ----------------------------------------------------------------------------


def samples(layout: str) -> Iterator[dict[str, Any]]:
    """The documents of the corpus in one layout, moved so that the newest of each file is 1 h old."""
    for path in sorted((corpus() / "hits").glob("*.json")):
        sources = [hit["_source"] for hit in json.loads(path.read_text(encoding="utf-8"))["hits"]["hits"]]
        if ("@fields" in sources[0]) != (layout == "logstash-v0"):
            continue
        times = [moment(source["@timestamp"]) for source in sources]
        by = NOW - timedelta(hours=1) - max(time for time in times if time is not None)
        for source, time in zip(sources, times, strict=True):
            assert time is not None
            yield source | {"@timestamp": (time + by).isoformat(timespec="milliseconds")}


@pytest.mark.xdist_group("opensearch")
@pytest.mark.parametrize("layout", ["logstash-v0", "logstash"])
async def test_elastic_rechecks_own_samples(opensearch: str, layout: str) -> None:
    documents = list(samples(layout))
    server.fill(opensearch, f"samples-{layout}", documents)
    search = HttpSearch(
        SearchConfig.model_validate({"url": opensearch, "index": f"samples-{layout}", "profile": layout}), page=50
    )
    names = search.profile.names
    window = Window(NOW - timedelta(days=14), NOW)
    by_uuid: dict[str, list[dict[str, Any]]] = {}
    for document in documents:
        by_uuid.setdefault(text(document, names["uuid"]), []).append(document)
    try:
        listed = found(await search.builds(window, Where()))
        assert {one.uuid: one.documents for one in listed} == {uuid: len(some) for uuid, some in by_uuid.items()}
        described = found(await search.described(list(by_uuid), window))
        assert {one.uuid for one in described} == set(by_uuid)
        for build in described:
            first = by_uuid[build.uuid][0]
            assert [build.job, build.result, build.project, build.pipeline, build.change] == [
                text(first, names[word]) for word in ("job", "result", "project", "pipeline", "change")
            ]
            assert build.log_url.endswith(f"/{build.uuid[:7]}/")
        failed = Counter(uuid for uuid, some in by_uuid.items() if text(some[0], names["result"]) == "FAILURE")
        assert {one.uuid for one in found(await search.builds(window, Where(results=("FAILURE",))))} == set(failed)
        question = Question("1", phrase(search, "Looks like the node went offline during the build"))
        hits = found((await search.hits([question], None, DAY))["1"])
        told = Counter(
            uuid
            for uuid, some in by_uuid.items()
            for one in some
            if "Looks like the node went offline during the build" in text(one, names["message"])
        )
        recent = {one.uuid for one in listed if one.newest >= DAY.start}
        assert by_build(hits) == {uuid: count for uuid, count in told.items() if uuid in recent}
        assert bool(hits) == (layout == "logstash")
    finally:
        await search.close()
