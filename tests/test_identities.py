"""``identities.csv``: each line is a link, deleting a line undoes the link, and persons keep their ids."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.errors import UsageError
from ckm.identities import Identities, Link, ordered, persons_digest, read_identities

IDS = st.sampled_from(["ann", "ben", "cus_1", "cus_2", "dee", "eve, the 1st", 'q"uote', "ไทย"])
LINKS = st.lists(
    st.builds(Link, IDS, IDS, st.sampled_from(["same", "different"]), IDS).filter(lambda link: link.left != link.right)
)


@given(LINKS)
def test_reading_a_written_file_returns_the_same_links(
    tmp_path_factory: pytest.TempPathFactory, links: list[Link]
) -> None:
    path = tmp_path_factory.mktemp("w") / "identities.csv"
    written = Identities().having(map(ordered, links))
    written.write(path)
    assert read_identities(path) == written
    assert path.exists() == bool(links)


@given(LINKS)
def test_persons_are_the_connected_components_of_same_lines_with_the_id_of_a_member(links: list[Link]) -> None:
    found = Identities().having(map(ordered, links))
    persons = found.persons
    for link in found.links:
        if link.verdict == "same":
            assert persons[link.left] == persons[link.right]
    assert all(persons[person] == person for person in persons.values())


def test_deleting_a_line_undoes_its_link() -> None:
    links = (Link("ann", "ben", person_id="ann"), Link("ben", "cus_1", person_id="ann"))
    assert Identities(links).persons == {"ann": "ann", "ben": "ann", "cus_1": "ann"}
    assert Identities(links[1:]).persons == {"ben": "ben", "cus_1": "ben"}  # ann is a separate person again
    assert persons_digest(Identities().persons) == ""


def test_a_person_keeps_its_id_when_a_customer_with_a_lower_id_joins() -> None:
    assert (
        Identities((Link("aaa", "ben", person_id="ben"), Link("ben", "eve", person_id="ben"))).persons["aaa"] == "ben"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("left,right,verdict\na,b,maybe\n", "line 2: unknown verdict"),
        ("left,right,verdict\na,b,same\na,a,same\n", "line 3: two different customer ids"),
        ("left,right,verdict\na,b,same\n<<<<<<< HEAD\nc,d,same\n=======\n", "line 3: conflict of a merge"),
        ("left,right\na,b\n", "no column 'verdict'"),
        ("left,right,verdict\n\xff", "cannot be read"),
    ],
)
def test_an_invalid_file_is_refused_with_its_line_and_no_value(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "identities.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=message) as raised:
        read_identities(path)
    assert "maybe" not in str(raised.value)


def test_a_file_with_the_three_required_columns_is_read(tmp_path: Path) -> None:
    path = tmp_path / "identities.csv"
    path.write_text("left,right,verdict\nben,ann,same\n", encoding="utf-8")
    assert read_identities(path).persons == {"ann": "ann", "ben": "ann"}
