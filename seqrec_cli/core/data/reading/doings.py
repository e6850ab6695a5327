"""What people do with items, in many languages: the kinds of events of a log, and what its flags
are called."""

import re

from seqrec_cli.core.data.reading import vocabulary

# Of a column of kinds of events several are values.
DOINGS = frozenset(
    {"add to cart", "added to cart", "remove from cart", "check out", "check in", "page view"}
    | {"satin alma", "お気に入り"}
) | vocabulary.words(
    "pv view viewed click clicked cart fav favorite favourite buy bought purchase purchased "
    "addtocart detail impression exposure wishlist checkout checkin renew renewal borrow return "
    "hold reserve play pause stop skip complete like dislike share comment follow unfollow save "
    "saved dismissed download install uninstall subscribe unsubscribe stream listen watch hover "
    "tap bookmark pageview show "
    "angesehen ansicht klick geklickt gekauft kauf bestellung warenkorb merkliste kontakt "
    "vue clic achat panier favori partage vista compra carrito favorito visualizacao clique "
    "carrinho visualizzazione acquisto carrello preferito bekeken klik aankoop winkelwagen "
    "favoriet klikniecie wejscie zakup koszyk ulubione wyswietlenie odslona zobrazeni nakup kosik "
    "oblibene goruntuleme tiklama sepet favori begeni lihat beli keranjang suka "
    "просмотр клик покупка корзина избранное звонок лайк перегляд клік кошик "
    "浏览 瀏覽 点击 點擊 购买 購買 加购 收藏 分享 点赞 下单 曝光 播放 閲覧 クリック 購入 カート "
    "表示 조회 클릭 구매 장바구니 찜 좋아요 مشاهدة نقرة شراء"
)
# The first or last word of the name of a column of kinds of events.
ACTIONS = vocabulary.words(
    "action actions aktion aktivitat akcja akcija akce akcia accion acao azione actie handelse "
    "haendelse hendelse toiminto muvelet eylem islem verb действие дія 行为 行為 行动 行動 动作 "
    "動作 操作 アクション 행동"
)
# A flag called so says that something was done with an item; so does any word in `-ed`.
DONE = vocabulary.words(
    "view click purchase buy booking order download install share like follow bookmark save "
    "favorite favourite comment subscribe open play listen watch read finish completion "
    "conversion convert seen shown bought sold sent taken won win "
    "gesehen angesehen geklickt gekauft gelesen gehort bestellt geliefert abgeholt "
    "vu vue achete achetee clique cliquee lu visto clicado comprado entregado leido cliccato "
    "acquistato letto bekeken geklikt gekocht gelezen kupione kupiono obejrzane klikniete "
    "koupeno просмотрено куплено купил 点击 购买 收藏 分享 点赞"
)
PARTICIPLE = re.compile(r"[a-z]{2,}[^e\W]ed")


def says_action(name: str) -> bool:
    """Whether a column is called as one of what people did."""
    parts = name_words(name)
    return bool(parts) and not ACTIONS.isdisjoint((parts[0], parts[-1]))


def says_something_done(name: str) -> bool:
    """Whether a flag is called as one of what was done: `shared`, `booking_bool`, `long_view`."""
    return any(part in DONE or PARTICIPLE.fullmatch(part) for part in name_words(name))


def name_words(name: str) -> list[str]:
    """The words of a name without signs: of `Type d'action` three, of `Converted?` one."""
    found = (re.findall(r"\w+", part) for part in vocabulary.words_of(name))
    return [word for words in found for word in words]
