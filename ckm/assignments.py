"""Assignment of persons to a treated arm and a holdout: ``assignment.json`` and ``members.csv`` of an audience.

``assignment.json`` contains salt, rule, strata, counts, metric, window and digests, and no customer ids, so that it
can be committed to git. It is flushed to the disk before any list of contacts is written. ``members.csv`` has one row
per person.

A person is in the holdout if the hash of salt and id is at most the cut of the person's stratum. The two files are
sufficient to verify each row by this rule, on any machine, even after other persons were erased.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ckm.errors import UnknownNameError, UsageError, VerificationError
from ckm.files import flush_folder, replacing
from ckm.names import RATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import polars as pl

SCHEMA = "ckm.assignment/1"
FOLDER, ASSIGNMENT, MEMBERS, OUTCOME = "audiences", "assignment.json", "members.csv", "outcome.json"
TREATED, HOLDOUT = "treated", "holdout"
ARMS = (TREATED, HOLDOUT)
RULE = "holdout if the first 16 hex digits of sha256(salt + NUL + customer_id) are at most the cut of the stratum"
FROM_FILE = "arms are those of a file"
IGNORED = f"# Ids of customers; {ASSIGNMENT} and {OUTCOME} have none.\n{MEMBERS}\n"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TEXTS = ("customer_id", "arm", "stratum", "why", "entry", "segment")


@dataclass(frozen=True)
class Stratum:
    """A stratum of an audience: the holdout is drawn separately in each stratum.

    Attributes
    ----------
    name
        Name, such as ``value 3, risk 1``.
    customers, holdout
        Number of persons in both arms, and in the holdout.
    cut
        Largest hash of a person in the holdout (16 hexadecimal digits); empty if the stratum has no holdout, or if the
        arms come from a file.
    """

    name: str
    customers: int
    holdout: int
    cut: str = ""


@dataclass(frozen=True)
class Assignment:
    """Design of the experiment of an audience, fixed before any list of contacts is written.

    Attributes
    ----------
    name
        Name of the audience.
    origin
        Origin of the persons, as given to ``--from``; of a file only its name.
    assigned_on
        Day of the assignment: the window begins on the next day. No row of a later day is used to choose the members.
    metric, window_days
        The primary metric, one of :data:`ckm.names.METRICS`, and the length of the window in days.
    share
        Share of the holdout, in (0, 1).
    salt, rule
        Salt of the hashes (empty if the arms come from a file), and the rule that assigns a person to an arm, as a
        sentence.
    strata
        Strata with their numbers of persons.
    entry, offer
        Id of the knowledge entry that the treated persons get, and name of the offer; empty without one.
    entries
        Whether the column ``entry`` of ``members.csv`` has the entries, which can differ between persons.
    covariates
        Columns of ``members.csv`` by which the effect will be adjusted; empty for no adjustment.
    baseline
        Expected mean and standard deviation of the metric per person without treatment.
    detectable
        Smallest effect per person that is detected with a power of 80 %; None if there is none.
    suppressed
        Number of candidates that were left out, by reason.
    members
        SHA-256 of ``members.csv`` as hexadecimal digits; empty before the file is written.
    """

    name: str
    origin: str
    assigned_on: date
    metric: str
    window_days: int
    share: float
    salt: str
    rule: str
    strata: tuple[Stratum, ...]
    entry: str = ""
    offer: str = ""
    entries: bool = False
    covariates: tuple[str, ...] = ()
    baseline: tuple[float, float] = (0.0, 0.0)
    detectable: float | None = None
    suppressed: Mapping[str, int] = field(default_factory=dict)
    members: str = ""

    @property
    def customers(self) -> int:
        """Number of persons in both arms."""
        return sum(each.customers for each in self.strata)

    @property
    def holdout(self) -> int:
        """Number of persons in the holdout."""
        return sum(each.holdout for each in self.strata)

    @property
    def treated(self) -> int:
        """Number of persons in the treated arm."""
        return self.customers - self.holdout

    @property
    def last_day(self) -> date:
        """Last day of the window: ``window_days`` days after ``assigned_on``."""
        return self.assigned_on + timedelta(days=self.window_days)

    @property
    def is_rate(self) -> bool:
        """Whether the metric is a rate (a share of persons) and not an amount of money."""
        return self.metric in RATES

    @property
    def by_file(self) -> bool:
        """Whether the arms come from a file, so that they cannot be verified by hashes."""
        return self.rule == FROM_FILE

    def document(self) -> dict[str, Any]:
        """Return the content of ``assignment.json``; ``digest`` is the SHA-256 of all other keys and values."""
        plain = {"schema": SCHEMA, **asdict(self), "assigned_on": self.assigned_on.isoformat()}
        return {**plain, "digest": document_digest(plain)}


def person_hash(salt: str, person: str) -> str:
    """Return the hash by which a person is assigned to an arm: the first 16 hexadecimal digits of a SHA-256.

    Parameters
    ----------
    salt
        Salt of the audience.
    person
        Customer id.

     person_hash("may", "cus_42")
    'a9f221daea28457f'
    """
    return hashlib.sha256(f"{salt}\0{person}".encode()).hexdigest()[:16]


def document_digest(plain: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON object without its key ``digest``; the order of the keys has no influence."""
    rest = {name: value for name, value in plain.items() if name != "digest"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def draw_holdout(persons: Mapping[str, Iterable[str]], salt: str, share: float) -> tuple[list[Stratum], set[str]]:
    """Draw the holdout of each stratum: the persons with the smallest hashes.

    The sizes of the holdouts are rounded so that their sum is ``share`` times the number of all persons, rounded.

    Parameters
    ----------
    persons
        Customer ids by name of the stratum, in any order.
    salt
        Salt of the hashes.
    share
        Share of the holdout, in (0, 1).

    Returns
    -------
    tuple
        The strata with their cuts, sorted by name; and the customer ids in the holdout.
    """
    strata, held = [], set[str]()
    seen = taken = 0
    for name in sorted(persons):
        ranked = sorted((person_hash(salt, each), each) for each in persons[name])
        seen += len(ranked)
        count = round(seen * share) - taken
        taken += count
        chosen = ranked[:count]
        held.update(each for _, each in chosen)
        strata.append(Stratum(name, len(ranked), count, chosen[-1][0] if chosen else ""))
    return strata, held


def commit(folder: Path, assignment: Assignment, members: pl.DataFrame) -> Assignment:
    """Write ``assignment.json``, flush it to the disk, then write ``members.csv``; return the written assignment.

    If an equal audience exists, its files are not written again. If only its ``members.csv`` is missing, because an
    earlier call was killed, the file is written.

    Parameters
    ----------
    folder
        Folder of the audience.
    assignment
        The assignment; its digest of the members is replaced by that of ``members``.
    members
        One row per person with the columns of :data:`ckm._audience.design.MEMBER_COLUMNS`, sorted by customer_id.

    Raises
    ------
    UsageError
        An audience of this name exists with other persons or options.
    VerificationError
        The existing audience was changed after its assignment.
    """
    text = members.write_csv(None)
    sealed = replace(assignment, members=hashlib.sha256(text.encode()).hexdigest())
    if (folder / ASSIGNMENT).exists():
        known = read_assignment(folder)
        if known.document() != sealed.document():
            raise UsageError(
                f"audience '{assignment.name}' exists with other persons or options, and audiences are frozen",
                hint="choose another name",
            )
        if (folder / MEMBERS).exists():
            read_members(folder, known)
            return known
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder.parent / ".gitignore").exists():
        (folder.parent / ".gitignore").write_text(IGNORED, encoding="utf-8", newline="\n")
    with replacing(folder / ASSIGNMENT) as draft:
        written = json.dumps(sealed.document(), ensure_ascii=False, indent=1)
        draft.write_text(f"{written}\n", encoding="utf-8", newline="\n")
    flush_folder(folder)
    with replacing(folder / MEMBERS, owner_only=True) as draft:
        draft.write_text(text, encoding="utf-8", newline="")
    return sealed


def audience_names(root: Path) -> list[str]:
    """Return the names of all audiences of a workspace, sorted; empty without any."""
    return sorted(path.parent.name for path in (root / FOLDER).glob(f"*/{ASSIGNMENT}"))


def audience_folder(root: Path, name: str) -> Path:
    """Return the folder of an audience.

    Raises
    ------
    UnknownNameError
        No audience of the workspace has this name.
    """
    names = audience_names(root)
    if name not in names:
        raise UnknownNameError("audience", name, names)
    return root / FOLDER / name


def check_name(name: str) -> None:
    """Raise UsageError if the name of an audience cannot be the name of a folder on every operating system."""
    if not NAME.fullmatch(name):
        raise UsageError(
            "invalid name of an audience", hint="use lower-case letters, digits, dots, dashes: such as win-back-may"
        )


def read_assignment(folder: Path) -> Assignment:
    """Read ``assignment.json`` in the folder of an audience, and verify its digest.

    Raises
    ------
    VerificationError
        The file was changed after the assignment, or cannot be read as an assignment.
    """
    path = folder / ASSIGNMENT
    try:
        plain = json.loads(path.read_bytes())
        given = {each.name: plain[each.name] for each in fields(Assignment)}
        unchanged = plain["schema"] == SCHEMA and plain["digest"] == document_digest(plain)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VerificationError(f"{path}: cannot be read as an assignment", hint="restore it from git") from error
    if not unchanged:
        raise VerificationError(
            f"{path} was changed after the assignment", hint="restore it from git; an audience is frozen"
        )
    return Assignment(
        **given
        | {
            "assigned_on": date.fromisoformat(given["assigned_on"]),
            "strata": tuple(Stratum(**each) for each in given["strata"]),
            "covariates": tuple(given["covariates"]),
            "baseline": tuple(given["baseline"]),
        }
    )


def read_members(folder: Path, assignment: Assignment) -> tuple[pl.DataFrame, int]:
    """Read ``members.csv`` in the folder of an audience, and verify it against the assignment.

    If rows were removed by ``ckm privacy erase``, the remaining ones are verified by the rule of the assignment and by
    the receipts of the erasures.

    Returns
    -------
    tuple
        One row per person with the columns of :data:`ckm._audience.design.MEMBER_COLUMNS`; and the number of erased
        persons.

    Raises
    ------
    VerificationError
        The file is missing or cannot be read, or a row was changed, added or removed after the assignment.
    """
    import polars as pl

    path = folder / MEMBERS
    try:
        content = path.read_bytes()
        members = pl.read_csv(io.BytesIO(content), infer_schema=False)
        numbers = [name for name in members.columns if name not in _TEXTS]
        members = members.with_columns(pl.col(numbers).cast(pl.Float64), pl.col("why", "entry").fill_null(""))
        if missing := [name for name in _TEXTS if name not in members.columns]:
            raise VerificationError(f"{path}: no column '{missing[0]}'", hint="restore the file")
    except FileNotFoundError as error:
        raise VerificationError(
            f"{path} is missing: it is not in git, or the call that writes it was killed",
            hint=f"repeat the call of ckm audience new {assignment.name}, or copy the file",
        ) from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise VerificationError(f"{path}: cannot be read as members", hint="restore the file") from error
    if hashlib.sha256(content).hexdigest() == assignment.members:
        return members, 0
    erased = assignment.customers - members.height
    wrong = _rows_against_rule(members, assignment)
    removed, digests = _erasures(folder)
    if wrong or not erased or erased != removed or hashlib.sha256(content).hexdigest() not in digests:
        where = f", row {wrong[0]}" if wrong else ""
        raise VerificationError(
            f"{path} was changed after the assignment{where}", hint="restore the file; an audience is frozen"
        )
    return members, erased


def _rows_against_rule(members: pl.DataFrame, assignment: Assignment) -> list[int]:
    """Return the 1-based numbers of the rows whose arm or stratum contradicts the assignment."""
    cuts = {each.name: each.cut for each in assignment.strata}
    wrong = []
    for number, (person, arm, stratum) in enumerate(members.select("customer_id", "arm", "stratum").rows(), 1):
        if assignment.by_file:
            fits = arm in ARMS and stratum in cuts
        else:
            held = person_hash(assignment.salt, person) <= cuts.get(stratum, "")
            fits = stratum in cuts and arm == (HOLDOUT if held else TREATED)
        if not fits:
            wrong.append(number)
    return wrong


def _erasures(folder: Path) -> tuple[int, set[str]]:
    """Return the erasures from ``members.csv``, according to the receipts of ``ckm privacy erase``.

    Returns
    -------
    tuple
        Number of removed rows; and SHA-256 of the file after each erasure.
    """
    place = f"{FOLDER}/{folder.name}/{MEMBERS}"
    paths = (folder.parent.parent / "privacy" / "receipts").glob("*.json")
    receipts = [json.loads(path.read_bytes()) for path in paths]
    removed = sum(each.get("removed", {}).get(place, 0) for each in receipts)
    return removed, {each["members"][place] for each in receipts if place in each.get("members", {})}
