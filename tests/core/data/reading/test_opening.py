"""The same rows in every form that logs have."""

import json
from typing import Any

import pytest

from tests.core.data.reading.conftest import ReadText, rows_of

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


@pytest.mark.parametrize("name", FORMS)
def test_reads_a_form(read: ReadText, name: str) -> None:
    assert rows_of(read(FORMS[name], name)) == EVENTS


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{u} {' '.join(i)}" for u, i, _ in by_user()) + "\n9 i1\n",
        "\n".join(f"{u}: {' '.join(i)}" for u, i, _ in by_user()) + "\n9: i1\n",
        "\n".join(f"{u},{','.join(i)}" for u, i, _ in by_user()) + "\n9,i1\n",
        "\n".join(f"{u}\t{' '.join(i)}" for u, i, _ in by_user()) + "\n9\ti1 i2\n",
        json.dumps({str(u): i for u, i, _ in by_user()} | {"9": ["i1"]}),
    ],
)
def test_reads_a_line_a_user(read: ReadText, text: str) -> None:
    rows = [row for row in rows_of(read(text, "a.txt")) if row[0] != 9]
    assert rows == PAIRS


def test_reads_blocks(read: ReadText) -> None:
    log = read("7:\n1,3,2005-09-06\n2,5,2005-05-13\n8:\n1,4,2005-10-19\n", "combined.txt")
    assert [row[:2] for row in rows_of(log)] == [(1, 7), (2, 7), (1, 8)]
    assert log.rows.ratings is not None
    assert log.rows.ratings.tolist() == [3, 5, 4]


def test_reads_clicked_impressions(read: ReadText) -> None:
    lines = "".join(
        f"{n}\tU{n % 3}\t11/{n + 11}/2019 9:05:58 AM\tN1 N2\tN{n}-1 N8-0 N9-0\n"
        for n in range(1, 9)
    )
    log = read(lines, "behaviors.tsv")
    assert [row[1] for row in rows_of(log)] == [f"N{n}" for n in range(1, 9)]
