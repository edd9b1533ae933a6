"""Polls with ElastAlert 2's own code, one for each line of the standard input; runs in ElastAlert's environment.

    python elastalert_poll.py CONFIG START END THREADS

Answers each line with one of JSON: the requests it took, and the hits of each rule. One thread is its `run_all_rules`;
more are what its scheduler has (`max_threads`, 10 by default).
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from elastalert.elastalert import ElastAlerter
from elastalert.util import ts_to_dt
from elasticsearch import Transport


class Polled(ElastAlerter):
    """Notes what each rule writes down of its run."""

    def __init__(self, arguments: list[str]) -> None:
        self.hits: dict[str, int] = {}
        super().__init__(arguments)

    def writeback(self, doc_type: str, body: dict[str, Any], *more: Any, **options: Any) -> Any:
        if doc_type == "elastalert_status":
            self.hits[body["rule_name"]] = body["hits"]
        return super().writeback(doc_type, body, *more, **options)

    def poll(self, start: str, threads: int) -> None:
        for rule in self.rules:
            rule["initial_starttime"] = ts_to_dt(start)
        if threads == 1:
            self.run_all_rules()
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(self.handle_rule_execution, self.rules))


def main() -> None:
    config, start, end, threads = sys.argv[1:]
    sent: list[object] = []
    send = Transport.perform_request

    def counted(self: Transport, *request: Any, **options: Any) -> Any:
        sent.append(None)
        return send(self, *request, **options)

    Transport.perform_request = counted
    polled = Polled(["--config", config, "--end", end, "--pin_rules"])
    for _ in sys.stdin:
        sent.clear()
        polled.poll(start, int(threads))
        print(json.dumps({"requests": len(sent), "hits": polled.hits}), flush=True)


if __name__ == "__main__":
    main()
