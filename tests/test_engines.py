"""The table of search engines, and what is said where one cannot be started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import engines


def test_all_that_are_served_are_in_the_table() -> None:
    assert {name: engine.version for name, engine in engines.table().items()} == {
        "opensearch-1": "1.3.13",
        "opensearch-2": "2.19.1",
        "opensearch-3": "3.8.0",
        "elasticsearch-7": "7.10.2",
        "elasticsearch-8": "8.19.0",
        "elasticsearch-9": "9.0.4",
    }


@pytest.mark.parametrize(
    ("name", "there", "wants"),
    [("opensearch-3", 17, "Java 21 or later"), ("elasticsearch-7", 25, "Java 11 to 17")],
)
def test_a_missing_java_is_named(name: str, there: int, wants: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "javas", lambda: iter([(Path("jdk"), there)]))
    engine = engines.table()[name]
    monkeypatch.setenv("REQUIRE_SERVERS", "0")
    with pytest.raises(pytest.skip.Exception, match=f"{name} needs {wants}: install openjdk-{engine.oldest}-jdk"):
        engines.java_for(engine)
    monkeypatch.setenv("REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match=f"{name} needs"):
        engines.java_for(engine)


def test_an_engine_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GATEWATCH_ENGINE", "solr-9")
    with pytest.raises(pytest.fail.Exception, match="GATEWATCH_ENGINE=solr-9: there are opensearch-1"):
        engines.chosen()
    monkeypatch.setenv("GATEWATCH_ENGINE", "opensearch-2")
    monkeypatch.setenv("GATEWATCH_SERVERS", str(tmp_path))
    monkeypatch.setenv("REQUIRE_SERVERS", "0")
    with pytest.raises(pytest.skip.Exception, match="fetch-jars opensearch-2"):
        engines.jars_of(engines.chosen())
