"""The log of the documents is the same each time, and has an order that can be learnt."""

from docsite.shop import SPORTS, VISITORS, visits


def test_the_same_each_time_and_in_order() -> None:
    rows = visits()
    assert rows == visits()
    assert rows != visits(seed=1)
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)
    assert len({row[0] for row in rows}) == VISITORS


def test_the_next_thing_is_of_a_sport_of_the_last_three() -> None:
    sport_of = {each: sport for sport, things in SPORTS.items() for each in things.split(",")}
    histories: dict[str, list[str]] = {}
    for visitor, product, _ in visits():
        histories.setdefault(visitor, []).append(product)
    assert all(len(set(own)) == len(own) for own in histories.values())
    pairs = [
        sport_of[own[n]] in {sport_of[product] for product in own[n - 3 : n]}
        for own in histories.values()
        for n in range(3, len(own))
    ]
    assert 0.7 < sum(pairs) / len(pairs) < 0.95
