"""The page as people read it: by keyboard, in light and dark, on a phone, on paper, in five minutes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import page_everything
import page_fixture as pages
import pytest
from browser import CHROMIUM, Browser, browser
from page_feedback import judged
from page_what_if import REPORT
from test_page_candidates import FOUND

from titleshot.reports.page import render_page, render_scorecard

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here to read the page with"),
]
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
DESKTOP, PHONE = (1280, 800), (390, 844)
NAMES = ("comparison", "everything", "undecided", "hostile", "scorecard")

# Every text with the least contrast it has to its ground, as the browser resolved both.
CONTRAST = """(() => {
  for (const box of document.querySelectorAll("details")) box.open = true;
  const parse = (text) => {
    const n = text.match(/[\\d.]+/g).map(Number);
    return [n[0], n[1], n[2], n[3] ?? 1];
  };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const bright = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => {
    const [x, y] = [bright(a), bright(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement)
      layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, style, title, .unseen, .skip")) continue;
    const style = getComputedStyle(element);
    if (element.getClientRects().length === 0 || style.visibility === "hidden") continue;
    const colour = parse(element.closest("svg") ? style.fill : style.color);
    const behind = ground(element.closest("svg") ? element.closest("svg").parentElement : element);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    found.push({text: walker.currentNode.data.trim().slice(0, 60), ratio: ratio(over(colour, behind), behind),
      least: large ? 3 : 4.5});
  }
  const marks = [];
  for (const mark of document.querySelectorAll("svg circle, svg rect, svg path, svg line, svg use")) {
    const of = mark.getAttribute("class") ?? "";
    if (!/s-dot|s-inner|s-limit|s-zero|b-|i-span|l-|line|g-/.test(of) || mark.closest("defs")) continue;
    const style = getComputedStyle(mark), behind = ground(mark.closest("svg").parentElement);
    const inks = [[style.fill, style.fillOpacity], [style.stroke, style.strokeOpacity]]
      .filter(([ink]) => ink !== "none")
      .map(([ink, opacity]) => {
        const [r, g, b, a] = parse(ink);
        return ratio(over([r, g, b, a * opacity * style.opacity], behind), behind);
      });
    if (inks.length) marks.push({text: of, ratio: Math.max(...inks), least: 3});
  }
  return {texts: found, marks};
})()"""
FOCUS = """(() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return {number: [...document.querySelectorAll("*")].indexOf(at), tag: at.tagName.toLowerCase(),
    text: (at.textContent || at.getAttribute("aria-label") || "").trim().slice(0, 40),
    outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.bottom > 0 && box.top < innerHeight && box.width > 0};
})()"""
REACHABLE = """(() => { const all = [...document.querySelectorAll("*")];
  return [...document.querySelectorAll("a[href], summary, button, [tabindex='0']")]
    .filter((one) => one.getClientRects().length && !one.closest("details:not([open]) > :not(summary)"))
    .map((one) => all.indexOf(one)); })()"""
OUTLINE = """(() => ({
  headings: [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((one) => Number(one.tagName[1])),
  landmarks: ["header", "nav", "main", "footer"]
    .map((tag) => document.querySelectorAll(`body > ${tag}, body > header > ${tag}`).length),
  unnamed: [...document.querySelectorAll("nav, section, [role=region], svg[role], dialog")].filter((one) => {
    const by = one.getAttribute("aria-labelledby");
    return !(by ? document.getElementById(by)?.textContent.trim() : one.getAttribute("aria-label"));
  }).map((one) => one.outerHTML.slice(0, 80)),
  mute: [...document.querySelectorAll("svg")].filter((one) => !one.getAttribute("role")
    && !one.closest("[aria-hidden=true]") && !one.parentElement.closest("svg[role]"))
    .map((one) => one.outerHTML.slice(0, 80)),
  tops: [...document.querySelectorAll("main > section")]
    .map((one) => one.querySelector("h1, h2, h3, h4, h5, h6").tagName),
  headless: [...document.querySelectorAll("table")]
    .filter((one) => !one.querySelector("th[scope=col]")).length,
  language: document.documentElement.lang,
}))()"""
WIDE = """(() => { for (const box of document.querySelectorAll("details")) box.open = true;
  return {content: document.documentElement.scrollWidth, window: innerWidth,
    scrolls: [...document.querySelectorAll(".scroll")].filter((box) => box.scrollWidth > box.clientWidth + 1)
      .map((box) => box.getAttribute("aria-label"))}; })()"""


def written(name: str, folder: Path) -> Path:
    made = judged(pages.comparison())
    if name == "comparison":
        page = render_page(made, pages.verdict(made), pages.decision(), pages.validation())
    elif name == "everything":
        full = page_everything.everything()
        page = render_page(
            full, page_everything.verdict(full), pages.decision(), pages.validation(), what_ifs=[REPORT]
        )
    elif name == "undecided":
        few = judged(pages.comparison(days=14, incidents=20), feedback=False)
        page = render_page(few, pages.verdict(few, "not_enough_evidence"), pages.decision())
    elif name == "scorecard":
        card = made.challenger.model_copy(update={"correlation": FOUND})
        page = render_scorecard(card, pages.validation())
    else:
        odd = judged(pages.hostile())
        page = render_page(odd, pages.verdict(odd))
    file = folder / f"{name}.html"
    file.write_text(page, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {name: written(name, folder) for name in NAMES}


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def faint(found: list[dict[str, Any]]) -> list[tuple[str, float]]:
    return sorted({(one["text"], round(one["ratio"], 2)) for one in found if one["ratio"] < one["least"]})


@pytest.mark.parametrize("scheme", ["light", "dark", "paper"])
@pytest.mark.parametrize("name", ["everything", "undecided", "scorecard"])
def test_every_text_and_mark_stands_out_from_its_ground(
    name: str, scheme: str, tab: Browser, files: dict[str, Path]
) -> None:
    tab.open(files[name], dark=scheme == "dark")
    if scheme == "paper":
        tab.media(paper=True)
    found = tab.run(CONTRAST)
    assert len(found["texts"]) > 300
    assert len(found["marks"]) > 10
    assert faint(found["texts"]) == []
    assert faint(found["marks"]) == []


def test_a_faint_text_would_be_noticed(tab: Browser, files: dict[str, Path]) -> None:
    tab.open(files["undecided"])
    tab.run("document.querySelector('.verdict p').style.color = '#bbb'")
    assert len(faint(tab.run(CONTRAST)["texts"])) == 1


@pytest.mark.parametrize("name", ["comparison", "scorecard"])
def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(
    name: str, tab: Browser, files: dict[str, Path]
) -> None:
    tab.open(files[name])
    wanted = tab.run(REACHABLE)
    reached = []
    for _ in wanted:
        tab.press("Tab", code=9)
        at = tab.run(FOCUS)
        assert at["outline"], at
        assert at["seen"], at
        reached.append(at["number"])
    assert reached == wanted


def test_a_fold_opens_by_key_and_a_link_into_a_fold_opens_it(tab: Browser, files: dict[str, Path]) -> None:
    tab.open(files["comparison"])
    tab.run("document.querySelector('details.fold summary').focus()")
    tab.press("Enter", code=13, text="\r")
    assert tab.run("document.querySelector('details.fold').open") is True
    row = "document.querySelector('details:not([open]) tr[id]')"
    of = tab.run(f"{row}.id")
    tab.run(f"location.hash = '#{of}'; new Promise((done) => setTimeout(done, 100))")
    assert tab.run(f"document.getElementById('{of}').closest('details').open") is True


def test_the_skip_link_comes_first_and_leads_past_the_head(tab: Browser, files: dict[str, Path]) -> None:
    tab.open(files["comparison"])
    tab.press("Tab", code=9)
    assert tab.run("document.activeElement.className") == "skip"
    assert tab.run("document.activeElement.getBoundingClientRect().left >= 0") is True


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_reader_finds_its_way(name: str, tab: Browser, files: dict[str, Path]) -> None:
    tab.open(files[name])
    found = tab.run(OUTLINE)
    levels = found["headings"]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    assert set(found["tops"]) == {"H2"}
    assert found["landmarks"] == [1, 1, 1, 1]
    assert found["unnamed"] == []
    assert found["mute"] == []
    assert found["headless"] == 0
    assert found["language"] == "en"
    assert tab.console == []
    assert tab.requests == [files[name].as_uri()]


@pytest.mark.parametrize("name", ["comparison", "undecided"])
def test_a_lead_sees_what_counts_without_scrolling(name: str, tab: Browser, files: dict[str, Path]) -> None:
    tab.open(files[name], width=DESKTOP[0], height=DESKTOP[1])
    bottoms = tab.run(
        "Object.fromEntries(['.verdict', '.reasons', '.next'].map((part) =>"
        " [part, document.querySelector(part).getBoundingClientRect().bottom]))"
    )
    assert max(bottoms.values()) <= DESKTOP[1], bottoms
    over = tab.run("document.querySelector('.next').innerText")
    for words in ("The cost of being wrong", "What to label next"):
        assert words in over
    assert ("What is missing" in over) == (name == "undecided")


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_scrolls_sideways(name: str, width: int, tab: Browser, files: dict[str, Path]) -> None:
    tab.open(files[name], width=width, height=844)
    found = tab.run(WIDE)
    assert found["window"] == width
    assert found["content"] <= width
    assert found["scrolls"] == []


def test_paper_has_every_fold_open_and_no_navigation(tab: Browser, files: dict[str, Path]) -> None:
    tab.open(files["comparison"], width=794)
    tab.media(paper=True)
    tab.run("dispatchEvent(new Event('beforeprint'))")
    assert tab.run("document.querySelectorAll('details:not([open])').length") == 0
    assert tab.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert tab.run("document.documentElement.scrollWidth") <= 794
    tab.run("dispatchEvent(new Event('afterprint'))")
    assert tab.run("document.querySelectorAll('details:not([open])').length") > 0


@pytest.mark.parametrize("name", NAMES)
def test_screenshots_are_kept(name: str, tab: Browser, files: dict[str, Path]) -> None:
    for label, (width, height) in {"desktop": DESKTOP, "phone": PHONE}.items():
        tab.open(files[name], width=width, height=height)
        head = tab.screenshot(SCREENSHOTS / f"{name}-{label}-head.png").read_bytes()
        whole = tab.screenshot(SCREENSHOTS / f"{name}-{label}.png", whole=True).read_bytes()
        assert int.from_bytes(head[16:20], "big") == int.from_bytes(whole[16:20], "big") == width
        assert int.from_bytes(head[20:24], "big") == height < int.from_bytes(whole[20:24], "big")
