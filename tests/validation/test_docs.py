"""The Data Docs: written every night, one site for all its stages, offline, and deaf to what strangers wrote."""

import html
import json
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from autodetect.settings import Settings
from autodetect.validation.check import check
from autodetect.validation.rule import Judged, Rule, Suite, between
from autodetect.validation.suites.listings import listing_suite
from autodetect.validation.suites.photos import photo_suite
from tests.validation.judging import NIGHT, judged

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ATTACK = "</td><script>document.title = 'attacked'</script><img src=x onerror='document.title = 1'>"


def cars(name: str, *colours: str, effect: str = "noted") -> Judged:
    rule = Rule(
        f"{name}.colour_odd",
        effect,
        "ExpectColumnValuesToMatchRegex",
        {"column": "colour", "regex": "^[a-z]+$"},  # type: ignore[arg-type]
    )
    frame = pd.DataFrame({"key": [str(n) for n in range(len(colours))], "colour": list(colours)}, dtype="object")
    return Suite(name, ("key",), (rule,)), frame


def files(docs: Path) -> set[str]:
    return {path.relative_to(docs).as_posix() for path in docs.rglob("*.html")}


def test_a_night_without_anything_new_has_data_docs_too(tmp_path: Path) -> None:
    suites = [(listing_suite(date(2026, 11, 1)), pd.DataFrame()), (photo_suite(Settings()), cars("x")[1])]
    outcome = judged(suites[0], docs=tmp_path)
    assert (outcome.findings, outcome.rules, outcome.held, outcome.warned) == ((), 0, [], [])
    assert outcome.docs == tmp_path / "index.html"
    assert "0 suites, 0 rules judged" in outcome.docs.read_text("utf-8")


def test_stages_add_to_one_site_and_a_stage_that_runs_again_replaces_its_own_pages(tmp_path: Path) -> None:
    judged(cars("curated", "red", "RED"), docs=tmp_path)
    judged(cars("priced", "blue"), docs=tmp_path)
    first = files(tmp_path)
    assert {name.split("/")[1] for name in first if name.startswith("validations/")} == {"curated", "priced"}
    outcome = judged(cars("curated", "red"), docs=tmp_path)
    assert files(tmp_path) == first
    index = outcome.docs.read_text("utf-8")
    assert "2 suites, 2 rules judged, 0 failed" in index
    links = re.findall(r'href="([^"]+)"', index)
    assert len(links) == 2
    assert all((tmp_path / link).is_file() for link in links)


def test_what_a_killed_stage_left_half_written_is_written_again(tmp_path: Path) -> None:
    first = judged(cars("curated", "red", "RED"), docs=tmp_path)
    for kept in (tmp_path / "results").rglob("*.json"):
        kept.write_text(kept.read_text("utf-8")[:40], "utf-8")
    assert judged(cars("curated", "red", "RED"), docs=tmp_path).findings == first.findings


def test_a_suite_that_cannot_be_judged_any_more_loses_its_page(tmp_path: Path) -> None:
    judged(cars("kept", "red"), cars("gone", "RED"), docs=tmp_path)
    nothing = Suite("gone", ("key",), ())
    judged((nothing, pd.DataFrame({"key": []})), docs=tmp_path)
    assert not [name for name in files(tmp_path) if "gone" in name]
    assert [name for name in files(tmp_path) if "kept" in name]
    assert "gone" not in (tmp_path / "index.html").read_text("utf-8")


def test_the_index_names_the_rules_that_failed_worst_first(tmp_path: Path) -> None:
    outcome = judged(
        cars("a_sound", "red"), cars("b_noted", "RED"), cars("c_held", "RED", "red", effect="held"), docs=tmp_path
    )
    index = outcome.docs.read_text("utf-8")
    assert [index.index(name) for name in ("c_held", "b_noted", "a_sound")] == sorted(
        index.index(name) for name in ("c_held", "b_noted", "a_sound")
    )
    assert "c_held.colour_odd (held): 1 of 2 rows" in index


def test_what_is_told_says_what_was_seen_and_where(tmp_path: Path) -> None:
    wide = Suite("wide", (), (between("wide.psi", "warned", "psi", None, 0.1),))
    outcome = judged(cars("c", "RED", effect="warned"), (wide, pd.DataFrame({"psi": [0.2513]})), docs=tmp_path)
    assert outcome.warned == [
        "c: c.colour_odd: 1 row, first 0 (RED)",
        "wide: wide.psi: 0.251, expected at most 0.1",
    ]
    assert outcome.held == []
    assert outcome.of_rows == ()
    assert outcome.seconds > 0


def test_a_warning_shows_strangers_text_short_and_without_what_a_terminal_would_obey(tmp_path: Path) -> None:
    (told,) = judged(cars("c", "\x1b[2J" + "X" * 500 + "\n", effect="warned"), docs=tmp_path).warned
    assert told.isprintable()
    assert len(told) < 150


def test_results_are_kept_as_they_are_and_shown_escaped(tmp_path: Path) -> None:
    judged(cars("c", ATTACK), docs=tmp_path)
    (kept,) = tmp_path.glob("results/validations/c/*/*/*.json")
    (result,) = json.loads(kept.read_text("utf-8"))["results"]
    assert result["result"]["unexpected_list"] == [ATTACK]
    for page in tmp_path.rglob("*.html"):
        assert "<img src=x" not in page.read_text("utf-8")
    (shown,) = tmp_path.glob("validations/c/*/*/*.html")
    assert "&lt;img src=x" in shown.read_text("utf-8")


def test_every_page_forbids_requests_and_scripts_before_anything_else(tmp_path: Path) -> None:
    judged(cars("c", "red", "RED"), docs=tmp_path)
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) == 3
    for page in pages:
        head = page.read_text("utf-8").partition("<head>")[2].lstrip()
        assert head.startswith("<meta charset")
        assert "default-src 'none'" in head[:200]
    assert not (tmp_path / "static").exists()


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
def test_a_page_in_a_browser_runs_nothing_and_shows_its_tables(tmp_path: Path) -> None:
    judged(cars("c", "red", ATTACK), docs=tmp_path)
    (page,) = tmp_path.glob("validations/c/*/*/*.html")
    # Another page looks at it from outside: its own policy forbids scripts.
    (tmp_path / "onlooker.html").write_text(f"""<!doctype html><iframe id="page" src="{page.relative_to(tmp_path)}"
      style="width: 1000px; height: 900px"></iframe><script>
      document.getElementById("page").onload = event => {{
        const page = event.target.contentDocument, shown = element => element.getClientRects().length > 0;
        document.body.dataset.seen = JSON.stringify({{
          title: page.title,
          tables: [...page.querySelectorAll("table")].filter(shown).length,
          marks: [...page.querySelectorAll(".fa-times")].map(i => getComputedStyle(i, "::before").content),
          requests: event.target.contentWindow.performance.getEntriesByType("resource").length,
        }});
      }};</script>""")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--no-first-run"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [
        CHROMIUM,
        *flags,
        profile,
        "--virtual-time-budget=8000",
        "--dump-dom",
        f"file://{tmp_path}/onlooker.html",
    ]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'data-seen="([^"]*)"', done.stdout)
    assert found, done.stderr
    seen = json.loads(html.unescape(found[1]))
    assert "attacked" not in seen["title"]
    assert seen["tables"] >= 2
    assert seen["marks"]
    assert all("\u2717" in mark for mark in seen["marks"])
    assert seen["requests"] == 0


def test_great_expectations_talks_of_errors_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check([cars("c", "RED")], docs=tmp_path, run_name=NIGHT)
    assert [record for record in caplog.records if record.name.startswith("great_expectations")] == []
