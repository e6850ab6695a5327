"""Dates in texts, in any order and many languages: the formats of strptime that read a cell."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from seqrec_cli.core.data.reading.engine import quoted

LETTER = r"[^\W\d_]"
ENGLISH = "january february march april may june july august september october november december"
# The months of Thailand, of which not all signs are letters.
OF_THAILAND = tuple(
    "มกราคม|ม.ค. กุมภาพันธ์|ก.พ. มีนาคม|มี.ค. เมษายน|เม.ย. พฤษภาคม|พ.ค. มิถุนายน|มิ.ย. กรกฎาคม|ก.ค. "
    "สิงหาคม|ส.ค. กันยายน|ก.ย. ตุลาคม|ต.ค. พฤศจิกายน|พ.ย. ธันวาคม|ธ.ค.".replace(".", r"\.").split()
)
# The halves of a day beside a time of day, as other languages have them: on both sides of it, and
# behind it alone, before which they are other words as well.
MORNINGS, AFTERNOONS = r"π\.?μ\.?|ÖÖ|ق\.ظ", r"μ\.?μ\.?|ÖS|ب\.ظ"
MORNING, AFTERNOON = r"ص|SA|fm|dop\.|de\.", r"م|CH|em|odp\.|du\."
# What is respelled before a format is looked for; the engine does it to all cells alike.
SPELLINGS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        ("[\u00a0\u202f]| {2,8}", " "),
        (r" @ ([0-9])", r" \1"),  # as Kibana writes
        (r"\b([AaPp])\. ?([Mm])\b\.?", r"\1\2"),
        (r"(:[0-9]{2}) ?([AaPp])$", r"\1 \2M"),
        ("上午|午前|오전", "AM"),
        ("下午|午後|오후", "PM"),
        (r" ?[(（][日月火水木金土일월화수목금토][)）]", ""),  # the day of the week
        (rf"(:[0-9]{{2}}) ?(?:{MORNINGS}|{MORNING})( |,|$)", r"\1 AM\2"),
        (rf"(:[0-9]{{2}}) ?(?:{AFTERNOONS}|{AFTERNOON})( |,|$)", r"\1 PM\2"),
        (rf"(^| )(?:{MORNINGS}) ?([0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?)", r"\1\2 AM"),
        (rf"(^| )(?:{AFTERNOONS}) ?([0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?)", r"\1\2 PM"),
        (r"^((?:19|20)[0-9]{6})([0-9]{6})(?:[.,][0-9]+)?Z$", r"\1T\2Z"),  # as in LDAP
        (r" (?:CET|MEZ|WEST|BST)\b", " +0100"),
        (r" (?:CEST|MESZ|EET)\b", " +0200"),
        (r" (?:EEST|MSK)\b", " +0300"),
        (r" (?:JST|KST)\b", " +0900"),
        (r" EDT\b", " -0400"),
        (r" (?:EST|CDT)\b", " -0500"),
        (r" (?:CST|MDT)\b", " -0600"),
        (r" (?:MST|PDT)\b", " -0700"),
        (r" PST\b", " -0800"),
        *zip(OF_THAILAND, ENGLISH.title().split(), strict=True),
    )
)
DAYS = "monday tuesday wednesday thursday friday saturday sunday"
KNOWN = {
    **dict.fromkeys(ENGLISH.split(), "%B"),
    **{name[:3]: "%b" for name in ENGLISH.split()},
    **dict.fromkeys(DAYS.split(), "%A"),
    **{name[:3]: "%a" for name in DAYS.split()},
}
# The months of other languages, in full, declined and short; compared without accents.
MONTHS = (
    "jan january januar janner janvier janv enero ene gennaio gen janeiro januari "
    "stycznia styczen sty января январь янв ocak oca ledna leden ιαν ιανουαριου січня "
    "січень ianuarie ian gener tammikuuta tammi jaanuar sausio janvaris ינואר בינואר "
    "يناير",
    "feb february febr февр februar feber fevrier fevr fev febrero febbraio fevereiro "
    "februari lutego luty lut февраля февраль фев subat sub unora unor φεβ φεβρουαριου "
    "лютого лютии februarie febrer helmikuuta helmi veebruar vasario februaris פברואר "
    "בפברואר فبراير",
    "mar march marc marz mrz mars marzo marco maart mrt maret marca marzec марта март мар "
    "mart marcius brezna brezen marec μαρ μαρτιου березня березень martie maaliskuuta "
    "maalis marts kovo מרץ במרץ مارس",
    "apr april avril avr abril abr aprile kwietnia kwiecien kwi апреля апрель апр nisan "
    "nis dubna duben απρ απριλιου квітня квітень aprilie huhtikuuta huhti aprill "
    "balandzio aprilis אפריל באפריל ابريل",
    "may mai mayo maggio mag maio mei maj maja мая маи mayis kvetna kveten maij maijs μαι "
    "majus μαιου травня травень toukokuuta touko geguzes מאי במאי مايو mayıs",
    "jun june juni juin junio giugno giu junho czerwca czerwiec cze июня июнь июн haziran "
    "haz junius cervna cerven ιουν ιουνιου червня червень iunie juny kesakuuta kesa juuni "
    "birzelio junijs יוני ביוני يونيو",
    "jul july juli juillet juil julio luglio lug julho lipca lipiec lip июля июль июл "
    "temmuz julius tem cervence cervenec ιουλ ιουλιου липня липень iulie juliol "
    "heinakuuta heina juuli liepos julijs יולי ביולי يوليو",
    "aug august aout agosto ago augusti augustus agustus sierpnia sierpien sie августа "
    "август augusztus авг agustos srpna srpen αυγ αυγουστου серпня серпень avgust agost "
    "elokuuta elo rugpjucio augusts אוגוסט באוגוסט اغسطس agu",
    "sep sept september septembre septiembre settembre set setembro wrzesnia wrzesien wrz "
    "сентября сентябрь сент сен eylul eyl zari σεπ σεπτεμβριου вересня вересень "
    "septembrie szept szeptember setembre syyskuuta syys rugsejo septembris ספטמבר "
    "בספטמבר سبتمبر",
    "oct october oktober okt octobre octubre ottobre ott outubro out pazdziernika "
    "pazdziernik paz октября октябрь окт ekim eki rijna rijen οκτ οκτωβριου жовтня "
    "жовтень octombrie lokakuuta loka oktoober spalio oktobris אוקטובר באוקטובר اكتوبر",
    "nov november novembre noviembre novembro listopada listopad lis ноября ноябрь нояб "
    "ноя kasim listopadu νοε νοεμβριου листопада листопад noiembrie marraskuuta marras "
    "lapkricio novembris נובמבר בנובמבר نوفمبر kas kasım",
    "dec december dezember dez desember des decembre diciembre dic dicembre dezembro "
    "grudnia grudzien gru декабря декабрь дек aralik ara prosince prosinec δεκ δεκεμβριου "
    "грудня грудень decembrie desembre joulukuuta joulu detsember gruodzio decembris "
    "דצמבר בדצמבר ديسمبر aralık",
)
MONTH = {name: f"{n:02}" for n, names in enumerate(MONTHS, 1) for name in names.split()}
WORD = re.compile(f"{LETTER}{{3,20}}")

NUMBER = "[0-9]{1,2}"
SUFFIX = r"(?:st|nd|rd|th|er|\.|º)?"
IN_WORDS = rf"(?P<b>{LETTER}{{3,12}})\.?"
# A date: numbers of which the order must be told are called n1 to n3.
DATES = (
    rf"(?P<Y>[0-9]{{4}})(?P<s>[-/.: ]|\. )(?P<m>{NUMBER})(?P=s)(?P<d>{NUMBER})",
    rf"(?P<n1>{NUMBER})(?P<s>[-/. ]|\. )(?P<n2>{NUMBER})(?P=s)(?P<Y>[0-9]{{4}})",
    rf"(?P<n1>{NUMBER}) (?P<n2>{NUMBER}), ?(?P<Y>[0-9]{{4}})",
    rf"(?P<n1>{NUMBER})(?P<s>[-/.])(?P<n2>{NUMBER})(?P=s)(?P<n3>[0-9]{{2}})",
    rf"(?P<d>{NUMBER}){SUFFIX}(?:[-/ ]| de )?{IN_WORDS}(?:[-/ ]|, | de | del )?(?P<Y>[0-9]{{4}})",
    rf"(?P<d>{NUMBER})(?P<s>[-/ ]?){IN_WORDS}(?P=s)(?P<y>[0-9]{{2}})",
    rf"{IN_WORDS}[- ](?P<d>{NUMBER}){SUFFIX}(?:,? |-)(?P<Y>[0-9]{{4}})",
    rf"{IN_WORDS}(?P<s>[-/])(?P<d>{NUMBER})(?P=s)(?P<y>[0-9]{{2}})",
    rf"(?P<Y>[0-9]{{4}})\.?[-/ ]{IN_WORDS}[-/ ](?P<d>{NUMBER})\.?",
    rf"(?P<Y>[0-9]{{4}})[年년] ?(?P<m>{NUMBER})[月월] ?(?P<d>{NUMBER})[日일号]",
    r"(?P<Y>(?:19|20)[0-9]{2})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
    r"(?P<Y>[0-9]{4})-(?P<j>[0-9]{3})",
    r"(?P<G>[0-9]{4})-W(?P<V>[0-9]{2})-(?P<u>[1-7])",
)
MONTHLY = (
    rf"(?P<Y>(?:19|20)[0-9]{{2}})[-/.](?P<m>{NUMBER})",
    rf"(?P<m>{NUMBER})[-/.](?P<Y>(?:19|20)[0-9]{{2}})",
    rf"(?P<Y>(?:19|20)[0-9]{{2}})[年년] ?(?P<m>{NUMBER})[月월]",
    rf"{IN_WORDS}[- /](?P<Y>(?:19|20)[0-9]{{2}})",
    rf"{IN_WORDS}-(?P<y>[0-9]{{2}})",
)
CLOCK = (
    rf"(?P<q>[AP]M ?)?(?P<H>{NUMBER})(?:(?P<k>[:.hH时時시-]?) ?(?P<M>[0-9]{{2}})"
    r"(?:[:.m分분-]? ?(?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?)?[秒초分분]?(?P<p> ?[AaPp][Mm])?"
    r"(?P<z> ?(?:UTC|GMT|Z|z)?(?: ?[+-][0-9]{2}(?::?[0-9]{2})?| [A-Z][a-z]+/[A-Z][A-Za-z_]+)?)"
)
GAP = rf"(?P<g>[.,]? |[Tt:_-]|,? {LETTER}{{1,3}}\.?,? | - )"
BEFORE = rf"(?:(?P<w>{LETTER}{{2,12}})[.,:]? |[\[(])?"
AFTER = rf"(?:[\]).]| {LETTER}{{1,4}}\.?|\[[\w/]{{3,40}}\]| \([^()0-9]{{3,40}}\))?"
YEAR_LAST = rf"{BEFORE}{IN_WORDS} (?P<d>{NUMBER}) {CLOCK} (?P<Y>[0-9]{{4}})(?P<z2> [+-][0-9]{{4}})?"
PATTERNS = (
    *(f"{BEFORE}{date}(?:{GAP}{CLOCK})?{AFTER}" for date in DATES),
    YEAR_LAST,
    *(f"{CLOCK}{GAP}{date}" for date in DATES),
    *MONTHLY,
)
LONGEST = 80  # characters of a date
ORDERS = {
    "n3": {"dmy": "dmy", "mdy": "mdy", "ymd": "ymd"},
    "n2": {"dmy": "dm", "mdy": "md"},
    "": {"ymd": ""},
}


def unaccented(word: str) -> str:
    """A word in lower case, without accents."""
    parts = unicodedata.normalize("NFKD", word.lower())
    bare = (letter for letter in parts if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", "".join(bare))


@cache
def compiled_patterns() -> tuple[re.Pattern[str], ...]:
    """The forms of a date. Most files need none, and to compile them takes 40 ms."""
    return tuple(re.compile(pattern) for pattern in PATTERNS)


def formats_of(cell: str, *, english: bool = True) -> dict[str, str]:
    """The formats of strptime that read a cell, by the order of day, month and year.

    Where months are not in English, the format has `%m`: `spelled_sql` puts numbers in their place.
    """
    if len(cell) > LONGEST:
        return {}
    for pattern in compiled_patterns():
        match = pattern.fullmatch(cell)
        if match is None or not is_sound(match):
            continue
        if english and match.groupdict().get("b") and match["b"].lower() not in KNOWN:
            return {}  # else every month would be January
        last = "n3" if "n3" in pattern.groupindex else "n2" if "n2" in pattern.groupindex else ""
        found = {}
        for order, letters in ORDERS[last].items():
            roles = {f"n{place}": letter for place, letter in enumerate(letters, 1)}
            if fits({role: int(match[group]) for group, role in roles.items()}):
                found[order] = format_of_match(match, roles, english=english)
        return found
    return {}


def is_sound(match: re.Match[str]) -> bool:
    """Whether the numbers of a match may be a date and a time of day, its word a month."""
    groups = match.groupdict()
    if groups.get("Y") and not 1500 <= int(groups["Y"] or 0) < 2200:
        return False  # a year of another calendar, or no year
    if groups.get("b") and unaccented(groups["b"] or "") not in MONTH:
        return False
    if not fits({name: int(groups[name] or 1) for name in ("m", "d") if groups.get(name)}):
        return False
    if not groups.get("H"):
        return True
    # Neither 923 nor what stands behind a date in an order's number is a time of day.
    bare = groups["k"] == "" and (len(groups["H"] or "") < 2 or groups.get("g") not in ("T", " "))
    if not groups["M"] and ("d" not in groups or "Y" not in groups or groups["p"] or bare):
        return False  # an hour alone only behind the clearest dates
    return not bare and int(groups["H"]) < 24 and int(groups["M"] or 0) < 60


def fits(numbers: dict[str, int]) -> bool:
    return 1 <= numbers.get("d", 1) <= 31 and 1 <= numbers.get("m", 1) <= 12


def format_of_match(match: re.Match[str], roles: dict[str, str], *, english: bool) -> str:
    """The format: the cell's text with directives in the places of the groups."""
    text, pieces, at = match.string, [], 0
    groups = match.groupdict()
    half = bool(groups.get("p") or groups.get("q"))
    spans = [(*match.span(name), name) for name in groups if name not in "skg"]
    for start, end, name in sorted(spans):
        if start < 0 or start == end:
            continue
        pieces.append(text[at:start].replace("%", "%%"))
        if name == "b" and not english:
            pieces.append("%m")
        else:
            pieces.append(directive(roles.get(name, name), match[name], half=half))
        at = end
    return "".join(pieces) + text[at:].replace("%", "%%")


def directive(name: str, text: str, *, half: bool) -> str:
    """What stands for a group in a format."""
    if name == "b":
        return KNOWN[text.lower()]
    if name == "w":
        return KNOWN.get(text.lower(), text)
    if name == "H":
        return "%I" if half else "%H"
    if name == "f":
        return "%n" if len(text) > 6 else "%f"
    if name in "pq":
        return re.sub("[AaPp][Mm]", "%p", text)
    if name in ("z", "z2"):
        named = re.sub("[A-Z][a-z]+/[A-Z][A-Za-z_]+", "%Z", text)
        return re.sub("[+-][0-9]{2}(?::?[0-9]{2})?", "%z", named)
    return f"%{name}"


def respelled(cells: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The cells as they are looked at, and what the engine must replace to have the same."""
    used = []
    found = list(cells)
    for pattern, to in SPELLINGS:
        changed = [pattern.sub(to, cell) if len(cell) <= LONGEST else cell for cell in found]
        if changed != found:
            used.append((pattern.pattern, to))
            found = changed
    return found, used


def spelled_sql(text: str, used: Sequence[tuple[str, str]], word: int) -> str:
    """SQL of a text respelled; with the month that is its word number `word`, if any, in digits."""
    for pattern, to in used:
        text = f"regexp_replace({text}, {quoted(pattern)}, {quoted(to)}, 'g')"
    if not word:
        return text
    months = ", ".join(f"{quoted(name)}: '{number}'" for name, number in MONTH.items())
    name = f"regexp_extract_all({text}, '\\pL{{3,20}}')[{word}]"
    return f"replace({text}, {name}, map {{{months}}}[strip_accents(lower({name}))])"


def month_word(cells: Sequence[str]) -> int:
    """Which word of the cells, from 1, is a month that the engine does not know; 0 for none."""
    for cell in cells:
        words = [unaccented(word) for word in WORD.findall(cell)]
        months = [place for place, word in enumerate(words, 1) if word in MONTH]
        if months and words[months[-1] - 1] not in KNOWN:
            return months[-1]
    return 0
