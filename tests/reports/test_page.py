"""The page as a document: what stands on it, in which order, and what may never get into it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import page_fixture as pages
import pytest

from titleshot.reports.page import render_page, render_scorecard

TEMPLATES = Path(__file__).parents[2] / "reports" / "templates"
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Document(HTMLParser):
    """Elements, text and every address of a page; complains about what is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"{tag} closed but never opened"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"script", "style"}:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if attrs.get("id")]  # type: ignore[misc]

    def addresses(self) -> list[str]:
        named = ("href", "src", "srcset", "action", "data", "xlink:href", "poster", "formaction")
        return [value for _, attrs in self.tags for name in named if (value := attrs.get(name)) is not None]


@pytest.fixture(scope="module")
def quarter() -> str:
    made = pages.comparison()
    return render_page(made, pages.verdict(made), pages.decision(), pages.validation())


def rendered(name: str) -> str:
    made = getattr(pages, name)()
    return render_page(made, pages.verdict(made, "invalid" if name == "empty" else "promote"))


EDGES = ("hostile", "empty", "first", "sparse")


def test_the_page_starts_with_the_decision_and_the_verdict_in_plain_words(quarter: str) -> None:
    order = [
        "Page the checkout on-call within ten minutes when customers cannot pay.",
        "The challenger pages better than what runs today and keeps every limit the policy sets.",
        "nights you would have slept",
        "The cost of being wrong",
        "What to label next",
        "Who is affected, who owns it",
        "Scores, champion against challenger",
        "What the policy asks",
        "What happened, and who said so",
        "Incident by incident",
        "Who was paged for nothing",
        "Against doing nothing, doing everything, and luck",
        "Was the data fit to judge by?",
        "What the numbers speak of",
        "Assumptions and how to check them",
        "Scores explained",
    ]
    body = Document(quarter[: quarter.index("<nav")] + quarter[quarter.index("</nav>") + 6 :]).words
    places = [body.index(part) for part in order]
    assert places == sorted(places)


@pytest.mark.parametrize("name", EDGES)
def test_a_page_is_well_formed_and_its_anchors_lead_somewhere(name: str) -> None:
    document = Document(rendered(name))
    ids = document.ids()
    assert len(ids) == len(set(ids))
    assert {a[1:] for a in document.addresses() if a.startswith("#")} <= set(ids)


def test_a_page_asks_nothing_of_the_network(quarter: str) -> None:
    for page in (quarter, rendered("hostile")):
        assert all(address.startswith("#") or address == "data:," for address in Document(page).addresses())
        assert "@import" not in page
        assert "url(" not in page


def test_the_content_security_policy_admits_only_the_pages_own_style_and_script(quarter: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', quarter)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy[1].replace("&#39;", "'").split("; "))
    assert rules["default-src"] == "'none'"
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", quarter, re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"


def test_names_from_telemetry_show_as_text_and_never_become_markup() -> None:
    made = pages.hostile()
    page = render_page(made, pages.verdict(made), title="</title><script>alert(9)</script>")
    document = Document(page)
    assert [tag for tag, _ in document.tags].count("script") == 1
    assert not any(tag == "img" for tag, _ in document.tags)
    assert not any(name.startswith("on") for _, attrs in document.tags for name in attrs)
    assert "<script>alert(1)</script>/x" in document.words
    assert "{{ 7*7 }}{% raw %}" in document.words


def test_characters_that_turn_the_text_around_are_made_visible() -> None:
    made = pages.hostile()
    page = render_page(made, pages.verdict(made))
    assert "\u202e" not in page
    assert "‹U+202E›" in page
    assert "خدمة-الدفع" in page


def test_templates_never_switch_escaping_off() -> None:
    for template in TEMPLATES.glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text


def test_a_decision_with_markup_in_it_is_text() -> None:
    made = pages.comparison(days=28, incidents=10)
    decision = pages.decision().model_copy(
        update={"decision": "Page <b>everyone</b> & hope\nfor the best", "human_workflow": "</dd><script>"}
    )
    document = Document(render_page(made, pages.verdict(made), decision))
    assert "Page <b>everyone</b> & hope for the best" in document.words
    assert [tag for tag, _ in document.tags].count("script") == 1


def test_the_same_records_give_the_same_bytes(quarter: str) -> None:
    made = pages.comparison()
    assert render_page(made, pages.verdict(made), pages.decision(), pages.validation()) == quarter


def test_a_quarter_fits_in_one_megabyte_and_a_storm_in_three(quarter: str) -> None:
    assert len(quarter.encode()) < 1_000_000
    assert len(rendered("storm").encode()) < 3_000_000


def test_a_page_without_pages_and_incidents_says_so_in_every_section() -> None:
    words = Document(rendered("empty")).words
    assert "No incident is labelled and nothing was paged between Mon 5 Jan 2026 and Mon 2 Feb 2026." in words
    assert "No incident is labelled in the scored time." in words
    assert "No page was false or repeated." in words
    assert "No validation report was given with these results." in words
    assert "No decision file was given." in words
    assert "not defined for one side" in words


def test_an_invalid_verdict_gives_the_fault_and_no_comforting_numbers_at_its_head() -> None:
    words = Document(rendered("empty")).words
    assert "scored on different data (labels_digest)" in words
    assert "The cost of being wrong" not in words
    assert "nights you would have slept" not in words


def test_not_enough_evidence_says_what_is_missing() -> None:
    made = pages.comparison(days=14, incidents=20)
    words = Document(render_page(made, pages.verdict(made, "not_enough_evidence"), pages.decision())).words
    assert "Not enough evidence: 20 incidents scored, the policy asks for 50." in words
    assert "What is missing 30 incidents more, about 3 weeks at this rate" in words
    assert "neither mistake can be bounded" in words


def test_a_first_promotion_is_compared_with_never_paging() -> None:
    words = Document(rendered("first")).words
    assert "none yet: compared with never paging" in words
    assert "better than no paging at all" in words
    assert "191 incidents you would have been paged for that nobody was" in words
    assert "what runs today" not in words


def test_an_imported_page_history_is_called_one() -> None:
    made = pages.comparison(days=28, incidents=10)
    identity = made.champion.identity.model_copy(update={"recipe_digest": None, "artifact_digest": None})
    champion = made.champion.model_copy(update={"identity": identity})
    made = made.model_copy(update={"champion": champion})
    assert "an imported page history" in Document(render_page(made, pages.verdict(made))).words


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_shown_as_such_and_nothing_is_drawn_of_them(value: float) -> None:
    made = pages.comparison(days=28, incidents=10)
    ends = {"difference": value, "low": value, "high": value, "decisive_low": value, "champion": value}
    broken = made.model_copy(update={"pairs": tuple(pair.model_copy(update=ends) for pair in made.pairs)})
    page = render_page(broken, pages.verdict(made, "not_enough_evidence"))
    assert not re.search(r'"[^"]*(nan|inf)%?"', page)
    shown = Document(page).words.split("Scores explained Every number")[0]
    assert not re.search(r"\bnan\b", shown.lower())


def test_incomplete_labels_turn_false_into_unmatched() -> None:
    made = pages.comparison(days=28, incidents=10)
    settings = made.champion.settings.model_copy(update={"labels_complete": False})
    cards = {
        role: getattr(made, role).model_copy(update={"settings": settings})
        for role in ("champion", "challenger")
    }
    words = Document(render_page(made.model_copy(update=cards), pages.verdict(made))).words
    assert "Labels are not declared complete" in words
    assert "Champion unmatched" in words


def test_validation_shows_what_warned_and_notices_other_data() -> None:
    made = pages.comparison(days=28, incidents=10)
    words = Document(render_page(made, pages.verdict(made), None, pages.validation())).words
    assert "no sample is repeated the first arrival wins samples warns 1,204" in words
    assert "other data" not in words
    stale = pages.validation().model_copy(update={"dataset_digest": "00" * 32})
    words = Document(render_page(made, pages.verdict(made), None, stale)).words
    assert "The report speaks of other data than these scores." in words


def test_every_mark_has_a_legend_and_a_shape_of_its_own(quarter: str) -> None:
    used = set(re.findall(r'<use href="#m-(\w+)-\d"', quarter))
    defined = dict(re.findall(r'<g id="m-(\w+)-1"[^>]*><g[^>]*>(.*?)</g>', quarter))
    assert {"detection", "duplicate", "fan_out", "false", "missed"} <= used <= set(defined)
    assert len({defined[kind] for kind in ("detection", "duplicate", "fan_out", "false", "missed")}) == 5


def test_lost_incidents_come_first_and_each_has_a_row(quarter: str) -> None:
    words = Document(quarter).words
    assert words.index("Lost: the champion did better") < words.index("Won: the challenger did better")
    assert words.index("Won: the challenger did better") < words.index("Tied (")
    assert quarter.count('<tr id="i-') == 240


def test_more_incidents_than_a_page_can_hold_leave_ties_out_and_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("titleshot.reports.rendering.incident_rows.MOST_ROWS", 30)
    made = pages.comparison(days=60, incidents=100)
    page = render_page(made, pages.verdict(made))
    assert page.count('<tr id="i-') == 30
    assert "70 further incidents are in the record this page is made of" in page
    assert "Tied (" not in Document(page).words


def test_a_scorecard_page_stands_alone() -> None:
    card = pages.comparison().challenger
    page = render_scorecard(card, pages.validation())
    document = Document(page)
    about_it = page[: page.index('<section aria-labelledby="explained"')]
    assert "What general would have paged" in document.words
    assert "201 of 240 labelled incidents caught." in document.words
    assert "champion" not in re.sub(r"<(style|script)>.*?</\1>", "", about_it, flags=re.S)
    assert (
        Document(render_scorecard(pages.empty().challenger)).words.count("No labelled incident was scored.")
        == 1
    )
