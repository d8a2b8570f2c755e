"""Topics, polarity, stability and cost of ``ckm feedback-mine``.

Usage: ``python bench/feedback.py [topics] [stability] [polarity] [scale] [shop]``; without an argument all five parts
run. Data sets (in CKM_SHARED): SIB-200 (sentences in six languages with topic labels), Amazon and Yelp sentences,
Chinese hotel reviews. The public functions and the command run with their defaults and without the labels.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from measure import CKM, SHARED, machine, run
from sklearn.metrics import normalized_mutual_info_score

from ckm._feedback.mining import Learning, mine
from ckm.dataset import Dataset
from ckm.feedback import comment_topics
from ckm.models.encoder import Encoder
from ckm.schema import RATING_SCALES

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = {
    "en": "eng_Latn", "de": "deu_Latn", "th": "tha_Thai", "zh-Hans": "zho_Hans", "zh-Hant": "zho_Hant",
    "fa": "pes_Arab",
}  # fmt: skip
MIXED = ("en", "de", "th", "zh-Hans", "zh-Hant")
RATED = 300
DRAWS = 5
COMMENTS = int(os.environ.get("COMMENTS", "100000"))
END = datetime(2026, 6, 30, tzinfo=UTC)


def sib(lang: str) -> tuple[list[str], list[str]]:
    texts, labels = [], []
    for part in ("train", "dev"):
        path = SHARED / "feedback" / "sib200" / f"sib_{LANGUAGES[lang]}_{part}.tsv"
        for line in path.read_text("utf-8").splitlines()[1:]:
            _, label, text = line.split("\t")
            texts.append(text)
            labels.append(label)
    return texts, labels


def interactions(
    texts: list[str], langs: list[str], ratings: list[float | None] | None = None, scale: str = "csat_1_5"
) -> Dataset:
    frame = pl.DataFrame(
        {
            "interaction_id": [f"I{row:06d}" for row in range(len(texts))],
            "at": [END - timedelta(minutes=len(texts) - row) for row in range(len(texts))],
            "text": texts,
            "lang": langs,
            "rating": ratings or [None] * len(texts),
            "scale": [scale if ratings and ratings[row] is not None else None for row in range(len(texts))],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC"), "rating": pl.Float64, "scale": pl.String},
    )
    return Dataset({"interactions": frame.lazy()}, "bench")


def main_topics(dataset: Dataset, encoder: str) -> list[str]:
    """Return one topic per comment: the topic with the largest cosine of a sentence to its centroid."""
    found = comment_topics(dataset, encoder=encoder).sort("interaction_id", "cosine", descending=[False, True])
    return found.group_by("interaction_id", maintain_order=True).first()["topic"].to_list()


def topics() -> None:
    for encoder in ("auto", "none"):
        scores = []
        for lang in LANGUAGES:
            texts, labels = sib(lang)
            found = main_topics(interactions(texts, [lang] * len(texts)), encoder)
            scores.append(normalized_mutual_info_score(labels, found))
            share = found.count("") / len(found)
            print(f"{encoder} {lang}: NMI {scores[-1]:.3f}, {len(set(found))} topics, other {share:.1%}", flush=True)
        print(f"{encoder}: mean NMI {np.mean(scores):.3f}")
    texts, labels, langs = [], [], []
    for lang in MIXED:
        more, of_more = sib(lang)
        texts, labels, langs = texts + more, labels + of_more, langs + [lang] * len(more)
    found = main_topics(interactions(texts, langs), "auto")
    print(
        f"five languages: NMI {normalized_mutual_info_score(labels, found):.3f}, "
        f"with the language {normalized_mutual_info_score(langs, found):.4f}"
    )


def stability() -> None:
    """Print the share of texts that keep their topic after 10 % of rows are added, by --learn and by --refit."""
    from ckm.feedback import feedback

    for encoder in ("auto", "none"):
        for lang in ("en", "th"):
            texts, _ = sib(lang)
            Random(1).shuffle(texts)
            old = round(len(texts) / 1.1)
            with TemporaryDirectory() as folder:
                shop = Path(folder) / "shop"
                run([*CKM, "init", str(shop), "-q"])
                results = {}
                for name, count, options in (
                    ("first", old, {"learn": True}),
                    ("learn", len(texts), {"learn": True}),
                    ("refit", len(texts), {"refit": True}),
                ):
                    write_csv(shop / "c.csv", texts[:count], lang)
                    run([*CKM, "ingest", str(shop / "c.csv"), "--as", "interactions", "-C", str(shop), "-q"])
                    feedback(shop, encoder=encoder, keep=False, **options)
                    found = comment_topics(shop, encoder=encoder).sort(
                        "interaction_id", "cosine", descending=[False, True]
                    )
                    first = found.group_by("interaction_id", maintain_order=True).first()
                    results[name] = dict(first.select("interaction_id", "topic").iter_rows())
                for name in ("learn", "refit"):
                    same = np.mean([results[name][key] == topic for key, topic in results["first"].items()])
                    print(f"{encoder} {lang}: same topic after 10 % more rows and --{name}: {same:.1%}", flush=True)


def write_csv(path: Path, texts: list[str], lang: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["interaction_id", "at", "text", "lang", "kind"])
        for row, text in enumerate(texts):
            at = (END - timedelta(minutes=len(texts) - row)).isoformat()
            rows.writerow([f"I{row:06d}", at, text, lang, "survey"])


def rated_sets() -> Iterator[tuple[str, str, list[str], list[int]]]:
    for name in ("amazon_cells", "yelp"):
        lines = (SHARED / "feedback" / f"{name}.txt").read_text("utf-8").splitlines()[1:]
        pairs = [line.rsplit("\t", 1) for line in lines]
        yield name, "en", [text for text, _ in pairs], [int(sign) for _, sign in pairs]
    with (SHARED / "feedback" / "hotel_zh_sample.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    yield "hotel", "zh-Hans", [row["text"] for row in rows], [int(float(row["positive"])) for row in rows]


def polarity() -> None:
    """Print the accuracy of the predicted sign of unrated comments; 300 comments are rated."""
    encoder = Encoder.open()
    low, high = RATING_SCALES["csat_1_5"]
    for name, lang, texts, signs in rated_sets():
        scores = []
        for draw in range(DRAWS):
            order = np.random.default_rng(draw).permutation(len(texts))[:1500]
            chosen = [texts[row] for row in order]
            truth = np.array([signs[row] for row in order])
            ratings = [float(high if sign else low) if row < RATED else None for row, sign in enumerate(truth)]
            mined = mine(interactions(chosen, [lang] * len(chosen), ratings), END.date(), encoder, Learning())
            found = dict(zip(mined.frame["interaction_id"], mined.polarity.values, strict=True))
            rest = [row for row in range(RATED, len(chosen)) if f"I{row:06d}" in found]
            scores.append(np.mean([(found[f"I{row:06d}"] > 0) == bool(truth[row]) for row in rest]))
        print(f"{name} ({lang}): accuracy {np.mean(scores):.3f}, lowest of {DRAWS} draws {min(scores):.3f}", flush=True)


def scale() -> None:
    """Print CPU time and memory of ``ckm feedback-mine`` for 100,000 comments with varied sentences."""
    sources = {lang: sib(lang)[0] for lang in LANGUAGES}
    for _, lang, texts, _ in rated_sets():
        sources[lang] = sources[lang] + [text[:150] for text in texts]
    random = Random(3)
    with TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        run([*CKM, "init", str(shop), "-q"])
        with (shop / "c.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["interaction_id", "customer_id", "at", "text", "lang", "kind", "rating", "scale"])
            for row in range(COMMENTS):
                lang = random.choices(list(sources), [40, 20, 10, 15, 10, 5])[0]
                text = varied(random.choice(sources[lang]), random)
                rating = random.randint(1, 5) if random.random() < 0.3 else ""
                at = (END - timedelta(minutes=5 * row)).isoformat()
                scale = "csat_1_5" if rating else ""
                rows.writerow([f"I{row:06d}", f"C{row % 30_000}", at, text, lang, "survey", rating, scale])
        run([*CKM, "ingest", str(shop / "c.csv"), "--as", "interactions", "-C", str(shop), "-q"])
        for words in (["--learn"], [], ["--encoder", "none", "--refit"]):
            print(
                " ".join(words) or "assignment",
                run(
                    [
                        *CKM,
                        "feedback-mine",
                        str(shop),
                        *words,
                        "-o",
                        str(shop / "o.csv"),
                        "-q",
                    ]
                ),
                flush=True,
            )


def varied(text: str, random: Random) -> str:
    """Return a text without one random word, or without one random character if it has no spaces."""
    words = (text.split() if " " in text else list(text)) or ["-"]
    place = random.randrange(len(words))
    return (" " if " " in text else "").join(words[:place] + words[place + 1 :]) or text


def shop() -> None:
    """Print the growing topics of the example shop, and the NMI of found and planted topics of its comments."""
    from ckm.example.workspace import lay_out_example

    with TemporaryDirectory() as folder:
        root = Path(folder) / "shop"
        lay_out_example(root)
        run([*CKM, "ingest", "-C", str(root), "-q"])
        run(
            [
                *CKM,
                "ingest",
                str(root / "comments" / "reviews.jsonl"),
                "--map",
                str(root / "comments" / "reviews.yaml"),
                "-C",
                str(root),
                "-q",
            ]
        )
        run([*CKM, "feedback-mine", str(root), "--learn", "--drafts", "-o", str(root / "out" / "f.json"), "-q"])
        print(
            json.dumps(
                [row for row in json.loads((root / "out" / "f.json").read_text("utf-8")) if row["growing"]],
                ensure_ascii=False,
            )
        )
        truth = pl.read_csv(root / "comments" / "truth.csv")
        found = comment_topics(root).join(truth, on="interaction_id", suffix="_true")
        print(f"planted topics: NMI {normalized_mutual_info_score(found['topic_true'], found['topic']):.3f}")


if __name__ == "__main__":
    print(machine())
    parts = {part.__name__: part for part in (topics, stability, polarity, scale, shop)}
    for name in sys.argv[1:] or parts:
        parts[name]()
