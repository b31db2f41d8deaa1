"""``feedback``: answers in and out of the label layer, what is refused, and the queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import MINUTE, format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import LogWriter, ReplayLog, pages_table

Titleshot = Callable[..., Any]


@pytest.fixture
def shop(small_platform: Dataset, copy_of: Callable[..., Path]) -> Path:
    return copy_of(small_platform.path, "shop")


@pytest.fixture
def tool_page(small_platform: Dataset) -> Page:
    """A page of today's tool that nobody judged."""
    labels = small_platform.labels()
    judged = {said.page_id for said in labels.feedback}
    return next(page for page in labels.pages if page.page_id not in judged)


@pytest.fixture
def tool_log(small_platform: Dataset, tmp_path: Path) -> Path:
    """What today's tool sent, as an imported history of the small platform."""
    card = small_platform.card
    with LogWriter(tmp_path / "tool") as writer:
        writer.about = {
            "contender": "tool",
            "dataset": {"name": card.name, "digest": card.digest},
            "span": {"from": format_instant(card.span_from), "to": format_instant(card.span_to)},
        }
        writer.append("pages", pages_table(small_platform.labels().pages))
    return tmp_path / "tool"


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and path.name != ".lock"
    }


def test_an_answer_is_added_and_a_later_one_of_the_same_reviewer_replaces_it(
    titleshot: Titleshot, shop: Path, tool_page: Page
) -> None:
    before = Dataset.open(shop).labels()
    words = ("feedback", "add", shop, "--page", tool_page.page_id, "--reviewer", "ann")
    assert titleshot(*words, "--verdict", "noisy", "--labelled-at", "2026-03-01T09:00:00Z").code == 0
    ran = titleshot(
        *(*words, "--verdict", "useful", "--labelled-at", "2026-03-01T10:00:00+01:00", "--json"),
        *("--hypothesis-right", "no", "--actual-service", "commerce/cart-api", "--comment", "it was us"),
    )
    assert ran.code == 0
    assert ran.document["added"] == 1
    ran = titleshot(*words, "--verdict", "late", "--labelled-at", "2026-03-02T09:00:00Z", "--json")
    after = Dataset.open(shop).labels()
    assert len(after.feedback) == len(before.feedback) + 1
    (said,) = (one for one in after.feedback if one.page_id == tool_page.page_id)
    assert (said.verdict, said.reviewer, said.feedback_id) == ("late", "ann", f"{tool_page.page_id}:ann")
    assert after.digest != before.digest


def test_without_a_time_an_answer_is_of_now(titleshot: Titleshot, shop: Path, tool_page: Page) -> None:
    ran = titleshot(
        "feedback",
        "add",
        shop,
        "--page",
        tool_page.page_id,
        "--reviewer",
        "a",
        "--verdict",
        "noisy",
        "--json",
    )
    assert ran.document["feedback"][0]["labelled_at"] > "2026-07"


def test_an_unknown_page_is_refused_with_the_nearest(
    titleshot: Titleshot, shop: Path, tool_page: Page
) -> None:
    before = content(shop)
    wrong = f"{tool_page.page_id[:-1]}~"
    ran = titleshot("feedback", "add", shop, "--page", wrong, "--reviewer", "ann", "--verdict", "noisy")
    assert ran.code == 2
    assert f"page_id: no page {wrong!r}" in ran.err
    assert f"did you mean {tool_page.page_id!r}?" in ran.err
    assert "--log LOG" in ran.err
    assert content(shop) == before


def test_a_contender_s_page_is_known_by_its_log_and_kept_apart_from_today_s_tool(
    titleshot: Titleshot, shop: Path, small_log: ReplayLog
) -> None:
    page = small_log.pages()[0]
    words = ("feedback", "add", shop, "--page", page.page_id, "--reviewer", "ann", "--verdict", "useful")
    assert titleshot(*words).code == 2
    tool = len(Dataset.open(shop).labels().pages)
    assert titleshot(*words, "--log", small_log.path).code == 0
    labels = Dataset.open(shop).labels()
    assert [one.page_id for one in labels.other_pages] == [page.page_id]
    assert len(labels.pages) == tool
    assert titleshot(*words, "--labelled-at", "2026-03-01T09:00:00Z").code == 0, "known from now on"
    assert len(Dataset.open(shop).labels().other_pages) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "SHOP", "--page", "p", "--reviewer", "ann"), "feedback add needs --verdict"),
        (("add", "SHOP", "--page", "p", "--reviewer", "", "--verdict", "noisy"), "reviewer"),
        (("add", "SHOP", "--n", "3"), "--n is an option of feedback queue, not of add"),
        (("queue", "SHOP", "--labels", "SHOP"), "feedback queue takes CHAMPION_LOG CHALLENGER_LOG"),
        (("queue", "never", "SHOP", "--labels", "SHOP"), "never sends no page"),
        (("import", "SHOP", "answers.txt"), "answers come as .jsonl or .csv"),
        (("export", "SHOP"), "--out FILE"),
    ],
)
def test_what_cannot_be_done_is_said(
    titleshot: Titleshot, shop: Path, words: tuple[str, ...], says: str
) -> None:
    ran = titleshot("feedback", *(shop if word == "SHOP" else word for word in words))
    assert ran.code == 2
    assert says in ran.err


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_what_is_exported_comes_in_again_and_is_known_then(
    titleshot: Titleshot, shop: Path, tmp_path: Path, copy_of: Callable[..., Path], ending: str
) -> None:
    out = tmp_path / f"answers.{ending}"
    assert titleshot("feedback", "export", shop, "--out", out).code == 0
    other = copy_of(shop, "other")
    (other / "labels" / "feedback.jsonl").unlink()
    ran = titleshot("feedback", "import", other, out, "--json")
    first, second = Dataset.open(shop).labels().feedback, Dataset.open(other).labels().feedback
    assert first == second
    assert ran.document["added"] == len(first) > 0
    again = titleshot("feedback", "import", other, out, "--json")
    assert (again.document["added"], again.document["already_there"]) == (0, len(first))
    assert Dataset.open(other).labels().feedback == first


def test_export_as_of_leaves_out_what_came_later(titleshot: Titleshot, shop: Path) -> None:
    answers = Dataset.open(shop).labels().feedback
    middle = answers[len(answers) // 2].labelled_at
    ran = titleshot("feedback", "export", shop, "--as-of", format_instant(middle), "--json")
    assert len(ran.document["feedback"]) == sum(said.labelled_at <= middle for said in answers)


def test_an_import_tells_every_fault_by_line_and_field_and_writes_nothing(
    titleshot: Titleshot, shop: Path, tool_page: Page, tmp_path: Path
) -> None:
    good = {
        "page_id": tool_page.page_id,
        "verdict": "useful",
        "reviewer": "ann",
        "labelled_at": format_instant(tool_page.paged_at + MINUTE),
    }
    rows = [
        good,
        {**good, "verdict": "great", "labelled_at": "yesterday"},
        {**good, "reviewer": "eve", "labelled_at": 1_700_000_000},
        {**good, "reviewer": "bob", "colour": "red"},
        {**good, "reviewer": "kim", "labelled_at": format_instant(tool_page.paged_at - MINUTE)},
    ]
    file = tmp_path / "answers.jsonl"
    lines = [json.dumps(row) for row in rows]
    file.write_text("\n".join([*lines[:2], "", "{half", *lines[2:4]]) + "\n")
    before = content(shop)
    ran = titleshot("feedback", "import", shop, file)
    assert ran.code == 2
    assert "nothing was written, 4 faults" in ran.err
    for says in (
        ":2: verdict: ",
        "labelled_at: timestamp 'yesterday'",
        ":4: not JSON",
        ":5: labelled_at: a nu",
    ):
        assert says in ran.err
    assert ":6: colour: unknown field" in ran.err
    assert content(shop) == before
    file.write_text("\n".join([lines[0], lines[0], lines[4]]))
    ran = titleshot("feedback", "import", shop, file)
    assert ran.code == 2
    assert f"{file}:2: feedback_id: '{tool_page.page_id}:ann' stands at {file}:1" in ran.err
    assert f"{file}:3: labelled_at: " in ran.err
    assert "before the page was sent" in ran.err
    assert content(shop) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("page_id,verdict,colour\n", ":1: the first line must name fields"),
        ("page_id,verdict,reviewer,labelled_at\np,useful\n", ":2: 2 cells, the header has 4"),
        ('page_id,verdict,reviewer,labelled_at\n"p,useful\n', "not CSV"),
        ("", "no answer in it"),
        ("page_id,verdict,reviewer,labelled_at\n", "no answer in it"),
    ],
)
def test_csv_that_is_none_is_refused_by_line(
    titleshot: Titleshot, shop: Path, tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "answers.csv"
    file.write_text(text)
    ran = titleshot("feedback", "import", shop, file)
    assert ran.code == 2
    assert says in ran.err


def test_the_queue_names_pages_of_both_with_reasons_and_writes_nothing(
    titleshot: Titleshot, shop: Path, small_log: ReplayLog, tool_log: Path
) -> None:
    before = content(shop), content(tool_log), content(small_log.path)
    words = ("feedback", "queue", tool_log, small_log.path, "--labels", shop, "--n", "9")
    ran = titleshot(*words, "--json")
    assert ran.code == 0
    pages = ran.document["pages"]
    assert len(pages) == 9
    assert [page["drawn"] for page in pages] == ["chosen", "random", "chosen"] * 3
    assert {name for page in pages for name in page["sent_by"]} == {"champion", "challenger"}
    assert all(page["why"] and page["services"] and page["paged_at"].endswith("Z") for page in pages)
    assert titleshot(*words, "--json").document == ran.document
    assert titleshot(*words, "--seed", "8", "--json").document != ran.document
    told = titleshot(*words)
    assert told.out == ""
    assert all(page["page_id"] in told.err and page["why"] in told.err for page in pages)
    assert (content(shop), content(tool_log), content(small_log.path)) == before


def test_answers_to_the_queue_narrow_the_next_one_and_a_comparison_shows_them(
    titleshot: Titleshot, shop: Path, small_log: ReplayLog, tool_log: Path, tmp_path: Path
) -> None:
    words = ("feedback", "queue", tool_log, small_log.path, "--labels", shop, "--n", "6", "--json")
    first = titleshot(*words).document
    for page in first["pages"]:
        ran = titleshot(
            *("feedback", "add", shop, "--page", page["page_id"], "--verdict", "noisy", "--reviewer", "ann"),
            *("--log", small_log.path),
        )
        assert ran.code == 0, ran.err
    second = titleshot(*words).document
    assert second["unjudged"] <= first["unjudged"] - 6
    apart = [of["difference"]["high"] - of["difference"]["low"] for of in (first, second)]
    assert apart[1] < apart[0]
    assert {page["page_id"] for page in first["pages"]}.isdisjoint(
        page["page_id"] for page in second["pages"]
    )
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "name: useful\nlooks: {rule: fixed_horizon}\nminimum: {judged_share: 1.0}\n"
        "criteria:\n  - {score: usefulness, kind: superiority}\n"
    )
    ran = titleshot("compare", tool_log, small_log.path, "--labels", shop, "--policy", policy, "--json")
    assert ran.code == 3, ran.err
    (pair,) = (pair for pair in ran.document["pairs"] if pair["name"] == "usefulness")
    assert pair["n_of"] == "judged pages"
    assert "judged share is 0." in " ".join(ran.document["verdict"]["reasons"])
    evidence = json.loads((Path(ran.document["evidence"]) / "comparison.json").read_text())
    assert evidence["feedback"]["difference"]["high"] == pytest.approx(second["difference"]["high"])
    assert titleshot("policy", "test", policy).code == 0
