"""Names of columns in logs, in order of preference; compared without case and `_`."""

import re
from collections.abc import Sequence
from typing import Literal

from seqrec_cli.core.data.reading.dates import unaccented

Named = Literal["user", "item", "time", "rating", "session", "title", "event", "position"]


def in_order(text: str) -> tuple[str, ...]:
    """The words of a text, the first one first."""
    return tuple(text.split())


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(unaccented(text).split())


NAMES: dict[Named, tuple[str, ...]] = {
    "user": in_order(
        "user userid uid useridx iduser username usersha1 usersha userpseudoid fullvisitorid "
        "clientid customer customerid custid visitor visitorid idvisitor reviewer reviewerid "
        "profileid profilename member memberid account accountid accountno subscriber "
        "subscriberid householdkey household householdid shopper shopperid buyer buyerid consumer "
        "consumerid client person personid player playerid playername listener listenerid reader "
        "readerid viewer viewerid learner learnerid student studentid actor actorid author "
        "authorid deviceid device cookie cookieid domainuserid anonymousid msno steamid userguid "
        "useruuid customernumber reviewername login nick nickname email emailaddress useremail "
        "customeremail profile uuid guid reviewerhash viewerhash guest guestid passenger "
        "passengerid kunde "
        "nutzer benutzer utilisateur client usuario cliente utente gebruiker klant пользователь "
        "клиент 用户 用户名 会员 客户 ユーザー 顧客 사용자 고객 fromnodeid follower followerid "
        "distinctid card cardid cardno"
    ),
    "item": in_order(
        "item itemid iid iditem itemidx movie movieid parentasin asin product productid article "
        "articleid sku skuid stockcode track trackid trackuri traid trackmbid song songid video "
        "videoid vid aid book bookid isbn isbn13 anime animeid manga mangaid game gameid appid "
        "app news newsid nid business businessid gmapid restaurant restaurantid placeid place poi "
        "poiid venue venueid locationid location hotel hotelid hotelcluster listing listingid "
        "recipe recipeid course courseid job jobid jobpostingid jk show showid series episode "
        "episodeid content contentid doc docid documentid document post postid photo photoid pin "
        "pinid adgroupid goods goodsid goodid offerid offer merchandise material materialid upc "
        "ean gtin barcode ברקוד beer beerid beerbeerid wine wineid stream streamid playlistid "
        "reference artistmbid artmbid artid artist artistid merchant merchantid shopid page pageid "
        "filmid film titleid moviename movienameen productname itemname trackname traname songname "
        "gamename artistname artname thing problem problemid question questionid exerciseid "
        "workid paperid artikel produkt ware buch produit producto articulo prodotto produto "
        "товар книга фильм 商品 物品 电影 产品 アイテム 상품 아이템 tonodeid followee followeeid "
        "taxonid mahang idaction idactionurl id objectid url link uri guid"
    ),
    "time": in_order(
        "timestamp time datetime eventtimestamp eventtime timems timestampms ts unixtime "
        "unixreviewtime unixtimestamp timestampns utc utctime date eventdate tdat createdat "
        "created createtime reviewtime reviewdate clicktime playedat listenedat watchedat "
        "purchasedate purchasetime purchasedat orderdate ordertime orderedat invoicedate "
        "transactiondt transactiondate transactiontime transdate lastwatchdt dateadded addedat "
        "timeadded visitdate visittime checkintime when timeframe tstamp collectortstamp "
        "dvcecreatedtstamp derivedtstamp starttime start startedat begintime logtime actiontime "
        "submittime dt day ds ptd jd mjd julianday juliandate timestep step datum zeit "
        "zeitstempel zeitpunkt fecha hora data horodatage heure дата время 时间 时间戳 日期 日時 "
        "日付 시간 날짜 addtocartorder dateupdated updatedat modified updated endtime stop end "
        "weekno"
    ),
    "rating": in_order(
        "rating rate score stars star overall bookrating reviewscore reviewrating ratingvalue "
        "movierating reviewoverall grade userrating bewertung note puntuacion calificacion voto "
        "nota valutazione оценка рейтинг 评分 评价 評価 평점"
    ),
    "session": in_order(
        "session sessionid sid sessid visitid visit sitzung orderid order basketid basket cartid "
        "cart invoiceno invoice invoiceid transactionid transaction tripid playlist gasessionid "
        "usersession pid"
    ),
    "title": in_order(
        "title movietitle itemtitle name itemname producttitle productname booktitle prodname "
        "originaltitle moviename trackname songname gamename titel titre titulo titolo название "
        "标题 名称 名前 description"
    ),
    "event": in_order(
        "event eventtype eventname type action actiontype behavior behaviortype behaviour "
        "behaviourtype interaction interactiontype feedback feedbacktype label click clk isclick "
        "clicked purchase purchased isrecommended recommended voted like islike status isread "
        "nonclk reordered bought converted conversion playaction activity activitytype operation "
        "operationtype opcode mode target 行为 事件 productaction useraction pageaction commandname"
    ),
    "position": in_order("position pos rank index idx unnamed:0 rownumber rowid"),
}
KNOWN = frozenset(name for names in NAMES.values() for name in names) | words(
    "category categoryid brand price quantity genre genres history weight plays count value "
    "property comment review text country age gender city occupation zipcode label history tag "
    "tagid"
)
# A word of what numbers somebody's rows, as `seq_no`; and how many of an item were taken.
POSITIONS = words("position pos seq sequence line rank step index")
AMOUNTS = words(
    "qty quantity quantities units amount pieces pcs menge anzahl stueckzahl stuckzahl cantidad "
    "quantite quantita quantidade aantal ilosc antal antall adet kolicina mnozstvi количество "
    "数量 수량"
)
# What names a book of which a library has copies.
BOOKS = words("bib biblio bibid biblionumber bibnumber")
# Of a name in parts, such as `viewer_hash_v2` or `Kundennummer`, the parts that say what it is.
PARTS: dict[Named, frozenset[str]] = {
    "user": words(
        "user customer visitor reviewer member buyer shopper household viewer listener reader "
        "player subscriber account actor client borrower donor lender voter rater patron guest "
        "passenger critic taster cust cardholder asiakas zakaznika zakaznik πελατη πελατης "
        "клієнт клієнта clientului khach pelanggan 會員 客戶 顧客 買家 用戶 לקוח العميل student "
        "learner consumer person profilename kunde kunden nutzer benutzer usuario cliente "
        "utilisateur utente gebruiker klant kund klienta klient kullanici musteri пользователя "
        "клиента клиент пользователь покупателя 用户 会员 客户 顾客 买家 ユーザー 顧客 会員 고객 "
        "회원 사용자 유저 学号 学生 学员 username patient rider employee requester recipient "
        "stargazer msisdn debitor comprador compradora acheteur acquirente lecteur lantagare laner "
        "installation install покупатель "
        "leser medlem kupca pirkejo kliendi клиентски 患者 利用者 注文者 구매자 "
        "ग्राहक उपयोगकर्ता کاربر مشتری "
        "ลูกค้า รหัสลูกค้า interessent interessenten consumidor consumatore consommateur loyalty "
        "matrikel 讀者 读者 讀者證號 读者证号 socio socia soci "
        "fidelite fidelidade fidelidad fidelitate tessera kundenkarte карта חבר"
    ),
    "item": words(
        "item product article movie book track song video game sku news film recipe restaurant "
        "business course app goods sku content anime asin isbn poi venue hotel listing repo "
        "repository subreddit feed exercise episode post document page place photo question "
        "problem lesson bookmark paper material media loan ad creative prod coupon lexeme object "
        "element recording clip program programme offer ware vare tuote zbozi produs προιον "
        "προιοντος товару pham produk מוצר المنتج artikel produkt produktu produit producto "
        "produto prodotto articulo articolo pelicula filme livre libro livro buch urun товара "
        "товар фильма фильм книги книга 商品 产品 物品 电影 视频 作品 製品 アイテム 상품 제품 "
        "아이템 영화 topic thread story issue asset package station drug medication medicine "
        "podcast audiobook comic webtoon novel lecture workout dish meal plugin "
        "объявление объявления exemplar exemplaire exemplaar medien stock toote prekes artikla "
        "登錄號 登录号 條碼號 条码号 "
        "артикул 資料 药品 课程 "
        "उत्पाद کالا محصول สินค้า รหัสสินค้า פריט"
    )
    | BOOKS,
    "time": words(
        "time timestamp date datetime ts tstamp dt unixtime epoch datum zeit fecha data heure "
        "hora tarih дата время 时间 日期 日時 日付 일시 일자 날짜 시간 時間 تاريخ תאריך tanggal "
        "ημερομηνια paiva dato ngay tarihi datuma दिनांक زمان تاریخ วันที่ วันที่สั่งซื้อ kuupaev"
    ),
    "rating": words(
        "rating stars score bewertung puntuacion valoracion calificacion оценка рейтинг 评分"
    ),
    "session": words("session"),
}
IDS = words(
    "id ids uid pk mbid msid token cislo kode cod ma 編號 key hash code uuid guid sku no nr number "
    "url uri nummer numero codigo codice ref barcode ברקוד reference referencia ид код номер 编号 "
    "番号 번호 编码 コード 코드 login email mbox kodas kood sifra आईडी شناسه"
)
LISTS = frozenset({"list", "seq", "sequence", "order", "history", "hist"})  # of what is before
# Behind one of the parts above, or any word for a time, without anything between.
# As they are compared: unaccented, `コード` is written otherwise.
TAILS = in_order(unaccented("id number no nummer numero nr 编号 編號 番号 번호 编码 コード 코드"))
TIME_TAILS = in_order(
    unaccented("datum dato paiva zeit 时间 時間 日期 日時 日付 일시 일자 날짜 시간")
)
# A part that says that the column is of something else.
NOT_IDS = words(
    "name nom nombre nome title count num price age gender type category cat duration length "
    "image description text score rating helpful verified brand group segment city country "
    "features time action status state inview shown candidates negative negatives date weight "
    "dur language class level lat lon latitude subclass"
)
# What says that a date is another one than of the interaction, or that numbers are no dates.
OTHER_DATES = words(
    "birth release published publication crawl first since of due until expiry expires expiration "
    "deadline signup registration login joined"
)
# What was done with a note of the interaction, or with what was bought, later.
EDITS = words(
    "edited updated modified changed interpreted imported exported synced refreshed loaded "
    "ingested ingestion received processed processing delivered shipped dispatched uploaded "
    "extracted"
)
NOT_MOMENTS = OTHER_DATES | words(
    "duration length spent zone timezone offset stay total runtime count zip play timedelta "
    "watch days dwell elapsed reading playtime watchtime"
)
TITLED = frozenset({"name", "nom", "nombre", "nome", "title"})  # as in `critic_name`
FULL = frozenset({"full", "display", "screen", "real", "first", "last"})  # of a name
# Words that say of whom or of what a column rather is, for a proposal alone.
LEANING: dict[str, frozenset[str]] = {
    "user": words(
        "ip addr address host session sess visit visid cookie did phone email mail card cc "
        "household srch search caller by subject imsi imei bike who sender anon calling from orig "
        "payer plate badge nickname fullname puuid observer inspector athlete summoner participant "
        "runner driver writer trainee resident supporter candidate candidat candidato kandidat "
        "paciente pacient pacienta paziente kartice karty karta cartao tarjeta kupujacy kupujici "
        "horer leser besucher adherent abonne spieler spiller osoba czytelnik ctenar olvaso vevo "
        "bruger korisnik uporabnik citalac company organisation organization audience conta "
        "konto cuenta compte huishouden haushalt hogar foyer rental wristband"
    ),
    "item": words(
        "url uri path link page stem title object target sku ean upc merchant seller owner file "
        "model lines prop property jd mcc code campaign resource hero doc stop called "
        "species taxon taxonomic scientific champion segment dest to receiver vendor store dish "
        "menu asset exhibit zone tour route slot channel titel titolo titulo naslov oferty oferta "
        "offre medicamento medikament lek kurs veranstaltung service filial filiale"
    ),
}
# What has many items of its own: no item where another column says which of them it was.
CONTAINERS = words(
    "artist artistid artistname artistmbid artid artname artmbid merchant merchantid shop shopid "
    "page pageid location locationid show showid series"
)
# Values that often stand for a user who is not known.
NOBODY = frozenset(
    {"-1", "0", "00000000-0000-0000-0000-000000000000", "-", "--", "(not set)", "undefined"}
    | {"anonymous", "anon", "unknown", "guest", "nobody"}
)
# Of whom others sell to, lend to or care for.
SERVED = words(
    "customer client patient member patron borrower loyalty socio socia shopper buyer guest "
    "passenger subscriber contact kunde kunden klant kund klient klienta cliente zakaznik asiakas "
    "musteri клиент клиента покупатель покупателя 客户 客戶 顾客 顧客 会员 會員 고객 회원 患者"
)
# What an amount of money is called.
PRICES = words(
    "price prices preis einzelpreis gesamtpreis precio prix prezzo preco prijs pris cena fiyat "
    "hinta pret cijena kaina цена сумма total subtotal summe suma importe montant betrag valor "
    "importo bedrag belop kwota tutar 价格 價格 金额 金額 価格 가격 금액 السعر المبلغ إجمالي "
    "סכום מחיר"
)
# Several people who share one account or home; and one of them.
HOMES = words(
    "household householdkey householdid hhold hh hhid family home account panel haushalt "
    "huishouden foyer hogar familia famille famiglia gospodarstwo domacnost taloustunnus"
)
MEMBERS = words(
    "person personid persno persnr member memberno mem profile profileid individual respondent "
    "viewer subaccount personne persona personnr persoon osoba henkilo mitglied membre miembro"
)
# Who gets what somebody, perhaps another, has bought.
RECIPIENTS = words(
    "recipient receiver consignee addressee penerima empfanger lieferempfanger destinataire "
    "destinatario destinataria ontvanger odbiorca alici mottagare modtager mottaker vastaanottaja "
    "prijemce cimzett получатель получателя 收货人 收件人 受取人 お届け先 수취인 수령인"
)
# What holds or makes several items, none of which is a copy of another.
MAKERS = words(
    "seller vendor supplier store shop author artist publisher owner channel creator uploader "
    "label studio director brand maker manufacturer merchant restaurant company user instructor"
)
# What a user is called, and a kind of device, program or card as well.
KINDS = words("device client guest card cookie account")
# How somebody is reached, who is one person however the name is spelled.
CONTACTS = words(
    "phone telephone mobile cellphone tel telefon telefone telefono telefoon telefonnummer celular "
    "handy whatsapp телефон 電話番号 电话 手机 手机号 전화번호 휴대폰"
)
# What an item is called, and much beside one.
LOOSE = words(
    "package page element object media asset station program programme document loan post"
)
# Of which there are so many in a whole that they have numbers: `post_number`.
NUMBERED = words(
    "post page problem question exercise episode track lesson chapter level video step visit"
)
# One of several that a library has of a book; what a book and its like are called.
COPIES = words(
    "copy exemplar exemplaire exemplaar ejemplar esemplare egzemplarz eksemplar kappale barcode "
    "登錄號 登录号 條碼號 条码号"
)
TITLE = words("title titel titre titulo titolo 題名 书名 書名 서명")
# What was done with an item, behind the word for it: `Item Purchased`.
DONE = words("purchased bought ordered watched viewed played borrowed clicked rated listened read")
OWNERS = PARTS["user"] | PARTS["item"]
PART_OF_AN_ID = in_order("id _id id_str uuid guid key code reference mbox")
BEHIND = re.compile(r"(?<=\w)\s+\([^()]*\)$")  # as in `Email (Billing)`
BEFORE = re.compile(r"^(?:day|hour|minute|second|week|month) of (?=\w+ )", re.IGNORECASE)  # Tableau
A_COUNT = re.compile(r"\b(?:number|num|no|total) of\b")
PLAIN_AT = re.compile(r"[\s_\-.@/]+")
SURE = 1000  # a name of a better rank is one that columns really have
NAMED = SURE + 30  # the rank of the name of a user or item: what numbers them is better


def bare(name: str) -> str:
    """A name without what is put around it: the types of RecBole, the table's name before a dot."""
    name = name.strip().strip("\"'").removeprefix("\ufeff").rstrip(".") or name
    name = BEFORE.sub("", BEHIND.sub("", name) or name)
    head, colon, kind = name.rpartition(":")
    if colon and kind in ("token", "float", "token_seq", "float_seq"):
        name = head
    if not re.fullmatch(r"[\w\[\].@$ -]+", name) or re.search(r"\. | \.", name):
        return name
    steps = [step.removesuffix("[]") for step in name.split(".")]
    while len(steps) > 1 and steps[-1].startswith("$"):  # MongoDB's types, as in `at.$date`
        steps.pop()
    if len(steps) > 1 and steps[-1].lower() in PART_OF_AN_ID:
        return f"{steps[-2]}_{steps[-1]}"
    return steps[-1]


def compared(name: str) -> str:
    """A name as it is compared: lower case, no accents, no spaces, `_`, `-` or `.`."""
    return PLAIN_AT.sub("", unaccented(bare(name)))


PLAIN = {
    named: {compared(name): place for place, name in enumerate(names)}
    for named, names in NAMES.items()
}


def words_of(name: str) -> list[str]:
    """The parts of a name in snake or camel case or put together, in lower case, no accents."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", bare(name))
    parts = [part for part in re.split(r"[\s_\-./]+", unaccented(spaced)) if part]
    return [word for part in parts for word in cut_compound(part)]


def cut_compound(part: str) -> list[str]:
    """A word in two where it ends in a word for a number or a time, as `kundennummer` does."""
    for tail in (*TAILS, *TIME_TAILS):
        head = part.removesuffix(tail)
        known = tail in TIME_TAILS or {head, head.rstrip("s")} & (OWNERS | TITLE)
        if head and head != part and known:
            return [head, tail]
    return [part]


def rank(name: str, named: Named) -> int:
    """How well a name says that its column is this: 0 is best; -1 for not at all.

    A name of the list counts by its place; one that holds a part of it comes after all of them. A
    `user_answer` is an answer: without a word for an id, the last part says what it is.
    """
    bare_name = compared(name)
    place = PLAIN[named].get(bare_name)
    if place is not None:
        return NAMED if named == "item" and bare_name.endswith("name") else place
    parts = words_of(name)
    wanted = PARTS.get(named, frozenset())
    own = [part for part in parts if part in wanted or part.rstrip("s0123456789") in wanted]
    strange: frozenset[str] = frozenset()
    if named in ("user", "item", "session"):
        if A_COUNT.search(" ".join(parts)):
            return -1
        strange = NOT_IDS
        titled = named != "session" and parts[-1:] != parts[:1] and parts[-1] in TITLED
        whose = [part for part in parts[:-1] if part not in FULL]
        if titled and whose and whose[-1] in own:
            return NAMED + len(parts) if not strange.intersection(whose) else -1
        heads = [part for part in parts if part not in LISTS]
        if named == "item" and len(heads) > 1 and heads[-1] in DONE and heads[-2] in wanted:
            heads = heads[:-1]  # not of how many `items_viewed`
        if not IDS.intersection(parts) and heads[-1:] != own[-1:]:
            return -1
    elif named == "time":
        strange = NOT_MOMENTS
    elif named == "rating":
        strange = IDS
    if own and not strange.intersection(parts):
        called = IDS.intersection(parts) or len(parts) == 1
        return SURE + (0 if called else 10) + (5 if LOOSE.issuperset(own) else 0) + len(parts)
    return -1


def is_known(name: str) -> bool:
    """Whether a cell is a name that columns have."""
    if compared(name) in KNOWN:
        return True
    if any(character.isdigit() for character in name):
        return False  # as in `user_000001`
    return any(rank(name, named) >= 0 for named in PARTS)


def best_named(names: Sequence[str], named: Named) -> int | None:
    """The column whose name says best that it is this, or None."""
    ranked = [(rank(name, named), place) for place, name in enumerate(names)]
    return min((pair for pair in ranked if pair[0] >= 0), default=(0, None))[1]
