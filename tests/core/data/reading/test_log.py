"""Sessions and lists become rows of a log."""

import pytest

from seqrec_cli.errors import InputError
from tests.core.data.reading.conftest import ReadText, rows_of


def test_reads_sessions_of_recbole_whole(read: ReadText) -> None:
    header = "session_id:token\titem_id_list:token_seq\titem_id:token\n"
    text = f"{header}1\t10\t11\n1\t10 11\t12\n2\t5\t6\n"
    assert rows_of(read(text, "x.inter")) == [(1, 10), (1, 11), (1, 12), (2, 5), (2, 6)]


def test_lists_of_different_lengths_do_not_shift(read: ReadText) -> None:
    text = 'user,items,times\n1,"[1, 2]","[1500000000]"\n2,"[3]","[1500000001]"\n'
    with pytest.raises(InputError, match="the time in `times`"):
        read(text)


def test_reads_a_history_and_its_next_item_as_one(read: ReadText) -> None:
    rows = "".join(f"u{u},\"['a', 'b{u % 3}']\",c{u % 4}\n" for u in range(20))
    log = read("user_id,history_item_id,item_id\n" + rows)
    by_user: dict[str, list[str]] = {}
    for user, item in rows_of(log):
        by_user.setdefault(user, []).append(item)
    assert by_user == {f"u{u}": ["a", f"b{u % 3}", f"c{u % 4}"] for u in range(20)}
