"""Normalised values of the fields, equal for different spellings of one fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._link.fields import FULL_NAME, GENERATION, generations, titles
from ckm.io.mapping.synonyms import PERSIAN_LETTERS, UMLAUTS
from ckm.io.values.scripts import DIGITS, INVISIBLE, SPACES

if TYPE_CHECKING:
    from collections.abc import Mapping

LETTERS = {chr(code): str(letter) for code, letter in {**UMLAUTS, **PERSIAN_LETTERS}.items()}
LATIN_ACCENTS = "[\u0300-\u036f]"
ARABIC_MARKS = "[\u0640\u064b-\u0652]"
HAN_NAME = r"^\p{Han}{2,4}$"
"""A Chinese name without a space: the first character is the surname."""
TRUNK_ZERO = r"^(\+(?:[124-9]|3[0-8])\d{0,2})\(0"
"""A zero in brackets behind the country code, which is dialled within the country only; in Italy (+39) it is kept."""
NUMBER_WITH_COUNTRY = r"^\+[1-9]\d{6,14}$"
CONTACT_SEPARATORS = (";", ",", "|", "\n", "\r", "\t", " / ", " or ", " oder ", " und ", " and ", "、", "،", "；", "，")
"""Texts between several contacts in one cell."""
EXTENSION = r"(?i)\s*[,;]?\s*(?:\b(?:ext|extn|extension|durchwahl|dw|app)\b\.?|#|\bx)\s*:?\s*\d{1,6}\s*$"
"""Extension behind a telephone number, which is of one person of a firm."""
SHORTEST_PHONE, PHONE_END = 6, 8
"""Fewest digits of a telephone number that is compared; last digits by which two spellings of one number are equal."""
IS_PHONE = rf"(?:\d\D*){{{SHORTEST_PHONE}}}"
LONGEST_COUNTRY_CODE = 3


def normalised(values: pl.Series, field: str, countries: pl.Series | None = None) -> pl.Series:
    """Return the normalised values of a field; null for a value without a letter or digit.

    Parameters
    ----------
    values
        Texts as in the source.
    field
        Name of the field.
    countries
        Country of each value, for telephone numbers without a country code; None if unknown for all.
    """
    texts = values.cast(pl.String)
    if field == "phone":
        bare = texts.str.replace(EXTENSION, "")
        return _phones(
            _one_contact(bare, IS_PHONE, pl.col("part").str.replace_all(r"\D", "").str.tail(PHONE_END)), countries
        )
    distinct = texts.drop_nulls().unique()
    made = _texts(distinct)
    if field == "email":
        made = _emails(_one_contact(made, r"[^@\s]@[^@\s]", pl.col("part")))
    elif field in {"birth_date", "birth_year", "national_id", "postcode"}:
        made = made.str.replace_all(r"[^\p{L}\p{N}]", "")
    else:
        made = made.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars()
    made = pl.select(pl.when(made.str.contains(r"[\p{L}\p{N}]")).then(made)).to_series()
    return texts.replace_strict(distinct, made, default=None, return_dtype=pl.String)


def _texts(values: pl.Series) -> pl.Series:
    """Return texts in lower case, with one form of letters and digits, without accents and invisible marks."""
    plain = values.str.normalize("NFKC").str.replace_many({**INVISIBLE, **SPACES, **DIGITS}).str.to_lowercase()
    plain = plain.str.replace_all("ß", "ss", literal=True).str.replace_many(LETTERS).str.replace_all(ARABIC_MARKS, "")
    return plain.str.normalize("NFD").str.replace_all(LATIN_ACCENTS, "").str.normalize("NFC").str.strip_chars()


def contacts_in_cell(cell: pl.Expr) -> pl.Expr:
    """Return the contacts of each cell as a list; null for a cell without a separator of contacts."""
    several = pl.when(cell.str.contains_any(list(CONTACT_SEPARATORS))).then(cell)
    parts = several.str.replace_many(dict.fromkeys(CONTACT_SEPARATORS, ";")).str.split(";")
    return parts.list.eval(pl.element().str.strip_chars())


def _one_contact(values: pl.Series, form: str, key: pl.Expr) -> pl.Series:
    """Return the most frequent contact of this form (a regular expression) of cells with several, on ties the first.

    So two records with one contact in common have this contact, if no other record has one of their other contacts.
    Other cells are not changed. ``key`` is the key of the column ``part``, equal for spellings of one contact.
    """
    table = values.to_frame("cell").with_row_index("row").with_columns(part=contacts_in_cell(pl.col("cell")))
    parts = table.select("row", "part").drop_nulls().explode("part").filter(pl.col("part").str.contains(form))
    if parts.is_empty():
        return values
    alone = table.filter(pl.col("part").is_null()).select(part="cell")
    frequency = pl.concat([parts.select("part"), alone.drop_nulls()]).group_by(key.alias("key")).len()
    chosen = parts.with_columns(key=key).join(frequency, on="key", how="left", maintain_order="left")
    chosen = chosen.sort("row", "len", descending=[False, True], maintain_order=True).unique("row", keep="first")
    found = table.select("row", "cell").join(chosen, on="row", how="left", maintain_order="left")
    return found.select(pl.coalesce("part", "cell")).to_series()


def _emails(values: pl.Series) -> pl.Series:
    """Return e-mail addresses without a name and a tag behind ``+``; null for a value that is not an address."""
    bare = (
        values.str.replace(r"^[^<]*<\s*(\S+@\S+?)\s*>$", "$1").str.replace(r"\+[^@]*@", "@").str.strip_prefix("mailto:")
    )
    return pl.select(pl.when(bare.str.contains(r"^[^@\s]+@[^@\s]+$")).then(bare)).to_series()


def _phones(values: pl.Series, countries: pl.Series | None) -> pl.Series:
    """Return telephone numbers in E.164; if the country is unknown, the digits without leading zeros.

    The country is also known if exactly one number of the column, written with its country code, has these digits.
    Null if there are fewer than :data:`SHORTEST_PHONE` digits. Only numbers written without a country code are parsed
    by ``phonenumbers``.
    """
    regions = pl.Series("region", [None] * len(values), dtype=pl.String) if countries is None else countries
    table = pl.DataFrame({"number": values, "region": regions.cast(pl.String).str.to_uppercase()}).with_row_index("row")
    dialled = pl.col("number").str.replace_many(DIGITS).str.replace_all(r"[^\d+(]", "").str.replace(r"^00", "+")
    dialled = dialled.str.replace(TRUNK_ZERO, "$1")
    distinct = table.select("number", "region").drop_nulls("number").unique()
    distinct = distinct.with_columns(dialled.alias("dialled"))
    plain = pl.col("dialled").str.replace_all("(", "", literal=True)
    written = plain.str.contains(NUMBER_WITH_COUNTRY) & ~pl.col("dialled").str.contains("(0", literal=True)
    parsed = distinct.filter(~written)
    found = pl.concat(
        [
            distinct.filter(written).select("number", "region", plain.alias("phone")),
            parsed.select(
                "number",
                "region",
                pl.Series("phone", map(_parsed, parsed["dialled"], parsed["region"]), dtype=pl.String),
            ),
        ]
    )
    found = _with_country(found)
    return table.join(found, on=["number", "region"], how="left", nulls_equal=True).sort("row")["phone"]


def _with_country(found: pl.DataFrame) -> pl.DataFrame:
    """Return telephone numbers, those without a country code replaced by the only number with it that has their digits.

    ``found`` has a column ``phone``, in E.164 or digits.
    """
    whole = found.select(whole="phone").drop_nulls().filter(pl.col("whole").str.starts_with("+")).unique()
    without = found.select("phone").drop_nulls().filter(~pl.col("phone").str.starts_with("+")).unique()
    lengths = range(1, LONGEST_COUNTRY_CODE + 1)
    ends = pl.concat([whole.with_columns(phone=pl.col("whole").str.slice(1 + length)) for length in lengths])
    only = without.join(ends, on="phone").unique(["phone", "whole"]).filter(pl.len().over("phone") == 1)
    joined = found.join(only, on="phone", how="left", maintain_order="left")
    return joined.with_columns(phone=pl.coalesce("whole", "phone")).drop("whole")


def _parsed(dialled: str, region: str | None) -> str | None:
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse

    digits = dialled.lstrip("+").replace("(", "").lstrip("0")
    if len(digits) < SHORTEST_PHONE:
        return None
    try:
        number = parse(dialled, region)
    except NumberParseException:
        return digits
    return format_number(number, PhoneNumberFormat.E164) if is_possible_number(number) else digits


def with_generations(fields: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """Return the fields with the generation (``Jr.``, ``senior``) moved from the end of names to the field for it."""
    names = [name for name in (FULL_NAME, "surname", "given_name") if name in fields]
    if not names:
        return dict(fields)
    last = rf"(?i)[\s,]+({'|'.join(sorted(generations(), key=len, reverse=True))})\.?\s*$"
    table = pl.DataFrame({name: fields[name].cast(pl.String) for name in names})
    words = [pl.col(name).str.extract(last).str.to_lowercase() for name in names]
    if GENERATION in fields:
        table = table.with_columns(fields[GENERATION].cast(pl.String).alias(GENERATION))
        words.insert(0, pl.col(GENERATION).str.strip_chars(" .").str.to_lowercase())
    found = table.with_columns(
        pl.col(names).str.replace(last, ""),
        pl.coalesce(words).replace_strict(generations(), default=None).alias(GENERATION),
    )
    return {**fields, **found.to_dict()}


def without_titles(fields: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """Return the fields without the titles before given names and surnames; a given name that is only a title is null.

    A surname may be equal to a title (``Lord``): it is kept.
    """
    words = "|".join(sorted(titles(), key=lambda word: (-len(word), word)))
    before, alone = rf"(?i)^\s*(?:(?:{words})(?:\.\s*|\s+))+(.)", rf"(?i)^\s*(?:{words})\.?\s*$"
    found = dict(fields)
    for name in ("given_name", "surname"):
        if name in fields:
            found[name] = fields[name].cast(pl.String).str.replace(before, "$1")
    if "given_name" in found:
        given = found["given_name"]
        found["given_name"] = pl.select(pl.when(~given.str.contains(alone)).then(given)).to_series()
    return found


def with_split_names(fields: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """Return the fields with the full name split into given name and surname, for records that have neither.

    In a name with a comma (``Surname, Given``) and in a Chinese name the surname comes first; of another name the last
    word is the surname. Titles are removed.
    """
    found = {name: values for name, values in fields.items() if name != FULL_NAME}
    if FULL_NAME not in fields:
        return found
    whole = fields[FULL_NAME].cast(pl.String)
    frame = pl.DataFrame({"whole": whole}).with_row_index("row")
    words = pl.col("whole").str.to_lowercase().str.replace_all(r"[.\s]+", " ").str.strip_chars().str.split(" ")
    kept = words.list.eval(pl.element().filter(~pl.element().is_in(sorted(titles()))))
    text = kept.list.join(" ")
    han = text.str.contains(HAN_NAME)
    comma = text.str.contains(",", literal=True)
    names = frame.select(
        given=pl.when(han)
        .then(text.str.slice(1))
        .when(comma)
        .then(text.str.split(",").list.get(1, null_on_oob=True))
        .otherwise(kept.list.head(pl.max_horizontal(kept.list.len().cast(pl.Int64) - 1, 1)).list.join(" ")),
        surname=pl.when(han)
        .then(text.str.slice(0, 1))
        .when(comma)
        .then(text.str.split(",").list.first())
        .when(kept.list.len() > 1)
        .then(kept.list.last()),
    )
    nothing = pl.Series([None] * len(whole), dtype=pl.String)
    own = pl.DataFrame({name: found.get(name, nothing) for name in ("given_name", "surname")})
    split = pl.col("given_name").is_null() & pl.col("surname").is_null()
    for name, part in (("given_name", "given"), ("surname", "surname")):
        found[name] = own.select(pl.when(split).then(names[part]).otherwise(own[name]).alias(name)).to_series()
    return found
