"""How fast failed builds are classified on a real OpenSearch, against one search per signature and build.

    python -m bench.classify [--lines 200000] [--rounds 19]

Generates log lines as OpenStack's logsender writes them, with the phrases of corpus signatures planted in some
failed builds, and asks 100 signatures of 20 and of 500 failed builds; then the same of 20 builds as
elastic-recheck did. The two ways must find the same signatures in the same builds, with the same counts, or it ends
with an error. Needs what tests/servers/opensearch.py needs, and the corpus.
"""

from __future__ import annotations

from bench.asking import Asking, run, same
from bench.measuring import Way, machine, rounds, table

FEW, MANY, SIGNATURES = 20, 500, 100


async def measure(asking: Asking) -> None:
    few, many = (asking.day.uuids(count) for count in (FEW, MANY))
    ours = Way(f"{FEW} builds x {SIGNATURES}, hits()", lambda: asking.by_hits(few))
    more = Way(f"{MANY} builds x {SIGNATURES}, hits()", lambda: asking.by_hits(many))
    apart = Way(f"{FEW} builds x {SIGNATURES}, each in its own search", lambda: asking.by_hits(few, apart=True))
    theirs = Way(f"{FEW} builds x {SIGNATURES}, one by one", lambda: asking.one_by_one(few))
    ways = [ours, more, apart, theirs]
    machine(asking.url, lines=asking.day.lines, rounds=f"1 + {asking.rounds}")
    await rounds(ways, 1 + asking.rounds)
    same(ours.found, theirs.found)
    same(ours.found, apart.found)
    table(ways, of=ours)
    print(f"{MANY} builds take {more.median / ours.median:.2f} times the time of {FEW}")


if __name__ == "__main__":
    run(__doc__, measure, signatures=SIGNATURES, lines=200_000, rounds=19)
