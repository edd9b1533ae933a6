"""`gatewatch matrix redact`: the bot's own words are taken back, edits and all; nobody else's."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.chat.matrix.redacting import message_of
from tests.chat.human_matrix import Human
from tests.cli.conftest import write_config
from tests.cli.process import Bot, Done, gatewatch
from tests.servers.synapse import SERVER_NAME, Synapse

on_synapse = pytest.mark.xdist_group("synapse")
PASSWORD = "the bot's own"
EDITS = 7  # more than Synapse tells at once
numbers = itertools.count(1)


@dataclass
class Scene:
    """A bot's home with a room in which it speaks; `own`: its account, at another client."""

    home: Path
    room: str
    room_id: str
    own: Human
    person: Human

    def said(self, body: str) -> str:
        """The id of the bot's message."""
        (found,) = [one for one in self.person.messages(self.room_id, self.own.id) if one["content"]["body"] == body]
        return str(found["event_id"])

    def redact(self, event_id: str, *more: str) -> Done:
        link = f"https://matrix.to/#/{quote(self.room_id)}/{event_id}?via={SERVER_NAME}"
        return gatewatch(self.home, "matrix", "redact", "lab", link, *more)


@pytest.fixture
def scene(home: Path, synapse: Synapse) -> Scene:
    synapse.ensure()
    number = next(numbers)
    user, person = (synapse.register(f"redact{who}{number}", PASSWORD) for who in ("bot", "person"))
    own, human = Human(synapse.url, user, PASSWORD), Human(synapse.url, person, PASSWORD)
    room_id = human.create(f"redact{number}")
    room = f"lab:#redact{number}:{SERVER_NAME}"
    account = f'lab: {{type: matrix, homeserver: "{synapse.url}", user: "{user}", password: "{PASSWORD}"}}'
    write_config(home, networks=account, room=room)
    return Scene(home, room, room_id, own, human)


def edit(scene: Scene, event_id: str, text: str) -> None:
    relation = {"rel_type": "m.replace", "event_id": event_id}
    content = {"msgtype": "m.text", "body": text}
    scene.own.send(scene.room_id, f"* {text}", **{"m.new_content": content, "m.relates_to": relation})


@on_synapse
def test_a_message_is_taken_back_with_its_edits_beside_a_running_bot(scene: Scene) -> None:
    with Bot(scene.home) as bot:
        bot.until(lambda: "matrix connected" in bot.log)
        assert gatewatch(scene.home, "say", scene.room, "password: hunter2").code == 0
        assert gatewatch(scene.home, "say", scene.room, "another").code == 0
        event_id = scene.said("password: hunter2")
        for number in range(EDITS):
            edit(scene, event_id, f"password: hunter2 ({number})")
        done = scene.redact(event_id, "--reason", "a password")
        assert (done.code, done.out, done.err) == (0, f"taken back: {EDITS + 1} events\n", "")
        left = scene.person.bodies(scene.room_id, scene.own.id)
        assert "another" in left
        assert not [body for body in left if "hunter2" in body]
        redactions = [one for one in scene.person.events(scene.room_id) if one["type"] == "m.room.redaction"]
        assert [one["content"].get("reason") for one in redactions] == ["a password"] * (EDITS + 1)
        assert scene.redact(event_id).out == "nothing of it is left to take back\n"


@on_synapse
def test_what_a_moderator_redacted_leaves_edits_and_a_thread_which_go_too(scene: Scene) -> None:
    assert gatewatch(scene.home, "say", scene.room, "password: hunter2").code == 0
    event_id = scene.said("password: hunter2")
    edit(scene, event_id, "password: hunter2 (again)")
    noted = {"m.relates_to": {"rel_type": "m.thread", "event_id": event_id}}
    scene.own.send(scene.room_id, "now: hunter2", **noted)
    scene.person.send(scene.room_id, "is that hunter2?", **noted)
    scene.person.redact(scene.room_id, event_id)
    assert scene.redact(event_id).out == "taken back: 2 events\n"
    assert [body for body in scene.person.bodies(scene.room_id) if "hunter2" in body] == ["is that hunter2?"]


@on_synapse
def test_what_others_said_and_what_is_not_there_stays(scene: Scene) -> None:
    never = scene.redact("$any")
    assert never.code == 1
    assert "is not there or not up to date: start the bot once" in never.err
    assert gatewatch(scene.home, "say", scene.room, "hello").code == 0
    theirs = scene.redact(scene.person.send(scene.room_id, "mine"))
    assert theirs.code == 1
    assert f"{scene.person.id} said that: the bot takes back only what it said itself" in theirs.err
    assert scene.person.bodies(scene.room_id)[-1] == "mine"
    gone = scene.redact("$nothing")
    assert (gone.code, f"there is no message $nothing in {scene.room_id}" in gone.err) == (1, True)
    odd = gatewatch(scene.home, "matrix", "redact", "lab", f"https://matrix.to/#/{scene.room_id}")
    assert (odd.code, "no link to a message" in odd.err) == (1, True)


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("https://matrix.to/#/!room:x.org/$event?via=x.org&via=y.org", ("!room:x.org", "$event")),
        ("https://matrix.to/#/%23alias%3Ax.org/%24an%2Fevent%3Ax.org", ("#alias:x.org", "$an/event:x.org")),
        ("https://app.element.io/#/room/#alias:x.org/$event", ("#alias:x.org", "$event")),
        ("matrix:roomid/room:x.org/e/event?via=x.org", ("!room:x.org", "$event")),
        ("matrix:r/alias:x.org/e/an%2Fevent", ("#alias:x.org", "$an/event")),
        ("matrix:roomid/room:x.org", None),
        ("https://matrix.to/#/!room:x.org", None),
        ("https://matrix.to/#/@ada:x.org/$event", None),
        ("https://matrix.to/#/!room:x.org/event", None),
        ("$event", None),
        ("", None),
    ],
)
def test_links_to_messages(link: str, message: tuple[str, str] | None) -> None:
    assert message_of(link) == message
