"""The page where it is read: no complaint in the console, no request, nothing wider than a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import page_fixture as pages
import pytest

from titleshot.reports.page import render_page, render_scorecard

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium here to look at the page with"),
]

# Runs in a copy of the page without its policy: how wide it is, and what a click on a heading does.
MEASURE = """
for (const box of document.querySelectorAll("details")) box.open = true;
const wide = [...document.querySelectorAll("body *")].filter((element) =>
  element.getBoundingClientRect().right > innerWidth + 1 && !element.closest("svg, .scroll, .unseen, .skip"));
const scrolls = [...document.querySelectorAll(".scroll")]
  .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.getAttribute("aria-label"));
const table = document.querySelector("table.sortable");
const sorted = {};
if (table) {
  const delays = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[4].dataset.key));
  table.querySelectorAll("thead button")[4].click();
  sorted.up = delays();
  table.querySelectorAll("thead button")[4].click();
  sorted.down = delays();
}
parent.postMessage(JSON.stringify({width: innerWidth, content: document.documentElement.scrollWidth,
  wide: wide.map((element) => element.outerHTML.slice(0, 120)), scrolls, sorted}), "*");
"""
# A window cannot be as narrow as a phone, a frame can.
FRAME = """<!DOCTYPE html><pre id="measured"></pre><iframe src="measured.html" width="{width}" height="1600"
style="border: 0"></iframe><script>addEventListener("message", (event) => {{
document.getElementById("measured").textContent = event.data; }});</script>"""


def browse(page: Path, profile: Path) -> tuple[str, list[str]]:
    """The document after its scripts ran, and what the console said."""
    assert BROWSER is not None
    done = subprocess.run(
        [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--no-first-run",
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            "--virtual-time-budget=3000",
            "--window-size=1400,1600",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def measured(page: str, folder: Path, *, width: int) -> dict[str, Any]:
    copy = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    (folder / "measured.html").write_text(
        copy.replace("</body>", f"<script>{MEASURE}</script></body>"), encoding="utf-8"
    )
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    document, _ = browse(frame, folder / "profile")
    (told,) = re.findall(r'<pre id="measured">(.*?)</pre>', document, re.S)
    return dict(json.loads(unescape(told)))


def a_page(name: str) -> str:
    if name == "scorecard":
        return render_scorecard(pages.comparison().challenger, pages.validation())
    if name == "quarter":
        made = pages.comparison()
        return render_page(made, pages.verdict(made), pages.decision(), pages.validation())
    made = getattr(pages, name)()
    return render_page(made, pages.verdict(made, "not_enough_evidence"))


@pytest.mark.parametrize("name", ["quarter", "hostile", "empty", "scorecard"])
def test_the_browser_has_nothing_to_complain_of(name: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(a_page(name), encoding="utf-8")
    document, console = browse(file, tmp_path / "profile")
    assert console == []
    assert "What the numbers speak of" in document


def test_a_request_or_a_foreign_script_would_be_noticed(tmp_path: Path) -> None:
    planted = '<img src="http://127.0.0.1:9/x.png"><script>document.title = "mine"</script></main>'
    file = tmp_path / "page.html"
    file.write_text(a_page("empty").replace("</main>", planted), encoding="utf-8")
    document, console = browse(file, tmp_path / "profile")
    assert sum("Content Security Policy" in line for line in console) == 2
    assert "<title>mine</title>" not in document


@pytest.mark.parametrize("name", ["quarter", "hostile", "sparse"])
def test_nothing_is_wider_than_a_phone(name: str, tmp_path: Path) -> None:
    found = measured(a_page(name), tmp_path, width=390)
    assert found["width"] == 390
    assert found["content"] <= 390
    assert found["wide"] == []
    assert found["scrolls"] == []


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_it_round(tmp_path: Path) -> None:
    found = measured(a_page("quarter"), tmp_path, width=1280)
    up, down = found["sorted"]["up"], found["sorted"]["down"]
    assert len(up) > 10
    assert up == sorted(up)
    assert down == sorted(up, reverse=True)
    assert found["scrolls"] == []
    assert found["wide"] == []
