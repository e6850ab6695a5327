"""What is said of an order later, in many languages."""

import pytest

from seqrec_cli.core.data.reading.event_kinds import compared_value
from seqrec_cli.core.data.reading.statuses import is_undone, says_status


@pytest.mark.parametrize(
    "name",
    [
        *("order_status", "Status zakupu", "Lieferstatus", "Bestelstatus", "statut de paiement"),
        *("Stav platby", "Estado del envío", "État", "Stato consegna", "Stare comandă"),
        *("Teslimat Durumu", "tilauksen_tila", "Rendelés állapota", "Situação", "paymentStatus"),
        *("Статус доставки", "Состояние", "Κατάσταση παραγγελίας", "حالة الدفع", "وضعیت"),
        *("支付状态", "付款狀態", "配送ステータス", "결제상태", "Tình trạng", "outcome"),
        "สถานะการชำระเงิน",
    ],
)
def test_a_status_is_called_so_in_many_languages(name: str) -> None:
    assert says_status(name)


@pytest.mark.parametrize(
    "name",
    [
        *("state", "statistics", "status_code", "status_changed_at", "Kod statusu"),
        *("marital_status", "tilaus", "station", "estadio", "stavba", "pay_method", "支付方式", ""),
    ],
)
def test_other_names_are_none(name: str) -> None:
    assert not says_status(name)


@pytest.mark.parametrize(
    "value",
    [
        *("Cancelled by buyer", "partially_refunded", "REJECTED", "No-show", "payment failed"),
        *("Storniert", "zurückgeschickt", "Remboursé", "Anulado", "devuelto", "Estornado", "reso"),
        *("Rimborsato", "geannuleerd", "Zwrócone", "anulowane", "Zrušeno", "vrátené", "Otkazano"),
        *("Returnat", "visszaküldve", "palautettu", "avbokad", "Kansellert", "İade edildi"),
        *("Ακυρωμένη", "Отменён", "возвращено", "Скасовано", "Анулирана", "Atšaukta", "Tagastatud"),
        *("ملغاة", "מבוטלת", "لغو شده", "已取消", "全额退款", "キャンセル済み", "주문취소"),
        *("Đã hủy đơn", "Dibatalkan", "ยกเลิกแล้ว"),
    ],
)
def test_what_was_undone_is_told_in_many_languages(value: str) -> None:
    assert is_undone(compared_value(value))


@pytest.mark.parametrize(
    "value",
    [
        *("paid", "returning visitor", "tax return", "not cancelled", "non annulé", "Stornoway"),
        *("Le Monde", "reversible", "Huy", "perutusnro", "avviso", "отменный", "", "完成"),
        "I cancelled because it was too late for me",
    ],
)
def test_other_values_are_not_undone(value: str) -> None:
    assert not is_undone(compared_value(value))
