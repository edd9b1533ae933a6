"""Lines that nobody should send, drawn from a seed: real ones bent, real ones in the wrong place, and noise."""

from __future__ import annotations

import random

COMMANDS = (
    "PRIVMSG", "NOTICE", "JOIN", "PART", "KICK", "QUIT", "NICK", "MODE", "TOPIC", "INVITE", "PING", "PONG", "ERROR",
    "ACCOUNT", "CHGHOST", "SETNAME", "BATCH", "CAP", "AUTHENTICATE", "AWAY", "WALLOPS", "TAGMSG", "FAIL", "WARN",
    "KILL", "001", "002", "004", "005", "020", "042", "252", "263", "301", "307", "311", "312", "315", "317", "318",
    "319", "330", "332", "333", "335", "352", "353", "354", "366", "372", "375", "376", "378", "396", "401", "402",
    "403", "404", "405", "407", "410", "412", "421", "422", "432", "433", "436", "437", "439", "441", "442", "451",
    "461", "462", "464", "465", "470", "471", "473", "474", "475", "476", "477", "479", "480", "482", "489", "500",
    "515", "519", "520", "531", "716", "900", "901", "902", "903", "904", "905", "906", "907", "908", "999", "0",
    "-1", "privmsg", "Join",
)  # fmt: skip
NICKS = (
    "gatewatch", "GateWatch", "gatewatch_", "ann", "bob", "NickServ", "*", "", "x\rQUIT", "ü", "[a]", "\ufeff",
)  # fmt: skip
HOSTS = (
    "!u@h", "!~u@h.example.org", "@h", "!u", "", "!services@services.test",
)  # fmt: skip
ROOMS = (
    "#gate", "#GATE", "#gate,#other", "#other", "&x", "#", "@#gate", "gatewatch", "*",
)  # fmt: skip
TEXTS = (
    "!top", "gatewatch: top", "GATEWATCH, !why 1", "hello", "", " ", "!", "gatewatch:", "\x01VERSION\x01",
    "\x01PING 1\rQUIT :x\x01", "\x01CLIENTINFO\x01", "\x01ACTION waves\x01", "\x01", "\x01\x01",
    "\x01DCC SEND x 1 2 3\x01", "\x02!top\x0f", "!top\x00x", "!x\rQUIT :gone", "\x0304,05!gate",
    "You are now identified for gatewatch", "Password incorrect", "control codes are not permitted", "+o ann",
    "-o+v ann bob", "+b *!*@*", "+r", "-nt+lk 5", "LS :sasl=PLAIN", "* ACK :echo-message", "* DEL :account-tag",
    "* NEW :sasl", "+1 chathistory", "-1", "+2 netsplit a b", "317 #gate u h ann H@B acct", "317 #gate u h ann",
    "ann u h * :real", "ann acct :is logged in as", "= #gate :@ann +bob !a@b ann!u@h @+%",
    "PREFIX=(ov)@+ CASEMAPPING=ascii WHOX :are supported", "PREFIX=)( CHANMODES=,,,,, BOT= :x", "LINELEN=9 -BOT :x",
    "LINELEN=99999999999 TARGMAX= CHANLIMIT=# :x", "too fast, throttled", "K-Lined",
)  # fmt: skip
TAGS = (
    "account=ann", "account=", "account", "bot", "batch=1", "batch=", "time=2026-11-25T12:00:00.000Z",
    "time=1970-01-01T00:00:00Z", "time=;;", "msgid=\\", "+typing=active", "label=gatewatch-1", "=", ";", "",
)  # fmt: skip
LONG = {
    "nick": "a" * 200,
    "host": f"!{'u' * 300}@h",
    "room": f"#{'y' * 300}",
    "text": "x" * 600,
    "tag": "t=" + "\\:" * 2_000,
}


class Hostile:
    """An endless source; the same seed gives the same lines. None has an LF inside, as that would make it two."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def line(self) -> bytes:
        draw = self._random
        if draw.random() < 0.05:
            return draw.randbytes(draw.choice((0, 1, 5, 80, 600, 20_000 if draw.random() < 0.02 else 3))).replace(
                b"\n", b""
            )
        line = self._like_a_real_one().encode("utf-8", "surrogatepass")
        if draw.random() < 0.2:
            line = self._bent(line)
        return line.replace(b"\n", b"")

    def _like_a_real_one(self) -> str:
        draw = self._random
        tags = (
            "@" + ";".join(draw.choices((*TAGS, LONG["tag"]), k=draw.randint(1, 4))) + " "
            if draw.random() < 0.3
            else ""
        )
        nick = draw.choice((*NICKS, LONG["nick"])) if draw.random() < 0.7 else f"n{draw.randrange(5_000)}"
        source = f":{nick}{draw.choice((*HOSTS, LONG['host']))} " if draw.random() < 0.9 else ""
        if draw.random() < 0.4:  # where most may come of it
            return f"{tags}{source}PRIVMSG {draw.choice(('#gate', 'gatewatch'))} :{draw.choice(TEXTS)}"
        words = [draw.choice((*ROOMS, *NICKS, LONG["room"])) for _ in range(draw.choice((0, 1, 1, 1, 1, 2, 3)))]
        text = draw.choice((" :", " :", " ", "")) + draw.choice((*TEXTS, LONG["text"])) if draw.random() < 0.85 else ""
        return tags + source + " ".join((draw.choice(COMMANDS), *words)) + text

    def _bent(self, line: bytes) -> bytes:
        """A byte changed, a piece left out, or a piece twice."""
        draw = self._random
        at, end = sorted((draw.randint(0, len(line)), draw.randint(0, len(line))))
        match draw.randrange(3):
            case 0:
                return line[:at] + draw.randbytes(1) + line[at + 1 :]
            case 1:
                return line[:at] + line[end:]
            case _:
                return line[:end] + line[at:]
