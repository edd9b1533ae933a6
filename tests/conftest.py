"""The fixtures of the real servers, for every test."""

from __future__ import annotations

pytest_plugins = [
    "tests.servers.synapse",
    "tests.servers.ircd",
    "tests.servers.opensearch",
    "tests.servers.postgres",
    "tests.fakes",
]
