"""Cars under several badges: declared by the catalogue and by a person, told from either side."""

from pathlib import Path

from autodetect.catalog.answers import read_answers
from autodetect.catalog.lookalikes import declared, lookalikes_of
from autodetect.catalog.names import catalogue


def test_every_declared_name_is_in_the_catalogue() -> None:
    known = {name.make_model_id for name in catalogue()}
    assert [ids - known for ids in declared() if ids - known or len(ids) < 2] == []


def test_twins_know_of_each_other_and_others_of_none() -> None:
    assert lookalikes_of("toyota/86") == ("scion/fr-s", "subaru/brz")
    assert lookalikes_of("gmc/yukon") == ("chevrolet/tahoe",)
    assert lookalikes_of("ford/mustang") == lookalikes_of("no/such") == ()
    for group in declared():
        for make_model_id in group:
            assert set(lookalikes_of(make_model_id)) >= group - {make_model_id}


def test_a_persons_groups_are_added(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('lookalikes = [["Toyota / 86", "Mazda / Miata"], ["Ford / Ka", "Fiat / 500"]]')
    answers = read_answers(file)
    assert lookalikes_of("toyota/86", answers) == ("mazda/mx-5-miata", "scion/fr-s", "subaru/brz")
    assert lookalikes_of("ford/ka", answers) == ("fiat/500",)
