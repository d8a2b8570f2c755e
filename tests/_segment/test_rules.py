"""Segments by rules: the first rule that holds applies, and every error in the file has its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from ckm._segment.definition import Segment
from ckm._segment.rules.conditions import feature_type
from ckm._segment.rules.definition import RulesDefinition, SegmentRule, load_rules, read_rules
from ckm.cli import app
from ckm.customers.features import FeatureTable, feature_table
from ckm.dataset import open_dataset
from ckm.errors import UnknownNameError, UsageError
from ckm.yamlfile import read_yaml
from tests.conftest import examples

if TYPE_CHECKING:
    from ckm.yamlfile import YamlEntry

EXAMPLES = Path(__file__).parents[2] / "examples"
TEA_CLUB = EXAMPLES / "rules" / "tea-club.yaml"
CUSTOMERS = pl.DataFrame(
    {
        "customer_id": ["ann", "bob", "cho", "dee", "eve"],
        "frequency": [9, 5, 2, 1, None],
        "spend_12mo": [900.0, 50.0, None, 10.0, 0.0],
        "lang": ["de", "th", None, "fa", "th"],
        "last_purchase": [date(2025, 12, day) for day in (1, 5, 9, 13, 17)],
    }
)


def rules_file(folder: Path, *rules: tuple[str, str], after: str = "") -> Path:
    """Rules from line 3 on, each with its name and its condition on two lines."""
    entries = "".join(f"  - name: {name}\n    when: {when}\n" for name, when in rules)
    path = folder / "rules.yaml"
    path.write_text(f"schema: ckm.segment_rules/1\nsegments:\n{entries}{after}", encoding="utf-8")
    return path


def defined(*rules: tuple[str, str]) -> RulesDefinition:
    return RulesDefinition(tuple(SegmentRule(name, "", when) for name, when in rules))


def segments(*rules: tuple[str, str], customers: pl.DataFrame = CUSTOMERS) -> list[str]:
    return defined(*rules).assign(customers)["segment"].to_list()


def refused(path: Path) -> UsageError:
    with pytest.raises(UsageError) as raised:
        load_rules(path)
    assert raised.value.exit_code == 2
    return raised.value


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> FeatureTable:
    """The features of the example shop's customers."""
    folder = tmp_path_factory.mktemp("example") / "shop"
    assert CliRunner().invoke(app, ["init", str(folder), "--time-zone", "Europe/Berlin"]).exit_code == 0
    copytree(EXAMPLES / "shop", folder, dirs_exist_ok=True)
    files = [path for path in (folder / "incoming").iterdir() if path.name.startswith(("web", "till", "branch", "crm"))]
    told = CliRunner().invoke(app, ["ingest", "-C", str(folder), *map(str, sorted(files))])
    assert told.exit_code == 0, told.stderr
    dataset = open_dataset(None, folder)
    return feature_table(
        {**dataset.tables, "transactions": dataset.transactions}, time_zone="Europe/Berlin", scope="all"
    )


def entry_of(text: str, folder: Path) -> YamlEntry:
    path = folder / "definition.yaml"
    path.write_text(text, encoding="utf-8")
    entry = read_yaml(path)
    assert entry is not None
    return entry


def test_the_first_rule_that_holds_applies_and_other_customers_are_other() -> None:
    found = defined(("many", "frequency > 4"), ("rich", "spend_12mo > 20"), ("few", "frequency > 0")).assign(CUSTOMERS)
    assert found.to_dict(as_series=False) == {
        "segment": ["many", "many", "few", "few", "other"],
        "rule": [1, 1, 3, 3, None],
        "rules_met": ["1, 2, 3", "1, 2, 3", "3", "3", None],
    }
    assert found.schema == {"segment": pl.String, "rule": pl.Int64, "rules_met": pl.String}


def test_a_condition_on_a_missing_value_does_not_hold_and_neither_does_its_opposite() -> None:
    assert segments(("low", "spend_12mo < 100"), ("not low", "NOT spend_12mo < 100"), ("?", "spend_12mo IS NULL")) == [
        "not low",
        "low",
        "?",
        "low",
        "low",
    ]


def test_texts_dates_and_lists_are_compared_exactly() -> None:
    rules = ("Thai", "lang IN ('th', 'TH')"), ("late", "last_purchase >= DATE '2025-12-09'"), ("rest", "lang <> 'zh'")
    assert segments(*rules) == ["rest", "Thai", "late", "late", "Thai"]


def test_functions_and_features_may_be_computed_with() -> None:
    rules = ("a", "spend_12mo / frequency > 50"), ("b", "lang LIKE 't%' AND coalesce(frequency, 0) = 0"), ("c", "TRUE")
    assert segments(*rules) == ["a", "c", "c", "c", "b"]


def test_a_rule_for_everybody_leaves_no_other() -> None:
    assert segments(("all", "TRUE")) == ["all"] * 5
    assert segments(("all", "TRUE"), customers=CUSTOMERS.clear()) == []


def test_names_and_channels_may_be_of_any_script(tmp_path: Path) -> None:
    rules = (("ลูกค้าประจำ", "frequency > 4"), ("茶", '"channel_share_เว็บ" > 0.5'), ("مهمان", "channel_share_web > 0.5"))
    definition = load_rules(rules_file(tmp_path, *((name, f"'{when}'") for name, when in rules)))
    shares = CUSTOMERS.with_columns(
        pl.Series("channel_share_เว็บ", [0.0, 0.0, 0.6, 0.0, 0.1]),
        pl.Series("channel_share_web", [0.0, 0.0, 0.4, 1.0, 0.1]),
    )
    assert definition.assign(shares)["segment"].to_list() == ["ลูกค้าประจำ", "ลูกค้าประจำ", "茶", "مهمان", "other"]


def test_a_definition_needs_the_features_of_its_conditions() -> None:
    assert defined(("a", "lang = 'de' AND frequency > 4"), ("b", "frequency > tenure_days")).needs == (
        "lang",
        "frequency",
        "tenure_days",
    )


def test_the_segments_are_the_rules_in_order_and_other_last(tmp_path: Path) -> None:
    path = rules_file(tmp_path, ("b", "frequency > 4"), ("a", "frequency > 3"), after="other: {name: die übrigen}\n")
    definition = load_rules(path)
    assert [segment.name for segment in definition.segments] == ["b", "a", "die übrigen"]
    assert definition.assign(CUSTOMERS)["segment"].to_list() == ["b", "b", *["die übrigen"] * 3]
    assert definition.details()[0].frame.rows() == [(1, "b", "frequency > 4"), (2, "a", "frequency > 3")]


def test_the_segment_other_can_have_an_advice(tmp_path: Path) -> None:
    path = rules_file(tmp_path, ("a", "frequency > 4"), after="other: {advice: Ask them.}\n")
    assert load_rules(path).other == Segment("other", "Ask them.")


names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(
    st.lists(st.tuples(names, names, st.integers(1, 9)), min_size=1, max_size=4, unique_by=lambda each: each[0]), names
)
def test_a_written_definition_is_read_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, rules: list[tuple[str, str, int]], other: str
) -> None:
    definition = RulesDefinition(
        tuple(
            SegmentRule(f"n{name}", advice, f"frequency  =\n {number} AND lang <> 'é''\"'\n and gaps > rows")
            for name, advice, number in rules
        ),
        Segment(other, ""),
    )
    text = yaml.safe_dump(definition.to_plain(), allow_unicode=True)
    assert read_rules(entry_of(text, tmp_path_factory.mktemp("rules"))) == definition


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(st.permutations(range(5)))
def test_a_customers_segment_depends_on_no_other_customer(order: list[int]) -> None:
    definition = defined(("a", "frequency > 4"), ("b", "spend_12mo >= 10 OR lang = 'th'"))
    assert_frame_equal(definition.assign(CUSTOMERS[order]), definition.assign(CUSTOMERS)[order])


def test_a_rule_without_customers_gets_a_remark_with_its_line(tmp_path: Path) -> None:
    path = rules_file(
        tmp_path,
        ("many", "frequency > 4"),
        ("huge", "spend_12mo > 5000"),
        ("rich", "spend_12mo > 40"),
        ("best", "spend_12mo * 2 > 1600"),
    )
    definition = load_rules(path)
    assert definition.remarks(definition.assign(CUSTOMERS)) == (
        "rule 'huge' (line 6): no customer meets the condition",
        "rule 'rich' (line 8): no customers; 2 customers met the condition, and an earlier rule too",
        "rule 'best' (line 10): no customers; 1 customer met the condition, and an earlier rule too",
    )


def test_rules_that_all_have_customers_give_no_remark() -> None:
    definition = defined(("a", "frequency > 4"), ("b", "frequency < 4"))
    assert definition.remarks(definition.assign(CUSTOMERS)) == ()


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("frequency >", "bad SQL expression"),
        ("frequency > 3; lang = 'de'", "bad SQL expression"),
        ("SELECT 1", "contains a query"),
        ("sum(spend_12mo) > 3", "uses other rows"),
        ("count(*) > 3", "uses other rows"),
        ("row_number() OVER (ORDER BY spend_12mo) > 3", "uses other rows"),
        ("covar(spend_12mo, frequency) > 3", "uses other rows"),
        ("spend_12mo", "not a condition: the value is a number"),
        ("lang || 'x'", "not a condition: the value is a text"),
        ("last_purchase", "not a condition: the value is a date"),
        ("NULL", "not a condition: the value is nothing"),
        ("lang > 3", "compares a text with a number"),
        ("frequency = '3'", "compares a number with a text"),
        ("frequency IN ('3', '4')", "compares a number with a text"),
        ("last_purchase > 20000", "compares a date with a number"),
        ("last_purchase > '2025-12-31'", "compares a date with a text"),
        ("last_purchase - first_purchase > 30", "compares a duration with a number"),
        pytest.param(" OR ".join(["frequency = 1"] * 3000), "more than 20,000 characters", id="3,000 parts"),
        ("5 > frequency > 3", "compares true or false with a number"),
        ("frequency > 3 AND spend_12mo", "AND connects conditions, not a number"),
        ("NOT frequency", "NOT connects conditions, not a number"),
        ("frequency > 1_000", "unexpected '_000' after the condition"),
        ("frequency > 3 AS x", "unexpected 'x' after the condition"),
        ("spend_12mo > 1e400", "a constant is too large"),
        ("lang ~ '('", "bad regular expression: unclosed group"),
        ("last_purchase + 3 > first_purchase", "cannot be computed: "),
        ("last_purchase > CURRENT_DATE", "'CURRENT_DATE' reads the clock"),
        ("last_purchase < now()", "'now' reads the clock"),
        ("COLUMNS('.*') > 1", "uses other rows"),
        ("EXISTS (SELECT 1)", "contains a query"),
        ("(SELECT 1) = frequency", "contains a query"),
        ("frequency IN (VALUES (1), (2))", "contains a query"),
        ("read_csv('/etc/passwd') = 'x'", "contains a query"),
        ("frequency IN (SELECT a FROM read_csv('/etc/passwd'))", "contains a query"),
        ("EXISTS (SELECT * FROM read_csv('/etc/passwd'))", "contains a query"),
        ("getenv('HOME') = 'x'", "unsupported function"),
    ],
)
def test_an_invalid_condition_is_refused_with_its_line(tmp_path: Path, when: str, message: str) -> None:
    path = rules_file(tmp_path, ("first", "frequency > 9"), ("second", f'"{when}"'))
    error = refused(path)
    assert str(error).startswith(f"{path}:6: ")
    assert message in str(error)
    assert error.hint


def test_quoted_text_is_not_mistaken_for_the_clock() -> None:
    assert segments(("now", "lang = 'now' OR lang = 'current_date' -- not now\n OR lang = 'fa'"))[3] == "now"


@pytest.mark.parametrize(
    ("when", "hint"),
    [
        ("spend_12m > 3", "did you mean 'spend_12mo'?"),
        ("lang = 'de' AND recency_day < 3", "did you mean 'recency_days'?"),
        ("FREQUENCY > 3", "did you mean 'frequency'?"),
        ('lang = "de"', "SQL reads double quotes as a name; write the text as 'de'"),
        ("customer_id = 'x'", None),
        ("channel_share_ > 3", None),
        ("t.frequency > 3", None),
        ("SYSDATE > 3", None),
    ],
)
def test_an_unknown_feature_is_reported_with_its_line_and_a_similar_name(
    tmp_path: Path, when: str, hint: str | None
) -> None:
    path = rules_file(tmp_path, ("first", when))
    with pytest.raises(UnknownNameError, match=r"rules.yaml:4: unknown feature '") as raised:
        load_rules(path)
    assert hint is None or raised.value.hint == hint


def test_a_feature_that_the_data_lack_is_named() -> None:
    with pytest.raises(UnknownNameError, match="rule 'web': unknown feature 'channel_share_web'"):
        segments(("web", "channel_share_web > 0.5"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rules.yaml:1: the file is empty"),
        ("segments: []\n", "rules.yaml:1: 'schema' is missing"),
        ("schema: ckm.map/1\nsegments: []\n", "rules.yaml:1: not a file of segment rules"),
        ("schema: ckm.segment_rules/1\nsegments: []\n", "rules.yaml:2: there are no rules"),
        ("schema: ckm.segment_rules/1\nsegments: many\n", "rules.yaml:2: a list is expected"),
        ("schema: ckm.segment_rules/1\nsegments:\n  - {name: a}\n", "rules.yaml:3: 'when' is missing"),
        ("schema: ckm.segment_rules/1\nsegments:\n  - when: TRUE\n", "rules.yaml:3: 'name' is missing"),
        ("schema: ckm.segment_rules/1\nsegments:\n  - name:\n    when: TRUE\n", "rules.yaml:3: 'name' is empty"),
        ("schema: ckm.segment_rules/1\nsegments:\n  - name: a\n    when: ' '\n", "rules.yaml:4: 'when' is empty"),
        ("schema: ckm.segment_rules/1\nsegments:\n  - name: a\n    when: [TRUE]\n", "rules.yaml:4: one value is"),
        ("schema: ckm.segment_rules/1\nsegments:\n  - name: a\n   when: TRUE\n", "rules.yaml:4: "),
        ("schema: ckm.segment_rules/1\nsegments:\n  - name: a\n    wenn: TRUE\n", "rules.yaml:4: unknown key 'wenn'"),
        ("schema: ckm.segment_rules/1\nsegment: []\n", "rules.yaml:2: unknown key 'segment'"),
    ],
)
def test_a_file_without_rules_is_refused_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    assert message in str(refused(path))


def test_a_name_given_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    path = rules_file(tmp_path, ("a", "frequency > 4"), ("a", "frequency > 3"))
    assert str(refused(path)) == f"{path}:5: rule 'a' (line 4) has the same name"


@pytest.mark.parametrize(("name", "after"), [("other", ""), ("rest", "other: {name: rest}\n")])
def test_no_rule_has_the_name_of_other(tmp_path: Path, name: str, after: str) -> None:
    path = rules_file(tmp_path, (name, "frequency > 4"), after=after)
    assert str(refused(path)) == f"{path}:4: '{name}' is also the name of the customers for whom no rule holds"


def test_a_saved_definition_is_checked_like_a_file(tmp_path: Path) -> None:
    plain: dict[str, Any] = defined(("a", "frequency > 4"), ("b", "frequency > 5")).to_plain()
    plain["segments"][1]["when"] = "frequenz > 5"
    with pytest.raises(UsageError, match=r"definition.yaml:\d+: unknown feature 'frequenz'"):
        read_rules(entry_of(yaml.safe_dump(plain, sort_keys=False), tmp_path))


@pytest.mark.slow
def test_the_example_on_the_example_shop_gives_every_segment_its_customers(shop: FeatureTable) -> None:
    definition = load_rules(TEA_CLUB)
    found = definition.assign(shop.frame)
    counts = dict(found["segment"].value_counts().iter_rows())
    assert set(counts) == {segment.name for segment in definition.segments}
    assert min(counts.values()) >= 50
    assert sum(counts.values()) == shop.frame.height
    assert definition.remarks(found) == ()
    partners = shop.frame.filter(found["segment"] == "Business partners")
    assert (partners["party_type"] != "person").all()
    assert partners["recency_days"].max() <= 365
    assert all(segment.advice for segment in definition.segments)


@pytest.mark.slow
def test_the_example_is_read_again_exactly(tmp_path: Path) -> None:
    definition = load_rules(TEA_CLUB)
    text = yaml.safe_dump(definition.to_plain(), allow_unicode=True, sort_keys=False)
    assert read_rules(entry_of(text, tmp_path)) == definition


@pytest.mark.slow
def test_every_feature_has_the_type_that_the_dictionary_gives_it(shop: FeatureTable) -> None:
    for column in shop.frame.drop("customer_id").iter_columns():
        assert column.dtype == feature_type(column.name), column.name
