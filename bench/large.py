"""1,000 signatures x 500 failed builds over 10,000,000 lines on a real OpenSearch.

    python -m bench.large --folder FOLDER [--lines 10000000] [--heap 3g] [--rounds 3]

The first run loads the lines, which takes about half an hour; later ones with the same folder take them from there.
What is found is held against one search per signature and build for 10 of the builds. Needs what
tests/servers/opensearch.py needs, and the corpus.
"""

from __future__ import annotations

from bench.asking import PLANTED, Asking, run, same
from bench.measuring import Way, machine, rounds, table

FEW, MANY, CHECKED = 20, 500, 10


async def measure(asking: Asking) -> None:
    few, many = (asking.day.uuids(count) for count in (FEW, MANY))
    ours = Way(f"{MANY} builds x {PLANTED}, hits()", lambda: asking.by_hits(many))
    less = Way(f"{FEW} builds x {PLANTED}, hits()", lambda: asking.by_hits(few))
    apart = Way(f"{MANY} builds x {PLANTED}, each in its own search", lambda: asking.by_hits(many, apart=True))
    ways = [ours, less, apart]
    machine(asking.url, lines=asking.day.lines, rounds=f"1 + {asking.rounds}")
    await rounds(ways, 1 + asking.rounds)
    table(ways, of=ours)
    same(ours.found, apart.found)
    checked = set(many[:: MANY // CHECKED])
    _, found = await asking.one_by_one(sorted(checked))
    same({one for one in ours.found if one[1] in checked}, found)
    print(f"one search per signature and build finds the same in {len(checked)} of the builds: {len(found)} findings")


if __name__ == "__main__":
    run(__doc__, measure, signatures=PLANTED, lines=10_000_000, rounds=3)
