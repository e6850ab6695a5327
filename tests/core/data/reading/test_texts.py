"""Any encoding and any line ends become the same text, or are refused with the line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec_cli.core.data.reading import texts
from seqrec_cli.core.data.reading.engine import opened_engine
from seqrec_cli.core.data.reading.sources import TextSource
from seqrec_cli.core.data.reading.texts import Facts, guess_encoding, is_utf8, landed_text
from seqrec_cli.errors import InputError

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1251", "gb18030", "shift_jis"]


def landed(path: Path, encoding: str = "") -> tuple[bytes, Facts]:
    with opened_engine() as engine:
        facts = landed_text(TextSource(path), engine, encoding)
        return facts.path.read_bytes(), facts


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lines=st.lists(st.text('ab,1"é日ж ', max_size=6), min_size=1, max_size=6),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    block=st.sampled_from([1, 2, 3, 7, 1 << 20]),
)
def test_a_text_is_the_same_however_it_is_written(
    lines: list[str], encoding: str, end: str, block: int, tmp_path: Path
) -> None:
    text = end.join(lines) + end
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        return
    (tmp_path / "a.csv").write_bytes(content)
    named = "" if encoding.startswith("utf") else encoding
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "BLOCK_BYTES", block)
        found, facts = landed(tmp_path / "a.csv", named)
    assert found.decode().replace("\r\n", "\n") == "\n".join(lines) + "\n"
    assert facts.quotes == text.count('"')
    assert facts.size == len(found)
    assert not facts.damaged


def test_a_plain_file_is_read_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"1,2\n")
    with opened_engine() as engine:
        assert landed_text(TextSource(path), engine).path == path
        assert list(engine.folder.path.glob("*.txt")) == []


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        (b"1,2\n3,\0\n", "", "line 2: a NUL byte"),
        (b"1,2\n3,\0\n", "latin-1", "a NUL character"),
        (b"1,2\n3,\xff\n", "utf-8", ""),
        (b"1,2\n3,\x81\n", "cp1252", "about line 1: byte 0x81 is not cp1252"),
        (b"1,2\n", "klingon", "there is no encoding `klingon`"),
        (b"1,2\n", "base64", "there is no encoding `base64`"),
        (b"1,2\n", "\ud800", "there is no encoding"),
    ],
)
def test_says_what_cannot_be_read(
    content: bytes, encoding: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    if not words:
        assert landed(tmp_path / "a.csv", encoding)[1].damaged
        return
    with pytest.raises(InputError, match=words) as caught:
        landed(tmp_path / "a.csv", encoding)
    assert caught.value.hint


@given(text=st.text("aé日😀", max_size=20), start=st.integers(0, 80), size=st.integers(1, 20))
def test_a_block_cut_from_utf_8_is_utf_8(text: str, start: int, size: int) -> None:
    assert is_utf8(text.encode()[start : start + size])


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Köln, Straße, Müller", "cp1252"),
        ("Amélie, Les Misérables, Garçon", "cp1252"),
        ("Świeże jabłka, gęś, łosoś", "cp1250"),
        ("Příliš žluťoučký kůň", "cp1250"),
        ("Őszibarack, tükörfúró, hűtő", "cp1250"),
        ("Peyniraltı, ağaç, şişe, çiçek", "cp1254"),
        ("Bērnu grāmatas, ķirši, ūdens", "cp1257"),
        ("Perché, città, così", "cp1252"),
        ("Coração, pães, avó", "cp1252"),
        ("price in £", "cp1252"),
        ("Война и мир, Анна Каренина", "cp1251"),
        ("红楼梦西游记三国演义水浒传", "gb18030"),
        ("구매자ID,상품번호,주문일시", "cp949"),
        ("מספר לקוח,קוד מוצר,תאריך", "cp1255"),
        ("Клиентски номер;Артикул", "cp1251"),
        ("Дата чека;Номер чека;Карта;Номенклатура;Сумма", "cp866"),
        ("Дата чека;Номер чека;Карта;Номенклатура;Сумма", "koi8-r"),
        ("КАРТА ПОКУПАТЕЛЯ;НАИМЕНОВАНИЕ ТОВАРА", "cp1251"),
        ("КАРТА ПОКУПАТЕЛЯ;НАИМЕНОВАНИЕ ТОВАРА", "koi8-r"),
        ("Назва товару;Дата замовлення", "cp1251"),
        ("Είδος αγοράς, Ημερομηνία", "cp1253"),
        ("עגלה, לחם שחור, חלב טרי", "cp1255"),
        ("رقم العميل, اسم المنتج, تاريخ الشراء, خبز, حليب, جبنة بيضاء", "cp1256"),
        ("Käse, Müsli, Brötchen, Straße", "cp850"),
        ("Müller", "cp850"),
        ("Crème fraîche, pâtes, café, fidélité", "cp850"),
        ("Świeże jabłka, gęś, łosoś", "cp852"),
        ("Příliš žluťoučký kůň", "cp852"),
        ("Käse, Müsli, Brötchen, Straße", "mac-roman"),
        ("Crème fraîche, pâtes, café, fidélité", "mac-roman"),
        ("Descrição da ação, código", "cp1252"),
        ("N° 5, 3 €, Libellé, Épicerie, Qté", "cp1252"),
        ("the Director’s Cut, “Heat”", "cp1252"),
    ],
)
def test_a_guess_for_the_hint(text: str, encoding: str) -> None:
    assert guess_encoding(text.encode(encoding)) == encoding


@given(st.binary(max_size=200))
def test_any_bytes_have_a_guess(content: bytes) -> None:
    assert guess_encoding(content)


def test_reads_utf_16_without_a_mark(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("user,item\n1,é\n".encode("utf-16-le"))
    assert landed(tmp_path / "a.csv")[0] == "user,item\n1,é\n".encode()
