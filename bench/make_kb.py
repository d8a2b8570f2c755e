"""Make a knowledge base of any size: entries as teams write them, in six languages.

Usage: ``python bench/make_kb.py FOLDER --entries 10000 [--per-file 1] [--seed 0]``.

Every text is drawn from the words of :data:`WORDS`, so titles and issues are alike about as often as in a real base
and hardly any two are near-duplicates. One entry in ten is per language in two languages, the others in one.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

WORDS = {
    "en": "parcel order refund return voucher invoice delivery size colour shoe jacket battery "
    "charger warranty repair account password newsletter discount price damaged late missing "
    "wrong cancelled broken tracking courier store till customer receipt exchange week weekend "
    "winter summer gift card payment bank transfer address door neighbour",
    "de": "Paket Bestellung Erstattung Rücksendung Gutschein Rechnung Lieferung Größe Farbe Schuh "
    "Jacke Akku Ladegerät Garantie Reparatur Konto Passwort Rabatt Preis beschädigt verspätet "
    "fehlend falsch storniert kaputt Sendung Kurier Filiale Kasse Kunde Beleg Umtausch Woche "
    "Wochenende Winter Sommer Geschenkkarte Zahlung Überweisung Adresse Tür",
    "th": "พัสดุ คำสั่งซื้อ เงินคืน คืนสินค้า คูปอง ใบแจ้งหนี้ จัดส่ง ขนาด สี รองเท้า เสื้อ แบตเตอรี่ "
    "ที่ชาร์จ รับประกัน ซ่อม บัญชี รหัสผ่าน ส่วนลด ราคา เสียหาย ล่าช้า หาย ผิด ยกเลิก แตก "
    "ติดตาม ขนส่ง ร้าน ลูกค้า ใบเสร็จ เปลี่ยน สัปดาห์ ฤดูหนาว ฤดูร้อน ของขวัญ ที่อยู่",
    "zh-Hans": "包裹 订单 退款 退货 优惠券 发票 送货 尺码 颜色 鞋子 夹克 电池 充电器 保修 维修 账户 "
    "密码 折扣 价格 损坏 延迟 丢失 错误 取消 破损 追踪 快递 门店 收银台 顾客 收据 换货 "
    "星期 周末 冬季 夏季 礼品卡 付款 银行 转账 地址 邻居",
    "zh-Hant": "包裹 訂單 退款 退貨 優惠券 發票 送貨 尺碼 顏色 鞋子 夾克 電池 充電器 保固 維修 帳戶 "
    "密碼 折扣 價格 損壞 延遲 遺失 錯誤 取消 破損 追蹤 快遞 門市 收銀台 顧客 收據 換貨 "
    "星期 週末 冬季 夏季 禮品卡 付款 銀行 轉帳 地址 鄰居",
    "fa": "بسته سفارش بازپرداخت مرجوعی کوپن فاکتور ارسال اندازه رنگ کفش ژاکت باتری شارژر ضمانت تعمیر "
    "حساب رمز تخفیف قیمت آسیب تأخیر گمشده اشتباه لغو شکسته پیگیری پیک فروشگاه صندوق مشتری رسید "
    "تعویض هفته زمستان تابستان هدیه پرداخت بانک نشانی",
}
LANGUAGES = tuple(WORDS)
JOINS = {"th": "", "zh-Hans": "", "zh-Hant": ""}
FACETS = ("transaction", "background", "policy", "domain", "product", "process")
STATES = ("validated", "validated", "validated", "not_validated", "wip", "archived")


def sentence(rng: random.Random, lang: str, words: int) -> str:
    """Return so many words of a language."""
    return JOINS.get(lang, " ").join(rng.choice(_WORDS[lang]) for _ in range(words))


def entry(rng: random.Random, number: int) -> str:
    """Return the YAML of one entry."""
    first = LANGUAGES[number % len(LANGUAGES)]
    langs = [first, LANGUAGES[(number + 1) % len(LANGUAGES)]] if number % 10 == 0 else [first]
    state = rng.choice(STATES)
    authors = rng.sample(["anna", "ben", "chai", "dara", "li"], 2)
    year, month, day = 2025, rng.randint(1, 12), rng.randint(1, 28)
    title = {lang: sentence(rng, lang, rng.randint(5, 8)) for lang in langs}
    lines = [
        "schema: ckm.kb/1",
        f"id: entry-{number:06}",
        f"kind: {rng.choice(('for', 'for', 'for', 'about', 'from'))}",
        f"facet: {rng.choice(FACETS)}",
        f"lang: {first}",
        "title: " + _texts(title),
        "issue: " + _texts({lang: sentence(rng, lang, rng.randint(12, 25)) for lang in langs}),
        "cause: " + _texts({lang: sentence(rng, lang, rng.randint(8, 20)) for lang in langs}),
        "resolution: " + _texts({lang: sentence(rng, lang, rng.randint(30, 80)) for lang in langs}),
        f"aliases: {{{first}: [{sentence(rng, first, 2)}, {sentence(rng, first, 3)}]}}",
        f"state: {{confidence: {state}, audience: customer, governance: experience_based}}",
        "classify:",
        f"  topics: [{rng.choice(('delivery', 'returns', 'payment', 'products', 'account'))}]",
        f"  products: [P{rng.randint(1, 400):04}]",
        "answers:",
        f"  reasons: [{rng.choice(('late_delivery', 'many_returns', 'complaint', 'silent'))}]"
        if number % 3 == 0
        else "  reasons: []",
        f"  questions: {{{first}: [{sentence(rng, first, 8)}]}}",
        "applies:",
        f"  regions: [{rng.choice(('DE', 'TH', 'CN', 'TW', 'IR', 'GB'))}]",
        f"  valid_from: {year}-{month:02}-{day:02}",
        f"provenance: {{origin: question, collected_by: {authors[0]}, collected_at: {year}-{month:02}-{day:02}}}",
        f"authentic: {{status: verified, by: {authors[1]}, at: {year}-{month:02}-{day:02}, how: tried}}",
        f"review: {{owner: {authors[0]}, interval_days: 365, last: {year}-{month:02}-{day:02}}}",
        "access: {classification: internal, read: [service, sales], contains_personal_data: false}",
        "seci: {mode: externalise}",
    ]
    if number > 10 and number % 7 == 0:
        lines.append(f"links: {{related: [entry-{rng.randrange(number):06}]}}")
    return "\n".join(lines) + "\n"


def make(folder: Path, entries: int, *, per_file: int = 1, seed: int = 0) -> None:
    """Write ``entries`` entries below ``folder``, ``per_file`` to a file and a hundred files to a folder."""
    for number, start in enumerate(range(0, entries, per_file)):
        # A generator of its own per entry: entry 17 is the same in a base of 100 and in one of 100,000.
        texts = [entry(random.Random(f"{seed}/{each}"), each) for each in range(start, min(start + per_file, entries))]
        path = folder / f"{number // 100:04}" / f"{number:06}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\n".join(texts), encoding="utf-8", newline="\n")


def _texts(by_lang: dict[str, str]) -> str:
    if len(by_lang) == 1:
        return next(iter(by_lang.values()))
    return "{" + ", ".join(f"{lang}: {text}" for lang, text in by_lang.items()) + "}"


_WORDS = {lang: text.split() for lang, text in WORDS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--per-file", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    make(asked.folder, asked.entries, per_file=asked.per_file, seed=asked.seed)


if __name__ == "__main__":
    main()
