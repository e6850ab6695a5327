"""Dates as people, shops and databases write them, in many languages, give the same moment."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.data.reading.dates import MONTHS, formats_of, month_word, respelled, unaccented
from tests.core.data.reading.conftest import ReadText, rows_of

DAY = 1_615_680_000  # 14 March 2021
MINUTE = DAY + 17 * 3600 + 5 * 60
SECOND = MINUTE + 9

TEXTS = {
    **dict.fromkeys(
        (
            *("14. März 2021", "14. Mrz. 2021", "14 mars 2021", "14 de marzo de 2021"),
            *("14 marca 2021", "14 марта 2021", "14 Mart 2021", "14th March 2021"),
            *(
                "March 14th, 2021",
                "Sunday, March 14, 2021",
                "14MAR2021",
                "14mar2021",
                "Mar-14-2021",
            ),
            *(
                "Mar-14-21",
                "14MAR21",
                "2021-Mar-14",
                "2021 Mar 14",
                "2021-073",
                "2021-W10-7",
                "2021:03:14",
                "2021. 3. 14.",
            ),
            *("Posted March 14, 2021.", "So, 14.03.2021", "(14.03.2021)", "2021/03/14(日)"),
        ),
        DAY,
    ),
    **dict.fromkeys(
        (
            *("14. März 2021 17:05", "14 mars 2021 à 17:05", "14.03.2021, 17:05 Uhr"),
            *("Mar 14, 2021 at 5:05 PM", "14/03/2021 5:05 p.m.", "14/03/2021 5:05\u202fPM"),
            *("14/03/2021 17h05", "17:05 14/03/2021", "5:05 PM - 14 Mar 2021", "2021-03-14_17-05"),
            *("2021. 3. 14. 17:05", "2021/3/14 下午 5:05", "20210314T1705"),
            *("14/3/2021 5:05 μμ", "14/3/2021 5:05 μ.μ.", "14/3/2021 5:05 ÖS", "14. 3. 2021 17:05"),
            *("14/03/2021 05:05 CH", "14.3.2021 17.05", "3/14/2021 5:05p"),
            *(
                "5:05 CH 14/03/2021",
                "5:05 em 2021-03-14",
                "5:05 م 2021/03/14",
                "14/03/2021 ÖS 5:05",
            ),
            *("14 мар. 2021 г., 17:05", "2021. márc. 14. 17:05", "2021. március 14. 17:05"),
            *("14. března 2021 v 17:05", "14 Μαρτίου 2021 17:05", "14 มี.ค. 2564 17:05"),
            *("14 березня 2021, 17:05", "14 במרץ 2021 17:05", "14 مارس 2021 17:05"),
        ),
        MINUTE,
    ),
    **dict.fromkeys(
        (
            *("20210314170509.0Z", "20210314170509Z", "٢٠٢١-٠٣-١٤ ١٧:٠٥:٠٩", "१४/०३/२०२१ १७:०५:०९"),
            *("20210314T170509Z", "20210314 170509", "14MAR2021:17:05:09", "17:05:09 14/03/2021"),
            *("2021-03-14t17:05:09z", "2021-03-14T18:05:09+01:00[Europe/Berlin]"),
            *("2021-03-14 18:05:09 CET", "2021-03-14 09:05:09 PST", "2021-03-14-17-05-09"),
            *("2021-03-14 18:05:09 Europe/Berlin", "2021年03月14日 17时05分09秒"),
            "Sun Mar 14 2021 17:05:09 GMT+0000 (Coordinated Universal Time)",
        ),
        SECOND,
    ),
}


@pytest.mark.parametrize("text", TEXTS)
def test_reads_a_date(read: ReadText, text: str) -> None:
    log = read(f'user,item,date\n1,2,"{text}"\n3,4,"{text}"\n')
    assert [row[2] for row in rows_of(log)] == [TEXTS[text]] * 2
    assert log.rows.time_unit == "seconds"


@pytest.mark.parametrize("language", range(13))
def test_all_months_of_a_language(read: ReadText, language: int) -> None:
    """In order, though those of the first rows may be spelled as in English."""
    months = [
        *("Januar Februar März April Mai Juni Juli August September Oktober November Dezember",),
        *("janvier février mars avril mai juin juillet août septembre octobre novembre décembre",),
        *("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre dic.",),
        *("Januari Februari Maret April Mei Juni Juli Agustus Sept Oktober November Desember",),
        *("Jan. Feb. Mär. Apr. Mai Jun. Jul. Aug. Sep. Okt. Nov. Dez.",),
        *("янв. февр. марта апр. мая июн. июл. авг. сент. окт. нояб. дек.",),
        *("jan. febr. márc. ápr. máj. jún. júl. aug. szept. okt. nov. dec.",),
        *("ledna února března dubna května června července srpna září října listopadu prosince",),
        *("Ιαν Φεβ Μαρ Απρ Μαΐ Ιουν Ιουλ Αυγ Σεπ Οκτ Νοε Δεκ",),
        *("Oca Şub Mar Nis Mayıs Haz Tem Ağu Eyl Eki Kas Ara",),
        *(
            "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада"
            " грудня",
        ),
        *("tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu",),
        *("ianuarie februarie martie aprilie mai iunie iulie aug septembrie octombrie nov dec",),
    ][language].split()
    rows = "".join(f"1,{n},3. {month} 2020\n" for n, month in enumerate(months, 1))
    times = [row[2] for row in rows_of(read("user,item,date\n" + rows))]
    assert times == sorted(times)
    assert len(set(times)) == 12


@pytest.mark.parametrize(
    "text",
    [
        *("sku-12-11-2019", "A2019-07", "20190715-0012", "10.0.0.1", "2021-13-45", "30 Foo 2021"),
        *("Show 2019", "1.2.3", "2021-03-14 25:05", "2021-03-14 923", "Mar 14 17:05:09", ""),
    ],
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert formats_of(text) == {}


def test_the_place_of_the_year_is_told_by_what_changes_less(read: ReadText) -> None:
    days = "".join(f"1,{day},{{}}\n".format(f"19-06-{day:02}") for day in range(1, 29))
    assert read("user,item,date\n" + days).rows.times is not None
    days = "".join(f"1,{day},{day:02}.06.19\n" for day in range(1, 29))
    times = read("user,item,date\n" + days).rows.times
    assert times is not None
    assert (times[1:] - times[:-1]).tolist() == [86_400] * 27


@given(st.text(max_size=90))
def test_any_text_may_be_asked(text: str) -> None:
    (cell,), _ = respelled([text])
    formats_of(cell)
    assert month_word([cell]) >= 0


def test_no_word_is_two_months() -> None:
    words = [word for names in MONTHS for word in names.split()]
    assert len(words) == len(set(words))
    assert all(word == unaccented(word) for word in words)


def test_a_log_may_begin_in_months_that_are_english_too(read: ReadText) -> None:
    """Of the year's months four are written in Norwegian as in English, and come first here."""
    first, last = ["jan.", "feb.", "april", "aug."], ["mars", "mai", "juni", "juli"]
    months = [*first, *last, "sep.", "okt.", "nov.", "des."]
    numbers = (1, 2, 4, 8, 3, 5, 6, 7, 9, 10, 11, 12)
    rows = "".join(
        f"u{n % 7};{n * 7 % 23};{n % 9 + 1}. {months[n // 9]} 2023\n" for n in range(108)
    )
    times = read("user;item;date\n" + rows).rows.times
    assert times is not None
    found = [datetime.fromtimestamp(time, UTC).month for time in times[::9].tolist()]
    assert found == list(numbers)


@pytest.mark.parametrize("texts", [["Jänner 2021", "Feber 2021"], ["2021年1月", "2021年2月"]])
def test_months_without_a_day(read: ReadText, texts: list[str]) -> None:
    rows = "".join(f"1,{n},{text}\n" for n, text in enumerate(texts))
    times = [row[2] for row in rows_of(read(f"user,item,month\n{rows}"))]
    assert times == [1_609_459_200, 1_612_137_600]
