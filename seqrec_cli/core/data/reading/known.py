"""Public files without a header whose columns are documented, by name; and files beside logs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from seqrec_cli.core.data.reading.sources import TextSource


@dataclass(frozen=True)
class KnownLayout:
    """What separates the values of a known file, and what its columns are."""

    delimiter: str
    names: tuple[str, ...]


def layout(delimiter: str, names: str) -> KnownLayout:
    return KnownLayout(delimiter, tuple(names.split()))


MOVIELENS = "user_id item_id rating timestamp"
CHECKINS = "user_id time latitude longitude location_id"
FOURSQUARE = (
    "user_id venue_id venue_category_id venue_category_name latitude longitude timezone_offset "
    "utc_time"
)
LAYOUTS: Mapping[str, KnownLayout] = {
    "u.data": layout("\t", MOVIELENS),
    "ua.base": layout("\t", MOVIELENS),
    "ub.base": layout("\t", MOVIELENS),
    "ratings.dat": layout("::", MOVIELENS),
    "UserBehavior.csv": layout(",", "user_id item_id category_id behavior_type timestamp"),
    "userid-timestamp-artid-artname-traid-traname.tsv": layout(
        "\t", "user_id timestamp artist_id artist_name track_id track_name"
    ),
    "usersha1-artmbid-artname-plays.tsv": layout("\t", "user_sha artist_mbid artist_name plays"),
    "LFM-1b_LEs.txt": layout("\t", "user_id artist_id album_id track_id timestamp"),
    "yoochoose-clicks.dat": layout(",", "session_id timestamp item_id category"),
    "yoochoose-test.dat": layout(",", "session_id timestamp item_id category"),
    "yoochoose-buys.dat": layout(",", "session_id timestamp item_id price quantity"),
    "100k_a.csv": layout(",", "user_id stream_id streamer_name first_interval last_interval"),
    "full_a.csv": layout(",", "user_id stream_id streamer_name first_interval last_interval"),
    "movie-ratings.txt": layout(",", "user_id movie_id genre_id review_id movie_rating date"),
    "ratings_data.txt": layout(" ", "user_id item_id rating"),
    "train_triplets.txt": layout("\t", "user_id song_id plays"),
    "Behance_appreciate_1M": layout(" ", "user_id item_id timestamp"),
    "loc-gowalla_totalCheckins.txt": layout("\t", CHECKINS),
    "loc-brightkite_totalCheckins.txt": layout("\t", CHECKINS),
    "Gowalla_totalCheckins.txt": layout("\t", CHECKINS),
    "Brightkite_totalCheckins.txt": layout("\t", CHECKINS),
    "dataset_TSMC2014_NYC.txt": layout("\t", FOURSQUARE),
    "dataset_TSMC2014_TKY.txt": layout("\t", FOURSQUARE),
    "dataset_TIST2015_Checkins.txt": layout("\t", "user_id venue_id utc_time timezone_offset"),
    "steam-200k.csv": layout(",", "user_id game behavior_name hours zero"),
    "user_artist_data.txt": layout(" ", "user_id artist_id plays"),
    "behaviors.tsv": layout("\t", "impression_id user_id time history impressions"),
}
# No rating is so large; the times of computers are.
EPOCH = re.compile(r"[0-9]{9,19}")
ITEMS = {"u.data": "u.item", "ratings.dat": "movies.dat", "ratings.csv": "movies.csv"}
USERS = {"u.data": "u.user", "ratings.dat": "users.dat"}
LOGS = ("u.data", "ratings.dat", "ratings.csv")


def layout_of(source: TextSource, head: bytes) -> KnownLayout | None:
    """The layout of a known file, if this one looks like it at all."""
    known = LAYOUTS.get(source.filename)
    if known is None:
        return None
    lines = [line for line in head.split(b"\n") if line.strip()][:20]
    width = len(known.names) - 1
    # A later edition may have a header, another delimiter or other columns: then it is looked at
    # like any file.
    if not all(line.count(known.delimiter.encode()) == width for line in lines):
        return None
    cells = [line.decode("latin-1").split(known.delimiter) for line in lines]
    if "rating" in known.names:
        place = known.names.index("rating")
        if all(EPOCH.fullmatch(row[place].strip()) for row in cells):
            return None
    return known


def named_by_file(source: TextSource, width: int) -> tuple[str, ...]:
    """The names of the columns where the file's own name lists them: `user-item-time.tsv`."""
    names = tuple(source.filename.rpartition(".")[0].split("-"))
    return names if len(names) == width > 2 else ()


def items_beside(source: TextSource) -> TextSource | None:
    """The file of the items beside a log of MovieLens or RecBole."""
    name = source.filename
    if name in ITEMS:
        return source.sibling(ITEMS[name])
    return beside_atomic(source, ".item")


def users_beside(source: TextSource) -> TextSource | None:
    """Likewise of the users."""
    name = source.filename
    if name in USERS:
        return source.sibling(USERS[name])
    return beside_atomic(source, ".user")


def beside_atomic(source: TextSource, suffix: str) -> TextSource | None:
    if not source.filename.endswith(".inter"):
        return None
    stem = source.filename.removesuffix(".inter")
    for part in (".train", ".valid", ".test"):
        stem = stem.removesuffix(part)
    return source.sibling(stem + suffix) or source.sibling(f"{stem}{suffix}.gz")
