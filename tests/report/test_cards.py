"""The key figures are those of the model that clients carry, beside last night's."""

import pytest
from pydantic import ValidationError

from autodetect.report.cards import cards, tonight
from autodetect.report.facts import ModelScores, NightReport


def card(report, label):
    [found] = [each for each in cards(report) if each.label == label]
    return found.value, found.beside


@pytest.mark.parametrize(
    ("verdict", "top1"), [("published", 0.9), ("prices_only", 0.85), ("held", 0.85), ("skipped", 0.85)]
)
def test_accuracy_is_that_of_the_model_clients_carry(full_report, verdict, top1):
    report = full_report(verdict=verdict)
    assert card(report, "Top-1 accuracy") == (f"{100 * top1:.1f} %", "last night 80.0 %")
    assert tonight(report).top1 == top1


def test_accuracy_is_that_of_the_model_that_is_carried_where_that_is_neither_of_the_two(full_report):
    carried = ModelScores(name="trained on 2026-03-11", top1_vehicle=0.7, top3_vehicle=0.8, vehicles=500)
    for verdict in ("published", "prices_only"):
        report = full_report(verdict=verdict, carried=carried)
        assert card(report, "Top-1 accuracy") == ("70.0 %", "last night 80.0 %")
        assert tonight(report).top3 == 0.8


def test_before_a_first_release_the_challenger_is_all_there_is(full_report):
    assert tonight(full_report(verdict="held", champion=None)).top1 == 0.9


def test_figures_stand_beside_last_nights(full_report):
    report = full_report()
    assert card(report, "Listings seen") == ("4,333", "last night 4,000")
    assert card(report, "New tonight") == ("187", "42 changed, 12 missing, 96 ended")
    assert card(report, "Coverage") == ("99.8 %", "of 60,000 announced")
    assert card(report, "Release") == ("no. 42", "last night no. 41")
    assert card(report, "Cars with a price") == ("3", "of 4 with a listing")
    assert card(report, "Models recognised") == ("4", "1 new tonight")


def test_a_backlog_is_told_as_long_as_there_is_one(full_report):
    assert card(full_report(), "Still to be read in full") == ("31,200", "of 60,000 listings")
    done = full_report(crawl=full_report().crawl.model_copy(update={"backlog": 0}))
    assert "Still to be read in full" not in [each.label for each in cards(done)]


def test_a_first_night_has_nothing_beside(full_report):
    assert card(full_report(history=()), "Listings seen") == ("4,333", "")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://example.org", "/etc/passwd", "//host/x", "a\\b"])
def test_a_link_that_leaves_the_folder_is_refused(link):
    with pytest.raises(ValidationError):
        NightReport(night="2026-03-14", verdict="held", data_docs=link)


@pytest.mark.parametrize("link", ["", "docs/index.html", "../data_docs/index.html"])
def test_a_relative_link_is_taken(link):
    assert NightReport(night="2026-03-14", verdict="held", data_docs=link).data_docs == link
