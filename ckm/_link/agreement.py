"""Agreement of two records in each field, in levels of similarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from ckm._link.fields import link_fields, role_mailboxes
from ckm._link.vocabulary import LEAST_SIMILARITY, Vocabulary
from ckm.models.linkage import MISSING, Population, Rarity, rarity_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Codes: TypeAlias = NDArray[np.int64]
    Levels: TypeAlias = NDArray[np.int8]

CUTS = (LEAST_SIMILARITY, 0.65, 0.75, 0.85)
"""Similarities (1 - edits / longer length; a transposition is one edit) from which the levels 1 to 4 begin."""
EXACT = len(CUTS) + 1
"""Level of equal values."""
LEVELS = EXACT + 1
NAMES = ("given_name", "surname")
EXCHANGED = "names_exchanged"
"""Field of the comparison: of two records with alike names, whether one has given name and surname exchanged."""
CLEARLY = 2
"""Levels by which the exchanged order must agree better."""
SAMPLE = 1_000_000
"""Random pairs for the agreement of all pairs; of fewer pairs all are compared."""


CONTACTS = ("email", "phone")
"""Fields that several persons may share: a mailbox of a family or a firm, the telephone of a household."""
IDENTIFYING = (*CONTACTS, "national_id")
"""Fields whose values are given out once: two strangers have equal ones only if they share one."""
DISTINCTIVE = (*IDENTIFYING, "birth_date", "birth_year", "street", "postcode")
"""Fields by which namesakes are distinguished."""
SIMILAR, ALIKE = 1, 4
"""Lowest levels of two given names that may be of one person, and that are of one person if they share a mailbox."""
SCRIPTS = {
    "Latin": 1,
    "Han": 2,
    "Thai": 3,
    "Arabic": 4,
    "Cyrillic": 5,
    "Greek": 6,
    "Hangul": 7,
    "Hebrew": 8,
    "Devanagari": 9,
}
"""Scripts of names, by their Unicode names: names in different scripts are not compared."""


@dataclass(frozen=True)
class Comparison:
    """Agreement of pairs: names of the fields, their levels, and a term for the rarity of shared values."""

    names: tuple[str, ...]
    levels: tuple[Levels, ...]
    rarity: Rarity


class Comparer:
    """Compares pairs of records.

    Parameters
    ----------
    records
        Normalised fields; one row per record.
    """

    def __init__(self, records: pl.DataFrame) -> None:
        self.n = len(records)
        self.fields = tuple(records.columns)
        self.has_both_names = set(NAMES) <= set(self.fields)
        self.scripts = scripts_of(records)
        self._values: dict[str, Vocabulary] = {}
        self._codes: dict[str, Codes] = {}
        for name in self.fields:
            columns = NAMES if name in NAMES and self.has_both_names else (name,)  # one vocabulary for both names
            values = pl.concat([records[each].rename("value") for each in columns]).drop_nulls().unique().sort()
            codes = pl.Series(range(len(values)), dtype=pl.Int64)
            self._values[name] = Vocabulary(values)
            self._codes[name] = records[name].replace_strict(values, codes, default=MISSING).to_numpy()
        self._numbers = _numbers_in_mailboxes(records["email"]) if "email" in self.fields else np.empty(0, np.int64)
        self._frequency = {name: self._frequencies(name) for name in self.fields}
        self.shared = {name: self._shared(name) for name in CONTACTS if name in self.fields}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the compared fields."""
        return (*self.fields, EXCHANGED) if self.has_both_names else self.fields

    @property
    def personal(self) -> tuple[bool, ...]:
        """Per compared field whether it belongs to one person."""
        return tuple(name == EXCHANGED or link_fields()[name].personal for name in self.names)

    @property
    def distinctive(self) -> tuple[bool, ...]:
        """Per compared field whether namesakes agree in it as by chance; none without a name."""
        return tuple(not {*NAMES}.isdisjoint(self.fields) and name in (*DISTINCTIVE, EXCHANGED) for name in self.names)

    def compare(self, left: Codes, right: Codes) -> Comparison:
        """Return the agreement of pairs of records.

        Agreement on a contact that persons with different given names share counts only beside similar given names: a
        shared mailbox or telephone never links two records alone.
        """
        levels = {name: self._levels(name, self._codes[name][left], self._codes[name][right]) for name in self.fields}
        if len(levels) == 1:  # how often similar values are of one person is learned only beside other fields
            levels = {name: np.where(level == EXACT, level, np.minimum(level, 0)) for name, level in levels.items()}
        if "email" in levels:
            differ = self._numbers[left] != self._numbers[right]  # namesakes have like addresses with other numbers
            levels["email"] = np.where(differ & (levels["email"] > 0), np.int8(0), levels["email"])
        if self.has_both_names:
            exchanged = self._exchange_names(levels, left, right)
            alike = np.minimum(*(levels[name] for name in NAMES)) >= ALIKE
            levels[EXCHANGED] = np.where(alike, exchanged, np.int8(MISSING))
        self._pass_over_scripts(levels, left, right)
        alone = levels["given_name"] < ALIKE if "given_name" in levels else np.ones(len(left), dtype=bool)
        for name, shared in self.shared.items():
            level = levels[name]
            level[(level == EXACT) & shared[np.maximum(self._codes[name][left], 0)] & alone] = MISSING
        return Comparison(self.names, tuple(levels.values()), self._rarity(levels, left))

    def population(self, seed: int = 0) -> Population:
        """Return the agreement of all pairs of records with names in one script, by a sample where there are many.

        The share of equal values is exact, because chance agreement on a rare value is too rare for a sample. Equal
        values of identifying fields are left out: they are of one person, or shared and not compared.
        """
        sizes = np.bincount(self.scripts).astype(np.float64)
        pairs = float((sizes * (sizes - 1)).sum() / 2)
        left, right = self._pairs_of_one_script(pairs, seed)
        compared = self.compare(left, right)
        distributions = []
        for name, level in zip(compared.names, compared.levels, strict=True):
            counts = np.bincount(level[level >= 0], minlength=2 if name == EXCHANGED else LEVELS).astype(np.float64)
            if name in IDENTIFYING and self.fields != ("phone",):  # a telephone alone may be of a household
                counts[EXACT] = 0.0
            elif name in self._frequency:
                counts = _with_exact_share(counts, self._exact_share(name))
            distributions.append((counts + 0.5 / len(counts)) / (counts.sum() + 0.5))
        present = np.array([(level >= 0).mean() for level in compared.levels])
        return Population(pairs, present, tuple(distributions))

    def _pairs_of_one_script(self, pairs: float, seed: int) -> tuple[Codes, Codes]:
        groups = [np.flatnonzero(self.scripts == script) for script in np.unique(self.scripts)]
        groups = [group for group in groups if len(group) > 1]
        if pairs <= SAMPLE:
            chosen = [group[np.array(np.triu_indices(len(group), 1))] for group in groups]
            left, right = np.concatenate([np.empty((2, 0), dtype=np.int64), *chosen], axis=1)
            return left, right
        generator = np.random.default_rng(seed)
        chosen = [
            group[generator.integers(0, len(group), (2, int(SAMPLE * len(group) * (len(group) - 1) / 2 / pairs)))]
            for group in groups
        ]
        left, right = np.concatenate(chosen, axis=1)
        return left[left != right], right[left != right]

    def _exact_share(self, name: str) -> float:
        """Return the share of pairs of one script with equal values, of those with both values."""
        codes, known = self._codes[name], self._codes[name] >= 0
        within = np.unique(codes[known] * (len(SCRIPTS) + 1) + self.scripts[known], return_counts=True)[1]
        of_script = np.bincount(self.scripts[known]).astype(np.float64)
        pairs = float((of_script * (of_script - 1)).sum())
        return float((within * (within - 1.0)).sum()) / pairs if pairs else 0.0

    def _exchange_names(self, levels: dict[str, Levels], left: Codes, right: Codes) -> Levels:
        """Return where the names agree better in exchanged order, and set their levels to those of this order.

        Which of the two records has the order exchanged is unknown. So the better agreement counts as that of the
        surname, which members of a household share.
        """
        given, surname = (self._codes[name] for name in NAMES)
        crossed = [self._levels(NAMES[0], given[left], surname[right]),
                   self._levels(NAMES[0], surname[left], given[right])]  # fmt: skip
        exchanged = _sum(crossed) >= _sum([levels[name] for name in NAMES]) + CLEARLY
        for name, level in zip(NAMES, (np.minimum(*crossed), np.maximum(*crossed)), strict=True):
            levels[name] = np.where(exchanged, level, levels[name])
        return exchanged.astype(np.int8)

    def _pass_over_scripts(self, levels: dict[str, Levels], left: Codes, right: Codes) -> None:
        """Set names in different scripts to missing where an e-mail address or an id is equal.

        One may be a transliteration. A telephone may be of a household, whose members may write in several scripts.
        """
        scripts = self.scripts[left], self.scripts[right]
        certain = [levels[name] == EXACT for name in IDENTIFYING if name in levels and name != "phone"]
        passed = (scripts[0] != scripts[1]) & np.any(certain, axis=0) if certain else np.zeros(len(left), dtype=bool)
        for name in (*NAMES, EXCHANGED):
            if name in levels:
                levels[name] = np.where(passed, np.int8(MISSING), levels[name])

    def _shared(self, name: str) -> NDArray[np.bool_]:
        """Return which values of a contact several persons use; shape (values,).

        These are mailboxes of a role, and values beside given names of different persons.
        """
        shared = np.zeros(max(1, len(self._values[name])), dtype=bool)
        if name == "email":
            roles = role_mailboxes()
            shared[
                [code for code, value in enumerate(self._values[name].texts) if value.partition("@")[0] in roles]
            ] = True
        if "given_name" not in self.fields:
            return shared
        codes = self._codes[name]
        order = np.argsort(codes, kind="stable")
        order = order[codes[order] >= 0]
        left, right = order[:-1], order[1:]
        same = codes[left] == codes[right]
        left, right = left[same], right[same]
        first = order[np.searchsorted(codes[order], codes[right])]  # each record with the value's first one, too
        left, right = np.append(left, first), np.append(right, right)
        level = self._levels("given_name", self._codes["given_name"][left], self._codes["given_name"][right])
        if self.has_both_names:
            found = {each: self._levels(each, self._codes[each][left], self._codes[each][right]) for each in NAMES}
            self._exchange_names(found, left, right)
            level = found["given_name"]
        differ = (level >= 0) & (level < SIMILAR)
        if (
            name != "phone"
        ):  # a name may be a transliteration; beside a telephone names in two scripts are of two people
            differ &= self.scripts[left] == self.scripts[right]
        shared[codes[left[differ]]] = True
        return shared

    def _levels(self, name: str, left: Codes, right: Codes) -> Levels:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        level = np.full(len(left), MISSING, dtype=np.int8)
        known = (left >= 0) & (right >= 0)
        level[known] = np.where(left[known] == right[known], np.int8(EXACT), np.int8(0))
        vocabulary = self._values[name]
        similar = np.flatnonzero(level == 0)
        similar = similar[vocabulary.may_be_similar(left[similar], right[similar])]
        if len(similar):
            one, other = vocabulary.texts[left[similar]].tolist(), vocabulary.texts[right[similar]].tolist()
            similarity = process.cpdist(
                one, other, scorer=OSA.normalized_similarity, score_cutoff=CUTS[0], dtype=np.float32, workers=-1
            )
            level[similar] = np.digitize(similarity, CUTS)
        return level

    def _frequencies(self, name: str) -> Codes:
        """Return the number of records with each value; of a name in either order."""
        columns = NAMES if name in NAMES and self.has_both_names else (name,)
        codes = np.concatenate([self._codes[column] for column in columns])
        return np.bincount(codes[codes >= 0], minlength=max(1, len(self._values[name])))

    def _rarity(self, levels: dict[str, Levels], left: Codes) -> Rarity:
        """Return what the rarity of shared values adds; contacts are left out: one that repeats is of one person."""
        found = Rarity(np.zeros(len(left)), np.zeros(len(left)))
        for name in self.fields:
            frequency = self._frequency[name].astype(np.float64)
            others = frequency - 1  # of a record with the value, other records with it
            mean = float((frequency * others).sum() / max(1.0, frequency.sum()))
            if name in CONTACTS or not mean:
                continue
            exact = np.flatnonzero(levels[name] == EXACT)
            total = found.of_person if link_fields()[name].personal else found.of_household
            total[exact] += rarity_of(np.maximum(others[self._codes[name][left[exact]]], 1.0), mean)
        return found


def _sum(levels: list[Levels]) -> Levels:
    return np.maximum(levels[0], 0) + np.maximum(levels[1], 0)


def _with_exact_share(counts: Floats, share: float) -> Floats:
    """Return counts of levels whose share of equal values is ``share``."""
    rest, total = counts[:EXACT].sum(), counts.sum()
    if not rest or share >= 1:
        return counts
    return np.append(counts[:EXACT] * (1 - share) * total / rest, share * total)


def _numbers_in_mailboxes(emails: pl.Series) -> Codes:
    """Return a code of the digits in the mailbox of each address; shape (records,)."""
    digits = emails.str.split("@").list.first().str.replace_all(r"\D", "")
    return digits.rank("dense").cast(pl.Int64).fill_null(0).to_numpy()


def scripts_of(records: pl.DataFrame) -> Codes:
    """Return a number for the script of each record's name, 0 without one; shape (records,)."""
    names = [pl.col(name) for name in NAMES if name in records.columns]
    if not names:
        return np.zeros(records.height, dtype=np.int64)
    text, script = pl.concat_str(names, ignore_nulls=True), pl.lit(0)
    for name, code in SCRIPTS.items():
        script = pl.when(text.str.contains(rf"\p{{{name}}}")).then(code).otherwise(script)
    return records.select(script.alias("script").cast(pl.Int64)).to_series().to_numpy()
