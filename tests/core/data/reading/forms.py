"""The same interactions, in every form that logs have."""

import json
from typing import Any

EVENTS = [
    (u, f"i{u * 7 % 5 + n}", 1_500_000_000 + 100 * u + n) for u in range(1, 6) for n in range(3)
]


PAIRS = [(u, item) for u, item, _ in EVENTS]


def records() -> list[dict[str, Any]]:
    return [{"user": {"id": u}, "item_id": i, "ts": t, "tags": ["x"]} for u, i, t in EVENTS]


def by_user() -> list[tuple[int, list[str], list[int]]]:
    return [
        (u, [i for v, i, _ in EVENTS if v == u], [t for v, _, t in EVENTS if v == u])
        for u in range(1, 6)
    ]


FORMS = {
    "lines.json": "\n".join(json.dumps(record) for record in records()),
    "array.json": json.dumps(records(), indent=1),
    "wrapped.json": json.dumps({"info": {"n": 1}, "rows": records()}),
    "literals.json": "\n".join(str(record) for record in records()),
    "nested.jsonl": "\n".join(
        json.dumps(
            {"session": u, "events": [{"aid": i, "ts": t} for i, t in zip(*own, strict=True)]}
        )
        for u, *own in by_user()
    ),
    "cells.csv": "user,items,times\n" + "\n".join(f'{u},"{i}","{t}"' for u, i, t in by_user()),
    "bars.csv": "user;items;times\n"
    + "\n".join(f"{u};{'|'.join(i)};{'|'.join(map(str, t))}" for u, i, t in by_user()),
    "psql.txt": " user | item | ts \n------+------+----\n"
    + "\n".join(f" {u} | {i} | {t}" for u, i, t in EVENTS)
    + "\n(15 rows)\n",
    "hive": "\n".join(f"{u}\x01{i}\x01{t}" for u, i, t in EVENTS),
    "r.csv": '"user","item","ts"\n'
    + "\n".join(f'"{n}",{u},"{i}",{t}' for n, (u, i, t) in enumerate(EVENTS, 1)),
    "single.csv": "'user','item','ts'\n" + "\n".join(f"'{u}','{i}','{t}'" for u, i, t in EVENTS),
    "escaped.csv": "user,note,item,ts\n"
    + "\n".join(f'{u},"say \\"so\\", then",{i},{t}' for u, i, t in EVENTS),
    "lines in quotes.csv": "user,note,item,ts\n"
    + "\n".join(f'{u},"one\ntwo ""three""",{i},{t}' for u, i, t in EVENTS),
    "quotes.tsv": "user\tnote\titem\tts\n"
    + "\n".join(f'{u}\t"Weird Al" Yankovic\t{i}\t{t}' for u, i, t in EVENTS),
    "again.csv": "user,item,ts\n"
    + "".join(f"{u},{i},{t}\n" + "user,item,ts\n" * (n == 7) for n, (u, i, t) in enumerate(EVENTS)),
}
