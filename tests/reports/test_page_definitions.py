"""Every number on a page leads to what it means, and the page says of it what SCORES.md says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from html.parser import HTMLParser

import page_everything
import page_fixture as pages
import pytest
from page_feedback import judged
from test_page_candidates import FOUND

from titleshot.reports.page import render_page, render_scorecard
from titleshot.reports.score_book import score_book
from titleshot.reports.score_titles import TITLES, title_of
from titleshot.reports.score_words import PARTS, anchor
from titleshot.reports.since_last import Judged, changes

VOID = {"meta", "link", "br", "img", "input", "hr"}
BLOCKS = {"tr", "li", "p", "dd", "dl", "figure", "table", "details", "ul", "ol"}
NOT_MEASURED = {"bdi", "code", "time", "h1", "nav", "footer", "script", "style", "title", "defs"}
"""Names, commands, dates, headings of people's own words."""
WHEN = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4}|\d{2}:\d{2}")


@dataclass
class Element:
    """A part of a page: ``children`` are elements and texts in order."""

    tag: str
    attributes: dict[str, str | None]
    above: Element | None
    children: list[Element | str] = field(default_factory=list)

    def elements(self) -> list[Element]:
        found = [self]
        for child in self.children:
            if isinstance(child, Element):
                found += child.elements()
        return found

    def texts(self) -> list[tuple[Element, str]]:
        return [(of, text) for of in self.elements() for text in of.children if isinstance(text, str)]

    @property
    def words(self) -> str:
        return " ".join("".join(w if isinstance(w, str) else f"{w.words} " for w in self.children).split())

    def up(self) -> list[Element]:
        return [self, *(self.above.up() if self.above else [])]

    @cached_property
    def leading(self) -> bool:
        return any(one.leads() for one in self.elements())

    def leads(self) -> bool:
        return self.tag == "a" and str(self.attributes.get("href")).startswith("#score-")

    def named(self, anchor: str) -> Element:
        return next(one for one in self.elements() if one.attributes.get("id") == anchor)


class Tree(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = self.at = Element("page", {}, None)
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            made = self.at.children[-1]
            assert isinstance(made, Element)
            self.at = made

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.children.append(Element(tag, dict(attrs), self.at))

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag
        assert self.at.above is not None
        self.at = self.at.above

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.at.children.append(data)


def explained(of: Element) -> bool:
    """Whether the block a number stands in, or the words over its section, lead to a definition."""
    for part in of.up():
        if part.tag in BLOCKS and part.leading:
            return True
        if part.tag in {"section", "header"}:
            over = [one for one in part.children if isinstance(one, Element) and one.tag in {"h2", "h3", "p"}]
            if any(one.leads() for top in over for one in top.elements()):
                return True
    return False


def unexplained(page: str) -> list[str]:
    """Numbers that lead nowhere."""
    body = next(one for one in Tree(page).root.elements() if one.tag == "body")
    missed = []
    for of, text in body.texts():
        above = of.up()
        if any(one.tag in NOT_MEASURED or one.attributes.get("id") == SAID_ELSEWHERE for one in above):
            continue
        if any(one.attributes.get("aria-labelledby") in {"explained", "identity"} for one in above):
            continue
        if re.search(r"\d", WHEN.sub("", text)) and not explained(of):
            missed.append(text.strip())
    return missed


SAID_ELSEWHERE = "whom"


@cache
def rendered(name: str) -> str:
    if name == "scorecard":
        return render_scorecard(pages.comparison().challenger.model_copy(update={"correlation": FOUND}))
    if name == "everything":
        full = page_everything.everything()
        said = page_everything.verdict(full)
        return render_page(
            full, said, pages.decision(), pages.validation(), since=changes(*2 * [Judged(full, said)])
        )
    made = pages.comparison() if name in {"quarter", "asked"} else getattr(pages, name)()
    if name != "empty":
        made = judged(made, feedback=name != "asked")
    answer = {"empty": "invalid", "sparse": "not_enough_evidence"}.get(name, "promote")
    said = pages.verdict(made, answer)  # type: ignore[arg-type]
    return render_page(made, said, pages.decision(), pages.validation())


PAGES = ("everything", "quarter", "asked", "hostile", "empty", "first", "sparse", "scorecard")


@pytest.mark.parametrize("name", PAGES)
def test_every_number_leads_to_what_it_means(name: str) -> None:
    assert unexplained(rendered(name)) == []


def test_a_number_that_leads_nowhere_is_noticed() -> None:
    page = rendered("quarter")
    assert unexplained(page.replace("</main>", "<section><p>42 more nights</p></section></main>")) == [
        "42 more nights"
    ]
    assert unexplained(re.sub(r'<a class="def"[^>]*>(.*?)</a>', r"\1", page))


@pytest.mark.parametrize("name", PAGES)
def test_every_title_of_a_score_is_a_link_to_its_own_definition(name: str) -> None:
    titles = {title_of(score): anchor(score) for score in TITLES}
    root = Tree(rendered(name)).root
    ids = {one.attributes.get("id") for one in root.elements()}
    seen = 0
    for of, text in root.texts():
        target = titles.get(text.strip())
        if target is None or any(one.attributes.get("aria-labelledby") == "explained" for one in of.up()):
            continue
        assert of.attributes.get("href") == f"#{target}", text
        assert target in ids
        seen += 1
    assert seen or name == "empty"


@pytest.mark.parametrize("name", PAGES)
def test_every_row_of_a_table_of_scores_leads_to_its_score(name: str) -> None:
    seen = 0
    for table in (one for one in Tree(rendered(name)).root.elements() if one.tag == "table"):
        heads = [one.words for one in table.elements() if one.attributes.get("scope") == "col"]
        if not {"Score", "Criterion"} & {*heads[:2]}:
            continue
        for row in (one for one in table.elements() if one.tag == "tr"):
            if any(one.tag == "td" for one in row.elements()):
                named = [one for one in row.children if isinstance(one, Element)][:2]
                assert any(cell.leading for cell in named), row.words
                seen += 1
    assert seen or name == "empty"


@pytest.mark.parametrize("name", PAGES)
def test_no_link_leads_to_an_explanation_that_is_not_there(name: str) -> None:
    elements = Tree(rendered(name)).root.elements()
    ids = {one.attributes.get("id") for one in elements}
    assert {str(one.attributes["href"])[1:] for one in elements if one.leads()} <= ids


def test_a_score_nobody_defined_says_so() -> None:
    made = pages.comparison(days=28, incidents=10)
    odd = made.pairs[0].model_copy(update={"name": "of_their_own"})
    page = render_page(made.model_copy(update={"pairs": (*made.pairs, odd)}), pages.verdict(made))
    assert '<a class="def" href="#score-other">Of their own</a>' in page
    assert "Nothing here was held against this number." in page


def on_page(page: str) -> dict[str, str]:
    """Anchor to words, as a reader of the page has them."""
    section = Tree(page).root.named("explained").above
    assert section is not None
    articles = [one for one in section.elements() if one.tag == "article"]
    return {str(one.attributes["id"]): one.words for one in articles}


def in_book() -> dict[str, str]:
    """The same from the Markdown: headings, list marks and links taken off."""
    found = {}
    for chunk in re.split(r'^<a id="', score_book(), flags=re.M)[1:]:
        name, rest = chunk.split('"></a>', 1)
        if not name.startswith("score-"):
            continue
        score, title, question, rows = re.fullmatch(
            r"\s*### `(.+?)`\s+\*\*(.+?)\.\*\* (.+?)\n\n(.+?)\s*", rest, re.S
        ).groups()  # type: ignore[union-attr]
        lines = [re.sub(r"^- (.+?): ", r"\1 ", line) for line in rows.splitlines()]
        text = " ".join([title, score, question, *lines])
        found[name] = " ".join(re.sub(r"\[`(.+?)`\]\(#[\w-]+\)", r"\1", text).split())
    return found


@pytest.mark.parametrize("name", ["quarter", "scorecard"])
def test_the_page_says_what_the_book_says_word_for_word(name: str) -> None:
    def plain(words: str) -> str:
        return re.sub(r"\s*([,;])\s*", r"\1 ", words)

    page, book = on_page(rendered(name)), in_book()
    assert list(page) == list(book)
    for of, words in book.items():
        assert plain(page[of]) == plain(words)
    assert len(book) == sum(len(part.entries) for part in PARTS)
