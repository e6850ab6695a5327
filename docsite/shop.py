"""The log of the README and the tutorial: visitors of a made-up shop for sports.

A visitor likes two sports, and looks at the things of both more or less in the order in which
people buy them; a line is one look.
"""

import random
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
