"""What every test has: the guards, the fixtures of the real servers; the order for workers, the times at the end."""

from __future__ import annotations

pytest_plugins = [
    "tests.guards",
    "tests.timing",
    "tests.order",
    "tests.servers.synapse",
    "tests.servers.ircd",
    "tests.servers.opensearch",
    "tests.servers.postgres",
    "tests.fakes",
    "tests.chat.crypto_scene",
    "tests.chat.matrix_scene",
]
