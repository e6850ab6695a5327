"""What files say of users and items, as the columns of texts that are encoded."""

from pathlib import Path

from seqrec_cli.core.data.reading.attributes import read_attributes
from seqrec_cli.core.data.reading.sources import TextSource


def test_files_of_movielens_are_understood(real_data: Path) -> None:
    users = read_attributes(TextSource(real_data / "ml-100k" / "u.user"), "user")
    assert users.ids[0] == "1"
    assert {name: column[0] for name, column in users.columns.items()} == {
        **{"age": "24", "gender": "M", "occupation": "technician", "zip code": "85711"}
    }
    items = read_attributes(TextSource(real_data / "ml-100k" / "u.item"), "item")
    assert items.titles["1"] == "Toy Story (1995)"
    assert (items.columns["year"][0], items.columns["genres"][0]) == (
        *("1995", "Animation|Children's|Comedy"),
    )
    older = read_attributes(TextSource(real_data / "ml-1m" / "movies.dat"), "item")
    assert older.columns["genres"][1] == "Adventure|Children's|Fantasy"
    people = read_attributes(TextSource(real_data / "ml-1m" / "users.dat"), "user")
    assert people.columns["gender"][0] == "F"
    assert set(people.kinds.values()) == {"sparse"}


def test_atomic_files_of_recbole_are_understood(tmp_path: Path) -> None:
    (tmp_path / "x.user").write_text("user_id:token\tage:token\theight:float\n7\t24\t1.8\n")
    users = read_attributes(TextSource(tmp_path / "x.user"), "user")
    assert (users.ids, users.columns) == (["7"], {"age": ["24"], "height": ["1.8"]})
    assert users.kinds == {"height": "dense"}
    (tmp_path / "x.item").write_text(
        "item_id:token\tmovie_title:token_seq\tclass:token_seq\tv:float_seq\n"
        "5\tToy Story\tComedy Drama\t1 2\n"
    )
    items = read_attributes(TextSource(tmp_path / "x.item"), "item")
    assert items.columns == {"class": ["Comedy|Drama"], "v[0]": ["1"], "v[1]": ["2"]}
    assert items.kinds == {"class": "tags", "v[0]": "dense", "v[1]": "dense"}
    assert items.titles == {"5": "Toy Story"}


def test_lists_in_cells_are_tags(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text('video_id,feat\n5,"[1, 10]"\n6,[3]\n')
    items = read_attributes(TextSource(path), "item", "video_id")
    assert items.columns == {"feat": ["1|10", "3"]}
    assert items.kinds == {"feat": "tags"}
