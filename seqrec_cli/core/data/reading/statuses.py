"""What is said of an order later, in many languages: the names of such columns, and the words for
what was undone, as cancelled, sent back or refused."""

import re

from seqrec_cli.core.data.reading import vocabulary
from seqrec_cli.core.data.reading.dates import unaccented

# The first or the last word of a name: `Status zamówienia`, `order_status`.
STATUS = vocabulary.words(
    "status statut statuto statusul statuss statusas statusz statusza staatus statu statusu "
    "estatus outcome stav stan stanje stare starea stato estado estat etat situacao zustand "
    "tillstand tilstand tila allapot allapota durum durumu olek seisund stavoklis busena stada "
    "статус состояние состояния стан стање κατασταση حالة الحالة وضعیت סטטוס מצב स्थिति สถานะ"
)
# What a name of several words ends with that are written as one, and one that is two words.
ENDINGS = ("status", "statusz", "ステータス", "状態", "状态", "狀態", "상태", "สถานะ")
PHRASES = ("trang thai", "tinh trang", "สถานะ", "状态", "狀態")
# What numbers, dates or explains a status.
BESIDE = (
    vocabulary.IDS
    | vocabulary.PARTS["time"]
    | vocabulary.words(
        "at by on reason note message comment text changed updated change update since marital "
        "civil kod koodi"
    )
)
# The beginnings of words, none of which begins much else.
STEMS = tuple(
    vocabulary.words(
        "cancel refund declin chargeback abandon reject expir "
        "stornier stornir stornov stornat zuruckgegeben zuruckgesandt zuruckgesendet "
        "zuruckgeschickt zuruckgewiesen erstattet ruckerstattet abgelehnt abgebrochen retoure "
        "retourn widerruf geannul geretourneerd terugbetaald teruggestuurd geweigerd makuler "
        "aterbetal avbokad avvisad avbestall avbestil avbrut afvist tilbagebetal aflyst avlyst "
        "avvist kansell annul anul rembours refus rejet echou devuel devolu devolv rechaz reembols "
        "recusad estorn rimbors rifiutat restituit rambursat returnat returner refuz respins "
        "zwroc zwrot odrzuc zrusen vracen vraten vrnjen zavrnjen otkazan preklic odbijen "
        "odmitn zamitn odmietn zamietn torolt torolv lemondott lemondv visszakul visszater "
        "visszaru visszautasit sztorn peruttu peruutet palautet hyvitet hylat tuhista tagasta "
        "atsauk grazint atmest atcelt atgriez atteik iptal reddedil ακυρω επιστραφ επιστροφ "
        "απορριφ отмена отмене отмени возвра отказ аннулир отклон скасов поверн відмов відхил "
        "анулир върнат сторн dibatal dikembalikan pengembalian ملغ مرتجع مسترجع مسترد مرفوض "
        "مرجوع בוטל מבוטל הוחזר रद्द"
    )
)
# Words that are whole, anywhere in a value, at its end, and alone.
ANYWHERE = vocabulary.words("storno iade batal لغو الغاء")
AT_THE_END = vocabulary.words("returned failed voided reversed denied")
ALONE = AT_THE_END | vocabulary.words("return returns failure void reso resi resa noshow")
# What has several words, or is of a language that puts no spaces between them.
SEVERAL = tuple(
    vocabulary.words(
        "取消 退款 退货 退貨 交易关闭 已关闭 作废 作廢 拒收 不成立 キャンセル 返品 返金 취소 환불 "
        "반품 ยกเลิก คืนเงิน คืนสินค้า"
    )
    | {"no show", "charged back"}
    | {*map(unaccented, ("trả hàng", "hoàn tiền", "hoàn trả", "đã hủy", "bị hủy"))}
)
NOT = vocabulary.words("not no non nicht kein keine ne nie не без pas sin sem senza niet ikke inte")
LONGEST_STATUS = 5  # words; longer values are texts


def is_undone(value: str) -> bool:
    """Whether a value, as it is compared, says that something was undone or came to nothing."""
    if any(piece in value for piece in SEVERAL):
        return True
    parts = re.findall(r"[^\W_]+", value)
    if not 0 < len(parts) <= LONGEST_STATUS or NOT.intersection(parts[:-1]):
        return False
    if any(part.startswith(STEMS) or part in ANYWHERE for part in parts):
        return True
    return value in ALONE or parts[-1] in AT_THE_END


def says_status(name: str) -> bool:
    """Whether a column is called a status, in any of many languages."""
    parts = vocabulary.words_of(name)
    if not parts or BESIDE.intersection(parts):
        return False
    whole = " ".join(parts)
    if whole.startswith(PHRASES) or whole.endswith((*ENDINGS, *PHRASES)):
        return True
    return not STATUS.isdisjoint((parts[0], parts[-1]))
