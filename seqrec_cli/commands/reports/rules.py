"""What is printed of rules."""

from typing import TYPE_CHECKING

from seqrec_cli import console
from seqrec_cli.wording import counted, verb

if TYPE_CHECKING:
    from seqrec_cli.core.runs.ruling import Ruled


def show_rules(ruled: "Ruled", *, baselines: bool = False) -> None:
    """Say what the rules leave, and which one does not hold for `baselines`, if there are any."""
    console.warn_all(ruled.notes)
    account = ruled.account
    for option in ("only", "exclude"):
        for rule in account.get(option, ()):
            console.info(
                f"--{option} {rule['rule']}: {rule['items']:,} of {account['items']:,} items"
            )
    if "only" in account or "exclude" in account:
        console.info(f"{account['items_left']:,} of {account['items']:,} items may be recommended")
    if "exclude_seen" in account:
        console.info(f"seen items are left out {account['exclude_seen'].replace('=', ' ')}")
    if "popularity_penalty" in account:
        console.info(
            f"scores minus {account['popularity_penalty']:g} log(1 + the item's train count)"
        )
    if "diversify" in account:
        console.info(
            f"lists by maximal marginal relevance, weight {account['diversify']:g}, by "
            f"{account['diversify_by']}{'; baselines stay as they are' if baselines else ''}"
        )
    if ruled.new_items:
        console.warn(
            f"{counted(ruled.new_items, 'item')} that nobody has yet "
            f"{verb(ruled.new_items, 'is', 'are')} left out: this model knows items by their ids "
            "alone; one that reads features (`two_tower`) can recommend such"
        )
