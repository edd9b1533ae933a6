"""Links to a change, a build, a log line, a bug and a search page. Pure; "" where nothing is configured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from bot.model import Line, Signature

# What may stand in a URL as it is (RFC 3986, 2.2 and 2.3), but the quote marks and brackets that end one in a text.
IN_URLS = ":/?#@!$&()*+,;=%~"


@dataclass(frozen=True, slots=True)
class Links:
    """The bases of links, as the config file's `links` has them.

    `zuul`: a tenant's page (`https://zuul.opendev.org/t/openstack`). `gerrit`: its base (the key `change`).
    `tracker`: a bug tracker that takes `/NUMBER` (the key `bug`). `dashboards`: Kibana or OpenSearch Dashboards,
    up to before `/app` (`https://host/_dashboards`); `data_view` the id of its data view or index pattern, `tenant`
    its `security_tenant`, `kind` which address its search page has: "kibana" (Kibana 7 to 9, OpenSearch Dashboards
    before it had the data explorer) or "opensearch".
    """

    zuul: str = ""
    gerrit: str = ""
    tracker: str = ""
    dashboards: str = ""
    data_view: str = ""
    tenant: str = ""
    kind: str = "opensearch"

    def change(self, change: str) -> str:
        """The Gerrit page of a change's number."""
        return _below(self.gerrit, change)

    def build(self, uuid: str) -> str:
        """Zuul's page of a build."""
        return _below(self.zuul, "build", uuid)

    def bug(self, bug: str) -> str:
        """A bug by its number; a URL stays."""
        if bug.isascii() and bug.isdigit():
            return _below(self.tracker, bug)
        return web(bug)

    def cause(self, signature: Signature) -> str:
        """The bug of a signature: what it names, else its id if that is a number."""
        return self.bug(signature.bug or signature.id)

    def log(self, line: Line) -> str:
        """The file that a line is in."""
        return web(line.log_url)

    def discover(self, query: str, start: datetime, end: datetime) -> str:
        """The search page with a Lucene query over [start, end]: 450 to 600 characters, too long for a line on IRC.

        The language is forced, as the default (KQL, DQL) reads the same text differently.
        """
        if not self.dashboards or not self.data_view:
            return ""
        base = self.dashboards.rstrip("/")
        tenant = f"?security_tenant={quote(self.tenant, safe='')}" if self.tenant else ""
        time = {"from": _iso(start), "to": _iso(end)}
        everywhere = {"filters": [], "refreshInterval": {"pause": True, "value": 0}, "time": time}
        search = {"language": "lucene", "query": query}
        if self.kind == "kibana":
            shown = {"columns": ["message"], "sort": [["@timestamp", "desc"]], "interval": "auto"}
            here = shown | {"filters": [], "index": self.data_view, "query": search}
            return f"{base}/app/discover{tenant}#/?" + _states(_g=everywhere, _a=here)
        shown = {"columns": ["message"], "isDirty": False, "sort": [["@timestamp", "desc"]]}
        view = {"discover": shown, "metadata": {"indexPattern": self.data_view, "view": "discover"}}
        asked = {"filters": [], "query": search}
        return f"{base}/app/data-explorer/discover{tenant}#?" + _states(_a=view, _g=everywhere, _q=asked)


def web(url: str) -> str:
    """An address that came from a log or a signature: only http and https, nothing in it that ends a link."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # half an IPv6 address in brackets
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    return quote(url.strip(), safe=IN_URLS, errors="replace")


def rison(value: object) -> str:
    """A value as Rison, the notation of the state in Kibana's addresses: JSON with `()`, `!()`, `!t`, `!f` and `'`.

    `!` and `'` in a text are written `!!` and `!'`. Every text is quoted, which Rison always allows.
    """
    if isinstance(value, bool):
        return "!t" if value else "!f"
    if isinstance(value, dict):
        return "(" + ",".join(f"{key}:{rison(one)}" for key, one in value.items()) + ")"
    if isinstance(value, list):
        return "!(" + ",".join(rison(one) for one in value) + ")"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("!", "!!").replace("'", "!'") + "'"


def _states(**states: object) -> str:
    # All of it is percent-encoded: brackets and quote marks would end the link in most clients.
    return "&".join(f"{name}={quote(rison(state), safe='')}" for name, state in states.items())


def _below(base: str, *steps: str) -> str:
    if not base or not all(steps):
        return ""
    return "/".join([base.rstrip("/"), *(quote(step, safe="", errors="replace") for step in steps)])


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
