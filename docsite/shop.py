"""The files of the documents: visitors of a made-up shop for sports, and what it sells.

A visitor likes two sports, and looks at the things of both more or less in the order in which
people buy them; a line of `clicks.csv` is one look. Some looks go on to a cart, and some of these
to a purchase: `events.csv` has all of them, up to one night, and `next/events.csv` up to a later
one, when a thing is sold that nobody had before.
"""

import csv
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

SPORTS = {
    "camping": "tent,sleeping bag,mat,stove,gas,pot,headlamp,water filter",
    "climbing": "climbing shoes,chalk,harness,belay device,carabiner,rope,quickdraws,helmet",
    "cycling": "bike,bike helmet,bike lock,lights,pump,inner tube,gloves,saddle bag",
    "running": "running shoes,socks,shorts,running watch,gels,belt,cap,foam roller",
    "skiing": "skis,ski boots,bindings,goggles,ski gloves,wax,ski bag,avalanche beacon",
}
VISITORS = 500
ELSEWHERE = 0.1  # share of looks at anything in the shop
NEAR = (1, 2, 3)  # a visitor goes on to one of the things that come so much later ...
WEIGHTS = (6, 3, 1)  # ... with these weights, and never back to the same
CARTS, PURCHASES = 0.4, 0.5  # share of looks that go on, and of carts that do
NIGHT = "2026-05-01"  # what is later is in the log of the next night alone
INSTEAD = {"tent": "tarp"}  # what some look at from then on
CUSTOMERS = ("v7", "v381", "w1")  # whom the documents write lists for; the shop never saw the last


def visits(seed: int = 0) -> list[tuple[str, str, str]]:
    """The rows: visitor, product, time; ordered by time."""
    draw = random.Random(seed)
    sports = [things.split(",") for things in SPORTS.values()]
    rows = []
    for visitor in range(1, VISITORS + 1):
        likes, when = draw.sample(sports, 2), datetime(2026, 3, 1)
        when += timedelta(minutes=draw.randrange(60 * 24 * 60))
        at, seen = [draw.randrange(8), draw.randrange(8)], set[str]()
        for _ in range(draw.randint(5, 12)):
            which = int(draw.random() < 0.4)
            at[which] += draw.choices(NEAR, WEIGHTS)[0]
            product = likes[which][at[which] % 8]
            if draw.random() < ELSEWHERE:
                product = draw.choice(draw.choice(sports))
            if product not in seen:
                seen.add(product)
                rows.append((f"v{visitor}", product, when.isoformat(" ", "minutes")))
                when += timedelta(minutes=draw.randint(2, 3000))
    return sorted(rows, key=lambda row: (row[2], row[0]))


def write(path: Path) -> None:
    """Write the log as a CSV file."""
    lines = ["visitor,product,time", *(",".join(row) for row in visits())]
    path.write_text("\n".join(lines) + "\n")


def events(seed: int = 0) -> list[tuple[str, str, str, str]]:
    """The rows: visitor, product, event, time; ordered by time."""
    draw = random.Random(seed)
    rows = []
    for visitor, product, time in visits(seed):
        if time >= NIGHT and draw.random() < 0.5:
            product = INSTEAD.get(product, product)
        when = datetime.fromisoformat(time)
        for event, share in (("view", 1.0), ("cart", CARTS), ("purchase", PURCHASES)):
            if draw.random() >= share:
                break
            rows.append((visitor, product, event, when.isoformat(" ", "minutes")))
            when += timedelta(minutes=draw.randint(1, 5))
    return sorted(rows, key=lambda row: row[3])


def products(seed: int = 0) -> list[tuple[str, str, str, str]]:
    """The rows: product, its sport, its price, and whether it is in stock."""
    draw = random.Random(seed)
    sold = {thing: sport for sport, things in SPORTS.items() for thing in things.split(",")}
    sold |= {new: sold[old] for old, new in INSTEAD.items()}
    return [
        (thing, sport, f"{draw.randint(5, 400)}", "yes" if draw.random() < 0.8 else "no")
        for thing, sport in sold.items()
    ]


def write_files(folder: Path) -> None:
    """Write all files of the documents into a folder."""
    write(folder / "clicks.csv")
    header, rows = ("visitor", "product", "event", "time"), events()
    write_table(folder / "events.csv", header, [row for row in rows if row[3] < NIGHT])
    (folder / "next").mkdir(exist_ok=True)
    write_table(folder / "next/events.csv", header, rows)
    write_table(folder / "products.csv", ("product", "sport", "price", "in_stock"), products())
    (folder / "customers.txt").write_text("\n".join(CUSTOMERS) + "\n")


def write_table(path: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Write rows as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
