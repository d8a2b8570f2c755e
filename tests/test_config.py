"""Settings: precedence of sources, errors with their line, and a template that documents every default."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from ckm.check import CheckLimits
from ckm.check.limits import OTHER_SECTIONS
from ckm.config import (
    Config,
    Workspace,
    find_workspace,
    load_config,
    open_workspace,
)
from ckm.errors import UnknownNameError, UsageError
from ckm.schema import Consents, Customers, Interactions, Memberships, Transactions
from ckm.setting_values import Target
from ckm.settings import CheckSettings
from ckm.workspace import lay_out, template
from ckm.yamlfile import read_yaml
from tests.conftest import Run


def workspace(folder: Path, text: str) -> Path:
    (folder / "ckm.yaml").write_text(text, encoding="utf-8")
    return folder


def setting_names(config: object) -> set[str]:
    nested = {
        each.name: getattr(config, each.name) for each in fields(config) if isinstance(each.default_factory, type)
    }
    return {each.name for each in fields(config)} | {
        f"{name}.{inner}" for name, value in nested.items() for inner in setting_names(value)
    }


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_config(workspace(tmp_path, "# nothing\n")) == Config() == load_config(None)


def test_the_template_has_every_setting_with_its_default(tmp_path: Path) -> None:
    assert load_config(workspace(tmp_path, template())) == Config()
    document = read_yaml(tmp_path / "ckm.yaml")
    assert document is not None
    top = document.mapping()
    sections = (
        *(
            "ingest",
            "check",
            "segment",
            "churn",
            "loyalty",
            "nightly",
            "kb",
            "feedback",
            "profile",
            "privacy",
            "mcp",
            "evaluate",
        ),
    )
    written = set(top) | {f"{name}.{inner}" for name in sections for inner in top[name].mapping()}
    assert written == setting_names(Config())
    assert set(top["freshness"].mapping()) == set(Config().freshness)
    assert set(top["kb"].mapping()["freshness"].mapping()) == set(Config().kb.freshness)


def test_every_setting_in_the_template_has_a_comment_above() -> None:
    lines = template().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("  ") and not line.lstrip().startswith("#") and not line.endswith(("d", "w", "h")):
            assert lines[number - 1].lstrip().startswith("#"), line


def test_freshness_limits_are_for_tables_of_the_store() -> None:
    assert set(Config().freshness) == {
        table.__name__.lower() for table in (Customers, Transactions, Interactions, Consents, Memberships)
    }


def test_the_environment_overrides_the_file_and_the_file_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(
        tmp_path, "currency: THB\ningest:\n  max_rejects: 1%\nfreshness: {transactions: 2d}\ngoals: {repeat: 0.4}\n"
    )
    config = load_config(tmp_path)
    assert (config.currency, config.time_zone, config.ingest.max_rejects) == ("THB", "UTC", 0.01)
    assert config.freshness["transactions"] == timedelta(days=2)
    assert config.freshness["customers"] == timedelta(days=90)
    monkeypatch.setenv("CKM_CURRENCY", "USD")
    monkeypatch.setenv("CKM_INGEST_MAX_REJECTS", "0.2")
    monkeypatch.setenv("CKM_FRESHNESS_TRANSACTIONS", "12h")
    monkeypatch.setenv("CKM_GOALS_REPEAT", "0.5")
    config = load_config(tmp_path)
    assert (config.currency, config.ingest.max_rejects) == ("USD", 0.2)
    assert config.freshness["transactions"] == timedelta(hours=12)
    assert config.goals == {"repeat": Target(0.5)}
    assert load_config(None).currency == "USD"


def test_a_list_is_written_in_brackets_or_with_commas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace(tmp_path, "check: {skip: [outliers, gaps], control_types: sale}")
    assert load_config(tmp_path).check.skip == ("outliers", "gaps")
    assert load_config(tmp_path).check.control_types == ("sale",)
    monkeypatch.setenv("CKM_CHECK_SKIP", "freshness, gaps")
    assert load_config(tmp_path).check.skip == ("freshness", "gaps")


def test_the_settings_of_check_are_its_limits() -> None:
    settings = vars(CheckSettings())
    limits = vars(CheckLimits())
    assert settings == {name: value for name, value in limits.items() if name not in OTHER_SECTIONS}
    assert CheckLimits.from_config(settings) == CheckLimits()


def test_null_removes_a_limit_and_gives_other_settings_their_default(tmp_path: Path) -> None:
    config = load_config(workspace(tmp_path, "currency:\nfreshness:\n  customers: null\n"))
    assert config.currency == "EUR"
    assert "customers" not in config.freshness


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("currency: EUR\ncurency: THB\n", 2, "unknown setting 'curency'", "did you mean 'currency'?"),
        ("ingest:\n  max_reject: 5%\n", 2, "unknown setting 'ingest.max_reject'", "did you mean 'ingest.max_rejects'?"),
        ("freshness: {transaction: 7d}\n", 1, "unknown table 'transaction'", "did you mean 'transactions'?"),
        ("currency: EUR\n\ncurrency: THB\n", 3, "duplicate key 'currency', first in line 1", "remove one of them"),
        ("currency: euro\n", 1, "invalid currency code", "three capital letters"),
        ("time_zone: Europe/Berln\n", 1, "unknown time zone", "did you mean 'Europe/Berlin'?"),
        ("time_zone: ../../etc/passwd\n", 1, "unknown time zone", "Europe/Berlin or UTC"),
        ("ingest:\n  max_rejects: 150%\n", 2, "invalid share", "5% or 0.05"),
        ("freshness:\n  customers: soon\n", 2, "invalid duration", "12h, 7d or 2w"),
        ("check:\n  min_rows: -3\n", 2, "invalid whole number", "write it as 30"),
        ("check:\n  outlier_z: -3\n", 2, "is negative", "at least 0"),
        ("check:\n  future: eror\n", 2, "unknown severity 'eror'", "did you mean 'error'?"),
        ("goals: {a: b}\n", 1, "invalid target", "'<= 30'"),
        ("goals: {a: '> 3'}\n", 1, "invalid target", "'<= 30'"),
        ("ingest: 5%\n", 1, "'key: value' pairs are expected", ""),
        ("currency: [EUR]\n", 1, "one value is expected", ""),
        ("- currency\n", 1, "'key: value' pairs are expected", ""),
        ("a: b: c\n", 1, "", "indentation"),
        ("currency: 'EUR\n", 1, "", "quotes"),
        ("goals: " + "[" * 100_000, 1, "", "indentation"),
        ("churn: {warn: 120%}\n", 1, "neither a multiple of the average odds nor a share", "3x at least 35%"),
        ("kb: {log_queries: maybe}\n", 1, "neither yes nor no", "true or false"),
        ("kb: {freshness: {polcy: 7d}}\n", 1, "unknown kind of information 'polcy'", "did you mean 'policy'?"),
        ("churn: {lead_time: soon}\n", 1, "invalid duration", "12h, 7d or 2w"),
    ],
)
def test_an_error_has_the_line_of_the_mistake(tmp_path: Path, text: str, line: int, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(workspace(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path / 'ckm.yaml'}:{line}: ")
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_an_error_about_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKM_CHECK_GAP_DAYS", "much")
    with pytest.raises(UsageError, match=r"^CKM_CHECK_GAP_DAYS: "):
        load_config(None)


def test_a_misspelled_variable_is_refused_and_one_of_another_program_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CKM_FORMAT", "CKM_WORKSPACE", "CKM_SHARED", "CKM_GOALS_REPEAT", "CKM_BUILD_NUMBER"):
        monkeypatch.setenv(name, "1")
    assert load_config(None) == Config()
    monkeypatch.setenv("CKM_CURENCY", "THB")
    with pytest.raises(UnknownNameError) as caught:
        load_config(None)
    assert caught.value.hint == "did you mean 'CKM_CURRENCY'?"


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ckm.yaml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_config(tmp_path)


def test_python_tags_in_a_file_are_not_executed(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_config(workspace(tmp_path, "currency: !!python/object/apply:os.mkdir [made]\n"))
    assert not (tmp_path / "made").exists()


def test_the_country_code_no_is_not_a_boolean(tmp_path: Path) -> None:
    assert read_yaml(workspace(tmp_path, "a: NO\nb: 01234\n") / "ckm.yaml").mapping()["a"].text() == "NO"


def test_a_workspace_is_found_from_any_folder_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "shop" / "maps" / "old"
    inside.mkdir(parents=True)
    assert find_workspace(inside) is None
    workspace(tmp_path / "shop", "currency: THB\n")
    assert find_workspace(inside) == (tmp_path / "shop").resolve()
    monkeypatch.chdir(inside)
    found = open_workspace()
    assert found == Workspace((tmp_path / "shop").resolve(), load_config(tmp_path / "shop"))
    assert found.store_dir == found.root / "store"


def test_a_missing_workspace_names_the_command_that_makes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for root in (None, tmp_path):
        with pytest.raises(UsageError) as caught:
            open_workspace(root)
        assert "ckm init" in (caught.value.hint or "")


def test_init_makes_a_workspace_that_opens(run: Run, tmp_path: Path) -> None:
    result = run("init", tmp_path / "a" / "shop", "--currency", "THB", "--time-zone", "Asia/Bangkok")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "next:" in result.stderr
    made = open_workspace(tmp_path / "a" / "shop")
    assert (made.config.currency, made.config.time_zone) == ("THB", "Asia/Bangkok")
    assert made.maps_dir.is_dir()
    assert made.kb_dir.is_dir()
    assert made.out_dir.is_dir()
    assert (made.root / ".gitignore").read_text(encoding="utf-8").split()[-2:] == ["store/", "out/"]


def test_init_overwrites_only_with_force(run: Run, tmp_path: Path) -> None:
    workspace(tmp_path, "currency: THB\n")
    (tmp_path / ".gitignore").write_text("mine\n")
    refused = run("init", tmp_path)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert (tmp_path / "ckm.yaml").read_text() == "currency: THB\n"
    assert run("init", tmp_path, "--force").exit_code == 0
    assert (tmp_path / "ckm.yaml").read_text(encoding="utf-8") == template()
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_a_forced_init_names_only_the_files_that_it_wrote(tmp_path: Path) -> None:
    first = lay_out(tmp_path / "shop")
    assert first.written == ("ckm.yaml", "incoming/", "maps/", "kb/", "out/", ".gitignore")
    assert lay_out(tmp_path / "shop", force=True).written == ("ckm.yaml",)
    assert lay_out(tmp_path / "shop", force=True) == lay_out(tmp_path / "shop", force=True)
