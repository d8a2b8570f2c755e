"""Make the tables of ckm/data/search from published packages; run it when they have news.

    pip download --no-deps -d /tmp/wheels opencc-python-reimplemented==0.1.7 stop-words==2025.11.4 pythainlp==5.4.0
    python bench/search_tables.py /tmp/wheels

- OpenCC's table of Traditional to Simplified characters, Apache-2.0 (BYVoid and others; packaged by Yichen Huang).
- python-stop-words, BSD-3-Clause (Alireza Savand and contributors). Its lists for English and Persian hold a thousand
  words with meaning; these two, which stand in this file, are function words and the words that questions begin with.
- PyThaiNLP's list of Thai words, CC0-1.0. Entries longer than a word of everyday length are phrases; they are left out,
  so that a text is cut into the words that a query may have one by one.
"""

from __future__ import annotations

import re
import sys
import unicodedata
import zipfile
from pathlib import Path

DATA = Path(__file__).parents[1] / "ckm" / "data" / "search"

# Snowball's algorithm exists for each; languages whose list would bring words with meaning are left out.
LISTS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "es": "spanish",
    "fi": "finnish", "fr": "french", "hu": "hungarian", "id": "indonesian", "it": "italian", "nl": "dutch",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish",
    "tr": "turkish",
}  # fmt: skip

ENGLISH = """
a about above after again against all am an and any are as at be because been before being below between both but by
can could did do does doing don down during each few for from further had has have having he her here hers herself him
himself his how i if in into is it its itself just me more most my myself no nor not now of off on once only or other
our ours ourselves out over own same she should so some such than that the their theirs them themselves then there
these they this those through to too under until up very was we were what when where which while who whom why will with
would you your yours yourself yourselves
"""

PERSIAN = """
از با به بر برای بی تا در را رو که و یا اما ولی اگر چون چه چرا چگونه چطور چند چقدر کجا کجاست کدام کی کیست چیست هم هر همه
هیچ همین همان این آن اینکه آنکه اینها آنها ایشان او وی ما شما من تو خود خودش یک یکی دو دیگر نیز پس پیش بعد قبل روی زیر
بین میان نه نیست است هست هستند بود بودند بوده باشد باشند شد شدند شده شود شوند می نمی ها های هایی ای ترین تر ام ات اش مان
تان شان اند کرد کردند کرده کند کنند کنید کنم دارد دارند داشت داشتند دارم دارید خواهد خواهند توان تواند باید شاید آیا
مورد طور طریق وقتی زمانی سپس حتی فقط بسیار خیلی البته یعنی بدون توسط درباره مانند مثل چنین چنان وجود داد دهد دهند
"""


def main(wheels: Path) -> None:
    DATA.mkdir(parents=True, exist_ok=True)
    pairs = []
    with zipfile.ZipFile(next(wheels.glob("opencc_python_reimplemented-*.whl"))) as wheel:
        for line in wheel.read("opencc/dictionary/TSCharacters.txt").decode("utf-8-sig").splitlines():
            traditional, simplified = line.split("\t")
            first = simplified.split(" ")[0]
            if first != traditional:
                pairs.append(traditional + first)
    (DATA / "simplified.txt").write_text("\n".join(sorted(pairs)) + "\n", encoding="utf-8")
    lists = {"en": set(ENGLISH.split()), "fa": set(PERSIAN.split())}
    with zipfile.ZipFile(next(wheels.glob("stop_words-*.whl"))) as wheel:
        for code, name in LISTS.items():
            lists[code] = set(wheel.read(f"stop_words/stop-words/{name}.txt").decode("utf-8-sig").split())
    lines = [f"{code} {' '.join(sorted(words))}" for code, words in sorted(lists.items())]
    (DATA / "stop_words.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with zipfile.ZipFile(next(wheels.glob("pythainlp-*.whl"))) as wheel:
        thai = wheel.read("pythainlp/corpus/words_th.txt").decode("utf-8").split("\n")
    kept = {unicodedata.normalize("NFKC", word.strip()) for word in thai}
    kept = {word for word in kept if re.fullmatch("[\u0e01-\u0e3a\u0e40-\u0e4e]{2,20}", word)}
    (DATA / "thai_words.txt").write_text("\n".join(sorted(kept)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
