"""The page in a real Chromium: nothing is broken, nothing runs, nothing is fetched."""

import html
import json
import re
import shutil
import subprocess

import pytest

from autodetect.report.page import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files"),
    "--virtual-time-budget=20000",
)
# The page's own policy forbids scripts, so another page looks at it from outside.
ONLOOKER = """<!doctype html><iframe id="page" src="out/report.html" style="width: 1100px; height: 900px"></iframe>
<script>
document.getElementById("page").onload = event => {
  const page = event.target.contentDocument;
  document.body.dataset.seen = JSON.stringify({
    title: page.title,
    images: [...page.images].map(image => [image.currentSrc, image.complete ? image.naturalWidth : 0]),
    surface: getComputedStyle(page.querySelector(".card, .verdict")).backgroundColor,
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    attacked: event.target.contentWindow.attacked ?? false,
  });
};
</script>"""
ATTACK = "<script>window.attacked = true</script><img src=x onerror='window.attacked = true'>"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")


def seen(tmp_path, *flags):
    (tmp_path / "onlooker.html").write_text(ONLOOKER)
    profile = tmp_path / "profile"
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags, "--dump-dom", f"file://{tmp_path}/onlooker.html"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'data-seen="([^"]*)"', done.stdout)
    assert found, f"the page did not load:\n{done.stdout}\n{done.stderr}"
    return json.loads(html.unescape(found[1]))


@pytest.mark.parametrize(("scheme", "surface"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(23, 28, 36)")])
def test_every_picture_of_the_page_loads_in_light_and_dark(full_report, tmp_path, scheme, surface):
    render(full_report(verdict="skipped"), tmp_path / "out")
    page = seen(tmp_path, f"--blink-settings=preferredColorScheme={'0' if scheme == 'dark' else '1'}")
    plots, samples, refused, copies, conflicting, mistaken = 11, 5, 1, 5, 2, 2
    assert len(page["images"]) == plots + samples + refused + copies + conflicting + mistaken
    assert [source for source, width in page["images"] if not width] == []
    assert sum(f"-{scheme}.png" in source for source, _ in page["images"]) == plots
    assert page["surface"] == surface


def test_strangers_text_runs_nothing(full_report, tmp_path):
    render(full_report(ATTACK), tmp_path / "out")
    page = seen(tmp_path)
    assert page["attacked"] is False
    assert page["title"].startswith("AutoDetect, night of 2026-03-14")


def test_even_a_script_that_got_into_the_page_would_not_run(full_report, tmp_path):
    path = render(full_report(), tmp_path / "out")
    path.write_text(path.read_text("utf-8").replace("</body>", f"{ATTACK}</body>"), "utf-8")
    assert seen(tmp_path)["attacked"] is False


def test_a_long_word_does_not_widen_the_page(full_report, tmp_path):
    render(full_report("W" * 500), tmp_path / "out")
    assert seen(tmp_path)["overflow"] <= 0
