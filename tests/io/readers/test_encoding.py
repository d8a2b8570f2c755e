"""The encodings of customer files are detected, also in short files."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from ckm.errors import InputError, UsageError
from ckm.io.readers.hints import Hints
from ckm.io.readers.read import open_source

if TYPE_CHECKING:
    from pathlib import Path

GERMAN = [("Müller, Jürgen", "Köln"), ("Groß & Söhne", "Düsseldorf"), ("Käthe Weiß", "Nürnberg"), ("Öz", "Lübeck")]
EURO = [("Müller", "Gebühr 5 €"), ("Böhm", "Rückgabe für 12 €"), ("Straßer", "Änderung: 3 €"), ("Jürgens", "größer")]
POLISH = [
    ("Żaneta Wójcik", "Łódź"),
    ("Grzegorz Brzęczyszczykiewicz", "Świętochłowice"),
    ("Małgorzata Dąbrowska", "Gdańsk"),
    ("Paweł Jabłoński", "Poznań"),
]
RUSSIAN = [("Иванов Сергей", "Москва"), ("Петрова Анна", "Санкт-Петербург"), ("Кузнецов", "Екатеринбург")]
PERSIAN = [("محمد رضایی", "تهران"), ("فاطمه حسینی", "اصفهان"), ("علی احمدی", "شیراز")]
ARABIC = [("محمد عبد الله", "القاهرة"), ("فاطمة الزهراء", "الإسكندرية"), ("أحمد حسن", "دمشق")]
THAI = [("สมชาย ใจดี", "กรุงเทพมหานคร"), ("สุดา รักไทย", "เชียงใหม่"), ("วิชัย มั่นคง", "ขอนแก่น")]
SIMPLIFIED = [
    ("王小明", "北京市朝阳区"),
    ("李娜", "上海市浦东新区"),
    ("张伟", "广州市天河区"),
    ("刘洋", "退货原因：质量问题"),
]
TRADITIONAL = [("王小明", "臺北市信義區"), ("陳美麗", "高雄市左營區"), ("林志玲", "退貨原因：品質問題")]
JAPANESE = [("山田太郎", "東京都新宿区"), ("佐藤花子", "大阪府大阪市"), ("鈴木一郎", "カタカナのメモです")]

SETS = [
    ("utf-8", GERMAN),
    ("utf-8-sig", THAI),
    ("utf-8", PERSIAN),
    ("utf-16-le", GERMAN),
    ("utf-16-be", RUSSIAN),
    ("utf-16-le", THAI),
    ("utf-16-le", SIMPLIFIED),
    ("utf-16", JAPANESE),
    ("utf-32-le", GERMAN),
    ("utf-32", SIMPLIFIED),
    ("gb18030", SIMPLIFIED),
    ("big5", TRADITIONAL),
    ("cp1250", POLISH),
    ("cp1251", RUSSIAN),
    ("cp1252", GERMAN),
    ("cp1252", EURO),
    ("cp1256", ARABIC),
    ("iso8859-15", EURO),
    ("cp874", THAI),
    ("tis-620", THAI),
    ("shift_jis", JAPANESE),
    ("euc_jp", JAPANESE),
]


def table(rows: list[tuple[str, str]]) -> str:
    lines = [f"{number:05};{name};{place};{number * 7}.50" for number, (name, place) in enumerate(rows, start=1)]
    return "\r\n".join(["id;name;place;amount", *lines, ""])


def read_rows(path: Path, hints: Hints | None = None) -> list[tuple[str, ...]]:
    with open_source(path, hints) as source:
        return [row for batch in source.batches() for row in batch.records.rows()]


def wanted(rows: list[tuple[str, str]]) -> list[tuple[str, ...]]:
    return [(f"{number:05}", name, place, f"{number * 7}.50") for number, (name, place) in enumerate(rows, start=1)]


@pytest.mark.parametrize(("encoding", "rows"), SETS, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("repeats", [1, 40], ids=["short", "long"])
def test_the_encoding_of_text_is_detected(
    tmp_path: Path, encoding: str, rows: list[tuple[str, str]], repeats: int
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(table(rows * repeats).encode(encoding))
    assert read_rows(path) == wanted(rows * repeats)


@pytest.mark.parametrize(
    ("encoding", "rows"),
    [("utf-8", POLISH), ("cp1252", GERMAN), ("cp1251", RUSSIAN), ("gb18030", SIMPLIFIED), ("cp874", THAI)],
)
def test_the_encoding_is_detected_after_100_kb_of_ascii(
    tmp_path: Path, encoding: str, rows: list[tuple[str, str]]
) -> None:
    many = [("Smith, John", "London")] * 5_000 + rows
    path = tmp_path / "file.csv"
    path.write_bytes(table(many).encode(encoding))
    assert path.read_bytes()[:100_000].isascii()
    assert read_rows(path) == wanted(many)


def test_damaged_lines_of_a_utf8_file_are_rejected_with_their_numbers(tmp_path: Path) -> None:
    lines = table(GERMAN * 3).encode().split(b"\r\n")
    lines[5] = "00005;Süß;Köln;1".encode("cp1252")
    path = tmp_path / "file.csv"
    path.write_bytes(b"\r\n".join(lines))
    with open_source(path) as source:
        batches = list(source.batches())
    rejected = [row for batch in batches for row in batch.rejected.rows()]
    assert rejected == [(6, "encoding", r"00005;S\xfc\xdf;K\xf6ln;1")]
    assert sum(batch.records.height for batch in batches) == 11
    assert source.format.encoding == "utf-8"


def test_undecodable_bytes_reject_their_line_only(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("id;name\n1;Łódź\n2;Ż\n".encode("cp1250") + b"3;\x81\x88\n4;x\n")
    with open_source(path, Hints(encoding="windows-1250")) as source:
        batches = list(source.batches())
    assert [row for batch in batches for row in batch.records["id"]] == ["1", "2", "4"]
    assert [row[:2] for batch in batches for row in batch.rejected.rows()] == [(4, "encoding")]


def test_a_given_encoding_takes_precedence(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("id;name\n1;Ж\n2;Ы\n".encode("cp1251"))
    assert read_rows(path, Hints(encoding="windows-1251")) == [("1", "Ж"), ("2", "Ы")]


def test_a_byte_order_mark_never_ends_up_in_a_column_name(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes("id,name\n1,Ä\n".encode(encoding))
        for hints in (Hints(), Hints(encoding=encoding.removesuffix("-sig"))):
            with open_source(path, hints) as source:
                assert source.format.columns == ("id", "name")


def test_an_unknown_encoding_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b\n1,2\n")
    for name in ("klingon", "base64"):
        with pytest.raises(UsageError, match=name):
            open_source(path, Hints(encoding=name))


def test_binary_data_are_refused_with_a_message(tmp_path: Path) -> None:
    path = tmp_path / "photo.csv"
    path.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(InputError, match="not a text file"):
        open_source(path)


def test_text_in_an_archive_is_detected_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "file.csv.gz"
    path.write_bytes(gzip.compress(table(POLISH).encode("cp1250")))
    assert read_rows(path) == wanted(POLISH)
