"""Search quality on real questions: ckm compared with bm25s, SQLite's FTS5 and tantivy in their default settings.

    pip install --target /tmp/peers bm25s PyStemmer
    PYTHONPATH=.:/tmp/peers python bench/search_quality.py

One table per set of ../shared/data/kb. All see the same texts and questions in the same run; ckm is told nothing of
their language. bm25s gets its stop words and a Snowball stemmer where they exist for the language. Questions are words
for SQLite and tantivy too: each is cut into what Unicode calls words and these are joined by OR.
"""

from __future__ import annotations

import re
import sqlite3

import tantivy
from search_sets import Search, Set, ckm_search, load, measures, records

STEMMERS = {"de": "german", "en": "english"}


def bm25s_search(one: Set) -> Search:
    import bm25s
    import Stemmer

    language = STEMMERS.get(one.tag)
    stemmer = Stemmer.Stemmer(language) if language else None
    options = {"stopwords": one.tag if language else None, "stemmer": stemmer, "show_progress": False}
    keys = list(one.texts)
    index = bm25s.BM25()
    index.index(bm25s.tokenize(list(one.texts.values()), **options), show_progress=False)

    def search(text: str) -> list[str]:
        tokens = bm25s.tokenize([text], **options)
        found, scores = index.retrieve(tokens, k=min(10, len(keys)), show_progress=False)
        return [keys[place] for place, score in zip(found[0], scores[0], strict=True) if score > 0]

    return search


def sqlite_search(one: Set, tokenizer: str) -> Search:
    database = sqlite3.connect(":memory:")
    database.execute(f"create virtual table texts using fts5(key unindexed, text, tokenize='{tokenizer}')")
    database.executemany("insert into texts values (?, ?)", one.texts.items())

    def search(text: str) -> list[str]:
        words = re.findall(r"[^\W_]+", text)
        if tokenizer == "trigram":
            words = [word[place : place + 3] for word in words for place in range(max(1, len(word) - 2))]
        asked = " OR ".join(f'"{word}"' for word in words) or '""'
        best = "select key from texts where texts match ? order by bm25(texts), key limit 10"
        rows = database.execute(best, (asked,))
        return [key for (key,) in rows]

    return search


def tantivy_search(one: Set) -> Search:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw")
    builder.add_text_field("text")
    index = tantivy.Index(builder.build())
    writer = index.writer(15_000_000, 1)
    for key, text in one.texts.items():
        writer.add_document(tantivy.Document(key=key, text=text))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def search(text: str) -> list[str]:
        query = index.parse_query(" ".join(re.findall(r"[^\W_]+", text)), ["text"])
        return [searcher.doc(address)["key"][0] for _, address in searcher.search(query, 10).hits]

    return search


def main() -> None:
    for one in load():
        engines = {
            "ckm": ckm_search(records(one)),
            "bm25s": bm25s_search(one),
            "SQLite FTS5 unicode61": sqlite_search(one, "unicode61"),
            "SQLite FTS5 trigram": sqlite_search(one, "trigram"),
            "tantivy, as it comes": tantivy_search(one),
        }
        print(f"\n{one.name}: {len(one.texts)} texts, {len(one.questions):,} questions, {one.tag}\n")
        print("| engine | recall@1 | recall@5 | recall@10 | MRR@10 | nDCG@10 |\n|---|---|---|---|---|---|")
        for name, search in engines.items():
            row = measures(search, one.questions)
            print(f"| {name} | " + " | ".join(f"{value:.4f}" for value in row.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
