"""Agreement of pairs of records in each compared field, as levels from different to equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from ckm._link.blocking import distinct
from ckm._link.dates import years_of_birth
from ckm._link.fields import link_fields, role_mailboxes
from ckm._link.levels import EXACT, LEVELS, FieldLevels
from ckm._link.relatives import ALIKE, BORN, GivenNames, may_be_relatives
from ckm._link.typical_agreement import typical_agreement
from ckm.models.linkage import LEAST_PAIRS, MISSING, Population, Rarity, TypicalAgreement, rarity_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Codes: TypeAlias = NDArray[np.int64]
    Levels: TypeAlias = NDArray[np.int8]

NAMES = ("given_name", "surname")
EXCHANGED = "names_exchanged"
"""Field of the comparison: of two records with alike names, whether one has given name and surname exchanged."""
CLEARLY = 2
"""Levels by which the exchanged order must agree better."""
SAMPLE = 1_000_000
"""Random pairs for the agreement of all pairs; of fewer pairs all are compared."""
MOST_USERS = 10
"""Most different given names of the records with one contact of a household or a firm; a contact with more is junk
(``test@test.de``, ``000000``), and its equality is no evidence."""
CONTACTS = ("email", "phone")
"""Fields that several persons may share: a mailbox of a family or a firm, the telephone of a household."""
IDENTIFYING = (*CONTACTS, "national_id")
"""Fields whose values are given out once: two strangers have equal ones only if they share one."""
OWN = ("email", "national_id")
"""Identifying fields that a household seldom shares."""
NUMBERED = ("email", "street")
NEIGHBOURS = 1
"""Highest level of two addresses in one street with different numbers."""
MANY_PAIRS, OFTEN = 50, 0.05
"""Pairs of records with one national id, and share of these with different given names, from which different names do
not contradict an equal date of birth."""
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
    """Agreement of pairs of records in each compared field.

    Attributes
    ----------
    names
        Names of the compared fields.
    levels
        Per field the level of each pair, from 0 (different) to the highest (equal), or :data:`MISSING` if a record has
        no value; each of shape (pairs,).
    rarity
        Log likelihood ratio that the rarity of the shared values adds to each pair.
    may_be_relatives
        Whether a pair has a street, telephone or mailbox in common while a fact about the person differs, or has the
        mailboxes of two firms; shape (pairs,).
    """

    names: tuple[str, ...]
    levels: tuple[Levels, ...]
    rarity: Rarity
    may_be_relatives: NDArray[np.bool_]


class Comparer:
    """Compares pairs of records field by field.

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
        self._compared: dict[str, FieldLevels] = {}
        self._codes: dict[str, Codes] = {}
        for name in self.fields:
            columns = NAMES if name in NAMES and self.has_both_names else (name,)  # one vocabulary for both names
            values = pl.concat([records[each].rename("value") for each in columns]).drop_nulls().unique().sort()
            codes = pl.Series(range(len(values)), dtype=pl.Int64)
            self._compared[name] = FieldLevels(name, values)
            self._codes[name] = records[name].replace_strict(values, codes, default=MISSING).to_numpy()
        self._numbers = {name: _numbers_in(records[name]) for name in NUMBERED if name in self.fields}
        self._years = [years_of_birth(records[name]) for name in BORN if name in self.fields]
        if "email" in self.fields:
            roles = role_mailboxes()
            texts = self._compared["email"].values.texts
            self._is_role = np.array([*(text.partition("@")[0] in roles for text in texts), False], dtype=bool)
            self._hosts = records["email"].str.split("@").list.last().hash().to_numpy()
        self._frequency = {name: self._frequencies(name) for name in self.fields}
        self._given_names = self._names_of_records() if "given_name" in self.fields else None
        self._names_often_differ = self._given_names is not None and self._given_names_differ_often()
        self._sharing = dict.fromkeys(self.fields, 0.0)
        self._is_junk = {name: self._users(name) > MOST_USERS for name in CONTACTS if name in self.fields}
        self.shared = {name: self._shared(name) for name in CONTACTS if name in self.fields}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the compared fields."""
        return (*self.fields, EXCHANGED) if self.has_both_names else self.fields

    @property
    def personal(self) -> tuple[bool, ...]:
        """Per compared field whether its value belongs to one person, not to a household."""
        return tuple(name == EXCHANGED or link_fields()[name].personal for name in self.names)

    @property
    def typical(self) -> tuple[TypicalAgreement, ...]:
        """Per compared field the prior distribution of its levels for matches and for pairs of one household."""
        return tuple(typical_agreement(name) for name in self.names)

    def compare(self, left: Codes, right: Codes) -> Comparison:
        """Return the agreement of pairs of records in each compared field.

        If records with different given names have one e-mail address or telephone, equality of this contact counts
        only for pairs with similar given names: a shared mailbox or telephone alone never links two records. A contact
        with more than :data:`MOST_USERS` given names never counts.

        Parameters
        ----------
        left, right
            Row numbers of the two records of each pair; each of shape (pairs,).
        """
        levels = {name: self._levels(name, self._codes[name][left], self._codes[name][right]) for name in self.fields}
        if len(levels) == 1:  # one field: the model cannot learn how often similar values are of one person
            levels = {name: np.where(level == EXACT, level, np.minimum(level, 0)) for name, level in levels.items()}
        if "email" in levels:
            one, other = (self._is_role[self._codes["email"][each]] for each in (left, right))
            differ = (self._numbers["email"][left] != self._numbers["email"][right]) | one | other
            similar = (levels["email"] > 0) & (levels["email"] < EXACT)
            levels["email"] = np.where(differ & similar, np.int8(0), levels["email"])
        if "street" in levels:
            levels["street"] = np.where(
                self._numbers["street"][left] != self._numbers["street"][right],
                np.minimum(levels["street"], NEIGHBOURS),
                levels["street"],
            )
        if self.has_both_names:
            exchanged = self._exchange_names(levels, left, right)
            alike = np.minimum(*(levels[name] for name in NAMES)) >= ALIKE
            levels[EXCHANGED] = np.where(alike, exchanged, np.int8(MISSING))
        self._pass_over_scripts(levels, left, right)
        alone = levels["given_name"] < ALIKE if "given_name" in levels else np.ones(len(left), dtype=bool)
        for name, shared in self.shared.items():
            level = levels[name]
            code = np.maximum(self._codes[name][left], 0)
            level[(level == EXACT) & (shared[code] & alone | self._is_junk[name][code])] = MISSING
        generation = self._codes.get("generation")
        relatives = may_be_relatives(
            levels, left, right, names=self._given_names, years=self._years, generation=generation
        )
        if self._names_often_differ and "birth_date" in levels:
            relatives &= levels["birth_date"] != EXACT
        relatives |= self._of_two_firms(levels, left, right)
        return Comparison(self.names, tuple(levels.values()), self._rarity(levels, left), relatives)

    def population(self, seed: int = 0) -> Population:
        """Return the agreement of all pairs of records with names in one script; of many pairs a sample is compared.

        The share of pairs with equal values is computed from all records, because a sample has too few pairs with the
        same rare value. Pairs with equal values of an identifying field are not counted: they are of one person, or the
        contact is shared and not compared.

        Parameters
        ----------
        seed
            Seed of the sample of :data:`SAMPLE` random pairs.
        """
        sizes = np.bincount(self.scripts).astype(np.float64)
        pairs = float((sizes * (sizes - 1)).sum() / 2)
        left, right = self._pairs_of_one_script(pairs, seed)
        compared = self.compare(left, right)
        distributions = []
        for name, level in zip(compared.names, compared.levels, strict=True):
            counts = np.bincount(level[level >= 0], minlength=2 if name == EXCHANGED else LEVELS).astype(np.float64)
            if name in IDENTIFYING and self.fields != ("phone",):  # an equal telephone may be of a household
                counts[EXACT] = 0.0
            elif name in self._frequency:
                counts = _with_exact_share(counts, self._exact_share(name))
            distributions.append((counts + 0.5 / len(counts)) / (counts.sum() + 0.5))
        present = np.array([(level >= 0).mean() for level in compared.levels])
        sharing = np.array([self._sharing.get(name, 0.0) for name in compared.names])
        return Population(pairs, present, tuple(distributions), sharing)

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
        """Return the share of equal values among the pairs of one script in which both records have a value."""
        codes, known = self._codes[name], self._codes[name] >= 0
        within = np.unique(codes[known] * (len(SCRIPTS) + 1) + self.scripts[known], return_counts=True)[1]
        of_script = np.bincount(self.scripts[known]).astype(np.float64)
        pairs = float((of_script * (of_script - 1)).sum())
        return float((within * (within - 1.0)).sum()) / pairs if pairs else 0.0

    def _exchange_names(self, levels: dict[str, Levels], left: Codes, right: Codes) -> Levels:
        """Return 1 for pairs whose names agree better in exchanged order, else 0; shape (pairs,).

        The levels of the two names of such a pair are replaced in ``levels`` by those of the exchanged order. It is
        unknown which of the two records has its names exchanged. So the higher level counts as that of the surname,
        which members of a household share.
        """
        given, surname = (self._codes[name] for name in NAMES)
        crossed = [self._levels(NAMES[0], given[left], surname[right]),
                   self._levels(NAMES[0], surname[left], given[right])]  # fmt: skip
        exchanged = _sum(crossed) >= _sum([levels[name] for name in NAMES]) + CLEARLY
        for name, level in zip(NAMES, (np.minimum(*crossed), np.maximum(*crossed)), strict=True):
            levels[name] = np.where(exchanged, level, levels[name])
        return exchanged.astype(np.int8)

    def _pass_over_scripts(self, levels: dict[str, Levels], left: Codes, right: Codes) -> None:
        """Set the levels of names in different scripts to missing if an e-mail address or a national id is equal."""
        scripts = self.scripts[left], self.scripts[right]
        certain = [levels[name] == EXACT for name in OWN if name in levels]
        passed = (scripts[0] != scripts[1]) & np.any(certain, axis=0) if certain else np.zeros(len(left), dtype=bool)
        for name in (*NAMES, EXCHANGED):
            if name in levels:
                levels[name] = np.where(passed, np.int8(MISSING), levels[name])

    def _of_two_firms(self, levels: dict[str, Levels], left: Codes, right: Codes) -> NDArray[np.bool_]:
        """Return which pairs have mailboxes of a role at two hosts (``office@``), and no national id in common."""
        if "email" not in levels:
            return np.zeros(len(left), dtype=bool)
        codes = self._codes["email"]
        of_firms = self._is_role[codes[left]] & self._is_role[codes[right]] & (self._hosts[left] != self._hosts[right])
        return np.asarray(of_firms & (levels["national_id"] <= 0) if "national_id" in levels else of_firms)

    def _names_of_records(self) -> GivenNames:
        name = "given_name"
        return GivenNames(self._codes[name], self._compared[name].values.lengths, self._frequency[name])

    def _shared(self, name: str) -> NDArray[np.bool_]:
        """Return which values of a contact several persons use; shape (values,).

        A contact has several users if it is the mailbox of a role (``info@``), or if records with the contact have
        different given names.
        """
        shared = np.zeros(max(1, len(self._compared[name].values)), dtype=bool)
        if name == "email":
            shared[: len(self._is_role) - 1] = self._is_role[:-1]
        if self._given_names is None:
            return shared
        codes = self._codes[name]
        order = np.argsort(codes, kind="stable")
        order = order[codes[order] >= 0]
        left, right = self._neighbours(order, name)
        first = order[np.searchsorted(codes[order], codes[right])]  # and with the first record of the value
        left, right = np.append(left, first), np.append(right, right)
        level = self._levels("given_name", self._codes["given_name"][left], self._codes["given_name"][right])
        if self.has_both_names:
            found = {each: self._levels(each, self._codes[each][left], self._codes[each][right]) for each in NAMES}
            self._exchange_names(found, left, right)
            level = found["given_name"]
        error = self._given_names.one_letter(level, left, right) | self._given_names.one_rare(level, left, right)
        differ = (level >= 0) & ~error & (self.scripts[left] == self.scripts[right])
        shared[codes[left[differ]]] = True
        users = self._frequency[name]
        self._sharing[name] = self._share_of_pairs(name, users[(shared & ~self._is_junk[name])[: len(users)]])
        return shared

    def _users(self, name: str) -> Codes:
        """Return the number of different given names of the records with each value of a contact; shape (values,)."""
        found = np.zeros(max(1, len(self._compared[name].values)), dtype=np.int64)
        if self._given_names is not None:
            contact, given = self._codes[name], self._codes["given_name"]
            known = (contact >= 0) & (given >= 0)
            pairs = distinct([contact[known] * (given.max(initial=0) + 1) + given[known]])
            np.add.at(found, pairs // (given.max(initial=0) + 1), 1)
        return found

    def _neighbours(self, order: Codes, name: str) -> tuple[Codes, Codes]:
        """Return the pairs of adjacent records in ``order`` with equal values of the field ``name``.

        ``order`` has row numbers of records, sorted by the code of this field.
        """
        codes = self._codes[name]
        left, right = order[:-1], order[1:]
        same = (codes[left] == codes[right]) & (codes[left] >= 0)
        return left[same], right[same]

    def _given_names_differ_often(self) -> bool:
        """Return whether given names differ in more than :data:`OFTEN` of the pairs with an equal national id.

        Then different given names with an equal date of birth do not count as twins, because given names of one person
        often differ in these records. False if there are fewer than :data:`MANY_PAIRS` pairs.
        """
        if not {"national_id", "given_name"} <= set(self.fields):
            return False
        left, right = self._neighbours(np.argsort(self._codes["national_id"], kind="stable"), "national_id")
        level = self._levels("given_name", self._codes["given_name"][left], self._codes["given_name"][right])
        return bool((level >= 0).sum() >= MANY_PAIRS and (level[level >= 0] == 0).mean() > OFTEN)

    def _share_of_pairs(self, name: str, users: Codes) -> float:
        """Return the share of pairs with an equal contact among the pairs in which both records have a contact.

        Only the contacts of which ``users`` has the number of records count as equal; shape (contacts,).
        """
        known = float(self._frequency[name].sum())
        return float((users * (users - 1.0)).sum()) / max(1.0, known * (known - 1))

    def _levels(self, name: str, left: Codes, right: Codes) -> Levels:
        return self._compared[name].levels(left, right)

    def _frequencies(self, name: str) -> Codes:
        """Return the number of records with each value; a name counts as given name and as surname. Shape (values,)."""
        columns = NAMES if name in NAMES and self.has_both_names else (name,)
        codes = np.concatenate([self._codes[column] for column in columns])
        return np.bincount(codes[codes >= 0], minlength=max(1, len(self._compared[name].values)))

    def _rarity(self, levels: dict[str, Levels], left: Codes) -> Rarity:
        """Return the log likelihood ratio that the rarity of the equal values adds to each pair.

        An equal contact that one person uses adds nothing. For an equal contact that several
        persons use, the ratio is at most 0, and falls with the number of records that have the contact.
        """
        found = Rarity(np.zeros(len(left)), np.zeros(len(left)))
        for name in self.fields:
            frequency = self._frequency[name].astype(np.float64)
            exact = np.flatnonzero(levels[name] == EXACT)
            total = found.of_person if link_fields()[name].personal else found.of_household
            if name in CONTACTS:
                exact = exact[self.shared[name][self._codes[name][left[exact]]]]
                users, known = frequency[self._codes[name][left[exact]]], frequency.sum()
                by_chance = max(self._sharing[name], 2 * LEAST_PAIRS / (known * (known - 1)))
                total[exact] += np.minimum(0.0, rarity_of(users / known, by_chance))
                continue
            others = frequency - 1  # for a record with the value: number of other records with the value
            mean = float((frequency * others).sum() / max(1.0, frequency.sum()))
            if mean:
                total[exact] += rarity_of(np.maximum(others[self._codes[name][left[exact]]], 1.0), mean)
        return found


def _sum(levels: list[Levels]) -> Levels:
    return np.maximum(levels[0], 0) + np.maximum(levels[1], 0)


def _with_exact_share(counts: Floats, share: float) -> Floats:
    """Return the counts of the levels, rescaled so that equal values have the share ``share``; shape (levels,)."""
    rest, total = counts[:EXACT].sum(), counts.sum()
    if not rest or share >= 1:
        return counts
    return np.append(counts[:EXACT] * (1 - share) * total / rest, share * total)


def _numbers_in(addresses: pl.Series) -> NDArray[np.uint64]:
    """Return a hash of the digits in each address; shape (records,).

    Mailboxes of namesakes and addresses in one street often differ in the digits only.
    """
    return addresses.str.replace_all(r"\D", "").hash().to_numpy()


def scripts_of(records: pl.DataFrame) -> Codes:
    """Return the code in :data:`SCRIPTS` of the script of each record's name, 0 without a name; shape (records,)."""
    names = [pl.col(name) for name in NAMES if name in records.columns]
    if not names:
        return np.zeros(records.height, dtype=np.int64)
    text, script = pl.concat_str(names, ignore_nulls=True), pl.lit(0)
    for name, code in SCRIPTS.items():
        script = pl.when(text.str.contains(rf"\p{{{name}}}")).then(code).otherwise(script)
    return records.select(script.alias("script").cast(pl.Int64)).to_series().to_numpy()
