"""``titleshot import pages``: one history in every tool's own layout is one champion, scored and compared."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Titleshot
from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, SECOND, format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import IntegrityError, InvalidDataset, MalformedInput, UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.compare import compare
from titleshot.pipelines.import_pages import import_pages
from titleshot.pipelines.report import report
from titleshot.pipelines.score import score

PRIORITY = {"critical": "P1", "high": "P2", "medium": "P3", "low": "P4"}
MILLISECOND = 1_000_000


def iso(at: int) -> str:
    return format_instant(at)


def naive(at: int) -> str:
    return format_instant(at).replace("T", " ").removesuffix("Z")


def bare(service: str) -> str:
    return service.partition("/")[2]


def alertmanager(pages: list[Page], path: Path) -> None:
    """A line when a page was sent, one when it is repeated, one when it is resolved."""
    lines: list[tuple[int, str]] = []
    for page in pages:
        namespace, _, service = page.services[0].partition("/")
        labels = {"alertname": "High", "namespace": namespace, "service": service, "severity": page.severity}
        alert = {"labels": labels, "startsAt": iso(page.paged_at), "fingerprint": f"{abs(hash(service)):x}"}
        group = {"version": "4", "groupKey": f"{{}}:{{service={service!r}}}", "receiver": page.route}
        firing = {"status": "firing", "endsAt": "0001-01-01T00:00:00Z", **alert}
        payload = {
            **group,
            "status": "firing",
            "alerts": [firing],
            "commonAnnotations": {"summary": page.summary},
        }
        repeated = (page.paged_at + (page.closed_at or page.paged_at)) // 2
        lines += [
            (at, json.dumps({"receivedAt": iso(at), "body": payload})) for at in (page.paged_at, repeated)
        ]
        if page.closed_at is not None:
            resolved = {"status": "resolved", "endsAt": iso(page.closed_at), **alert}
            over = json.dumps({**payload, "status": "resolved", "alerts": [resolved]})
            lines.append((page.closed_at, json.dumps({"receivedAt": iso(page.closed_at), "body": over})))
    path.write_text("\n".join(line for _, line in sorted(lines, key=lambda one: one[0])) + "\n")


def pagerduty_json(pages: list[Page], path: Path) -> None:
    incidents = [
        {
            "id": page.page_id,
            "incident_number": number,
            "title": page.summary,
            "created_at": iso(page.paged_at),
            "resolved_at": None if page.closed_at is None else iso(page.closed_at),
            "status": "triggered" if page.closed_at is None else "resolved",
            "urgency": "high",
            "priority": {"id": "PX", "summary": PRIORITY[page.severity]},
            "service": {"id": "PSVC", "type": "service_reference", "summary": bare(page.services[0])},
            "teams": [{"id": "PTEAM", "summary": page.route}],
            "escalation_policy": {"summary": "everybody"},
        }
        for number, page in enumerate(pages, 1)
    ]
    path.write_text(json.dumps({"incidents": incidents, "limit": 100, "more": False}, indent=2))


def pagerduty_csv(pages: list[Page], path: Path) -> None:
    write(
        path,
        ["id", "incident_number", "description", "service_name", "created_on", "resolved_on", "urgency",
         "priority", "team_name"],
        [
            [page.page_id, n, page.summary, bare(page.services[0]), naive(page.paged_at),
             "" if page.closed_at is None else naive(page.closed_at), "high",
             PRIORITY[page.severity], page.route]
            for n, page in enumerate(reversed(pages), 1)
        ],
    )  # fmt: skip


def opsgenie_json(pages: list[Page], path: Path) -> None:
    alerts = [
        {
            "id": page.page_id,
            "tinyId": f"{number}",
            "message": page.summary,
            "status": "open" if page.closed_at is None else "closed",
            "priority": PRIORITY[page.severity],
            "createdAt": iso(page.paged_at),
            "tags": ["prod", f"service:{page.services[0]}"],
            "report": {"ackTime": 5, "closeTime": ((page.closed_at or 0) - page.paged_at) // MILLISECOND},
            "responders": [{"type": "team", "name": page.route, "id": "0-1"}],
        }
        for number, page in enumerate(pages, 1)
    ]
    path.write_text("\n".join(json.dumps({"data": alerts[i : i + 7]}) for i in range(0, len(alerts), 7)))


def opsgenie_csv(pages: list[Page], path: Path) -> None:
    write(
        path,
        ["Alert ID", "TinyID", "Message", "Priority", "CreatedAt", "ClosedAt", "Teams", "Entity"],
        [
            [page.page_id, n, page.summary, PRIORITY[page.severity], page.paged_at // MILLISECOND,
             "" if page.closed_at is None else page.closed_at // MILLISECOND, page.route, page.services[0]]
            for n, page in enumerate(pages, 1)
        ],
        delimiter=";",
    )  # fmt: skip


def table(pages: list[Page], path: Path) -> None:
    write(
        path,
        ["ref", "start", "end", "what", "grade", "who", "says"],
        [
            [page.page_id, iso(page.paged_at), "" if page.closed_at is None else iso(page.closed_at),
             page.services[0], page.severity.upper(), page.route, page.summary]
            for page in pages
        ],
        bom=True,
    )  # fmt: skip


def write(
    path: Path, head: list[str], rows: list[list[Any]], *, delimiter: str = ",", bom: bool = False
) -> None:
    with path.open("w", newline="", encoding="utf-8-sig" if bom else "utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(head)
        writer.writerows(rows)


LAYOUTS: dict[str, tuple[Callable[[list[Page], Path], None], str, dict[str, Any]]] = {
    "alertmanager": (alertmanager, "webhook.jsonl", {}),
    "pagerduty JSON": (pagerduty_json, "incidents.json", {}),
    "pagerduty CSV": (pagerduty_csv, "incidents.csv", {"zone": "UTC"}),
    "opsgenie JSON": (opsgenie_json, "alerts.json", {}),
    "opsgenie CSV": (opsgenie_csv, "alerts.csv", {}),
    "any table": (table, "pages.csv", {"page_columns": "map.yaml"}),
}
COLUMNS = "opened: start\nclosed: end\nservices: what\nseverity: grade\nroute: who\nid: ref\ntitle: says\n"


def told(page: Page) -> tuple[Any, ...]:
    """What a page says. Ids are the tool's; no export knows when its activity ended but by its close."""
    return (
        page.paged_at,
        page.closed_at,
        page.services,
        page.severity,
        page.route,
        page.summary,
    )


@pytest.fixture(scope="module")
def own(small_platform: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ReplayLog:
    """The platform's own page history as a log."""
    return import_pages(source=small_platform.path, log=tmp_path_factory.mktemp("own") / "log")


def exported(layout: str, pages: list[Page], folder: Path) -> tuple[Path, dict[str, Any]]:
    writes, name, options = LAYOUTS[layout]
    writes(pages, folder / name)
    (folder / "map.yaml").write_text(COLUMNS)
    options = {key: folder / value if key == "page_columns" else value for key, value in options.items()}
    return folder / name, options


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_history_is_the_same_champion_from_every_tool(
    layout: str, small_platform: Dataset, own: ReplayLog, tmp_path: Path
) -> None:
    pages = small_platform.labels().pages
    assert len(pages) > 10
    assert len({page.services for page in pages}) > 2
    source, options = exported(layout, pages, tmp_path)
    log = import_pages(source=source, log=tmp_path / "log", dataset=small_platform, **options)

    assert log.about["opaque"] is True
    assert log.about["contender"] == layout.split()[0].replace("any", "page-history")
    assert log.about["dataset"] == {"name": small_platform.card.name, "digest": small_platform.card.digest}
    assert log.about["span"] == own.about["span"]
    assert sorted(map(told, log.pages())) == sorted(map(told, pages)) == sorted(map(told, own.pages()))
    assert log.incidents() == []
    ours, theirs = (score(one, labels=small_platform, resamples=100) for one in (log, own))
    assert [one for one in ours.scores if one.name != "reset_time_s"] == [
        one for one in theirs.scores if one.name != "reset_time_s"
    ]
    assert all(page.last_event_at == (page.closed_at or page.paged_at) for page in log.pages())
    assert ours.score("incident_recall").value


def test_an_opaque_champion_is_compared_judged_and_told_on_a_page(
    small_platform: Dataset, small_log: ReplayLog, own: ReplayLog, tmp_path: Path
) -> None:
    judged = compare(own, small_log, labels=small_platform, home=tmp_path / "home", out=tmp_path / "evidence")

    assert judged.comparison.champion.identity.pages_digest == own.about["pages_digest"]
    assert judged.verdict.answer in {"promote", "reject", "not_enough_evidence"}
    assert judged.comparison.incidents_scored > 5
    text = report(tmp_path / "evidence", out=tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The challenger was replayed over" in text
    assert "an imported page history" in text
    assert "is taken to be whole from" in text
    assert own.about["pages_digest"][:12] in text
    card = report(own.path, labels=small_platform, out=tmp_path / "card.html").read_text(encoding="utf-8")
    assert "What page-history paged" in card
    shown, explained = card.split('id="explained"')[0], card
    assert len(shown) < len(explained), "the definitions of scores speak of replays, whatever was scored"
    assert "would have paged" not in shown
    assert "eplayed" not in shown


def test_a_narrower_history_is_compared_over_what_both_cover(
    small_platform: Dataset, small_log: ReplayLog, tmp_path: Path
) -> None:
    card = small_platform.card
    start, end = card.span_from + 5 * DAY, card.span_from + 15 * DAY
    log = import_pages(source=small_platform.path, log=tmp_path / "log", from_=start, to=end)
    judged = compare(log, small_log, labels=small_platform, home=tmp_path / "home")

    for side in (judged.comparison.champion, judged.comparison.challenger):
        assert (side.settings.span_from, side.settings.span_to) == (start, end)
        assert any("covers only" in note for note in side.notes)
    assert not any("is taken to be whole" in note for note in judged.comparison.champion.notes)
    assert all(start <= page.paged_at < end for page in log.pages())
    before = [page for page in small_platform.labels().pages if page.paged_at < start]
    assert log.about["history"]["left_out"]["sent before the span"] == len(before)


def test_a_history_of_another_dataset_is_refused_with_the_way_out(
    small_platform: Dataset, own: ReplayLog, copy_of: Callable[..., Path]
) -> None:
    other = copy_of(own.path, "log")
    about = json.loads((other / "log.json").read_text())
    about["dataset"] = {"name": "elsewhere", "digest": "0" * 64}
    (other / "log.json").write_text(json.dumps(about))
    with pytest.raises(InvalidDataset, match=r"imported for elsewhere.*titleshot import pages SOURCE LOG"):
        score(other, labels=small_platform)


def test_a_history_changed_since_it_was_imported_is_not_scored(
    small_platform: Dataset, own: ReplayLog, copy_of: Callable[..., Path]
) -> None:
    changed = copy_of(own.path, "log")
    table = pq.read_table(changed / "pages.parquet")
    routes = pa.array(["another", *table["route"].to_pylist()[1:]])
    pq.write_table(
        table.set_column(table.schema.get_field_index("route"), "route", routes), changed / "pages.parquet"
    )
    with pytest.raises(IntegrityError, match="not those that were imported"):
        score(changed, labels=small_platform)


def test_two_histories_of_one_tool_are_two_looks(
    small_platform: Dataset, small_log: ReplayLog, own: ReplayLog, tmp_path: Path
) -> None:
    fewer = import_pages(source=small_platform.path, log=tmp_path / "log", least_severity="critical")
    assert fewer.about["history"]["left_out"]
    assert fewer.about["contender"] == own.about["contender"]
    looks = [
        compare(log, small_log, labels=small_platform, home=tmp_path / "home").verdict.looks
        for log in (own, fewer, own)
    ]
    assert looks == [0, 1, 1]


def test_the_command_tells_what_it_decided(
    small_platform: Dataset, titleshot: Titleshot, tmp_path: Path
) -> None:
    pages = small_platform.labels().pages
    source, _ = exported("pagerduty CSV", pages, tmp_path)
    ran = titleshot(
        "import",
        "pages",
        source,
        tmp_path / "log",
        "--dataset",
        small_platform.path,
        "--zone",
        "Europe/Berlin",
    )
    assert ran.code == 0
    assert (
        f"{len(pages) - 1:,} pages of pagerduty" in ran.err or f"{len(pages):,} pages of pagerduty" in ran.err
    )
    assert "times without a zone read as Europe/Berlin" in ran.err
    assert "P1 as critical" in ran.err
    assert "rule: an incident is a page" in ran.err
    assert (
        f"next: titleshot compare {tmp_path / 'log'} CHALLENGER_LOG --labels {small_platform.path}" in ran.err
    )
    again = titleshot(
        "import",
        "pages",
        source,
        tmp_path / "log",
        "--dataset",
        small_platform.path,
        "--zone",
        "UTC",
        "--json",
    )
    assert again.document["pages"] == len(pages)
    assert again.document["history"]["files"].keys() == {source.name}


def test_a_log_can_be_neither_replayed_nor_registered(
    own: ReplayLog, titleshot: Titleshot, tmp_path: Path
) -> None:
    for words in (("replay", tmp_path, own.path, "--out", tmp_path / "x"), ("check", own.path)):
        ran = titleshot(*words)
        assert ran.code == 2
        assert "is a replay log, no contender" in ran.err


def test_without_a_dataset_the_way_out_is_told(titleshot: Titleshot, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("opened,services\n")
    ran = titleshot("import", "pages", tmp_path / "x.csv", tmp_path / "log")
    assert ran.code == 2
    assert "needs --dataset" in ran.err
    assert not (tmp_path / "log").exists()


def test_names_that_are_no_service_are_refused_with_a_map_to_complete_then_mapped(
    small_platform: Dataset, own: ReplayLog, tmp_path: Path
) -> None:
    pages = small_platform.labels().pages
    titles = {page.services[0]: bare(page.services[0]).replace("-", " ").title() for page in pages}
    source = tmp_path / "pages.csv"
    write(
        source,
        ["opened", "closed", "services", "severity", "route"],
        [
            [iso(p.paged_at), iso(p.closed_at or p.paged_at), titles[p.services[0]], p.severity, p.route]
            for p in pages
        ],
    )
    with pytest.raises(UsageError) as refused:
        import_pages(source=source, log=tmp_path / "log", dataset=small_platform)
    assert not (tmp_path / "log").exists()
    said = str(refused.value)
    assert f"{len(pages)} of {len(pages)} pages name no service" in said
    skeleton = tmp_path / "map.yaml"
    skeleton.write_text("\n".join(line for line in said.splitlines() if line.startswith(('"', "#"))))
    for service, title in titles.items():
        assert f'"{title}": {service}' in said

    mapped = import_pages(source=source, log=tmp_path / "log", dataset=small_platform, services=skeleton)
    assert [page.services for page in mapped.pages()] == [page.services for page in own.pages()]

    kept = import_pages(source=source, log=tmp_path / "log", dataset=small_platform, allow_unmapped=True)
    assert kept.about["history"]["services_not_mapped"].keys() == set(titles.values())
    card = score(kept, labels=small_platform, resamples=100)
    assert card.score("incident_recall").value == 0
    assert any("flatters a challenger" in note for note in card.notes)


def test_what_the_map_says_is_elsewhere_is_left_out_and_counted(
    small_platform: Dataset, tmp_path: Path
) -> None:
    pages = small_platform.labels().pages
    source, options = exported("any table", pages, tmp_path)
    with source.open("a", newline="") as file:
        csv.writer(file).writerow(["x1", iso(pages[0].paged_at), "", "billing/cron-7", "HIGH", "ops", "-"])
    (tmp_path / "services.yaml").write_text("billing/*: null\nnobody/*: null\n")
    log = import_pages(
        source=source,
        log=tmp_path / "log",
        dataset=small_platform,
        services=tmp_path / "services.yaml",
        **options,
    )
    assert len(log.pages()) == len(pages)
    assert log.about["history"]["left_out"] == {
        "about services that --services says are not in this dataset": 1
    }
    assert log.about["history"]["map_entries_without_pages"] == ["nobody/*"]


def test_a_map_to_a_service_that_is_not_there_names_line_and_nearest(
    small_platform: Dataset, tmp_path: Path
) -> None:
    source, _ = exported("pagerduty JSON", small_platform.labels().pages, tmp_path)
    known = small_platform.series()[0].service_id
    (tmp_path / "services.yaml").write_text(f"# ours\nCheckout: {known}x\n")
    with pytest.raises(MalformedInput, match=rf"services.yaml:2: .*did you mean '{known}'"):
        import_pages(
            source=source, log=tmp_path / "log", dataset=small_platform, services=tmp_path / "services.yaml"
        )


def test_silence_at_the_ends_that_looks_like_a_cut_is_told(small_platform: Dataset, tmp_path: Path) -> None:
    pages = small_platform.labels().pages
    late = pages[len(pages) // 2 :]
    assert late[0].paged_at - small_platform.card.span_from > 5 * DAY
    source, options = exported("any table", late, tmp_path)
    log = import_pages(source=source, log=tmp_path / "log", dataset=small_platform, **options)
    told_of = [note for note in log.about["notes"] if "days without a page lie before the first one" in note]
    assert len(told_of) == 1
    assert f"--from {iso(late[0].paged_at)}" in told_of[0]
    given = import_pages(
        source=source,
        log=tmp_path / "log",
        dataset=small_platform,
        from_=late[0].paged_at - SECOND,
        **options,
    )
    assert not [note for note in given.about["notes"] if "before the first one" in note]


DECISION = """name: shop-paging
decision: Page the team that owns the failing service within ten minutes.
services: ["*"]
detect_within_s: 600
success_score: alarming_precision
human_workflow: The page opens an incident.
owners: {data: a, model: b, runtime: c, feedback: d}
"""


def test_routes_of_other_names_do_not_make_nights_of_their_own(
    small_platform: Dataset, small_log: ReplayLog, tmp_path: Path
) -> None:
    pages = small_platform.labels().pages
    teams = {page.route for page in pages}
    text = {}
    for name in ("as they are", "of another name"):
        sent = [
            p if name == "as they are" else p.model_copy(update={"route": f"pd {p.route}"}) for p in pages
        ]
        source, options = exported("any table", sent, tmp_path)
        log = import_pages(source=source, log=tmp_path / "log", dataset=small_platform, **options)
        compare(log, small_log, labels=small_platform, home=tmp_path / "home", out=tmp_path / "evidence")
        page = report(tmp_path / "evidence", out=tmp_path / "page.html")
        text[name] = page.read_text(encoding="utf-8")
        told_of = any("no teams of the dataset" in note for note in log.about["notes"])
        assert told_of == (name == "of another name")
    assert len(teams) > 1
    assert "of one route;" in text["as they are"]
    assert "of everybody, as the two share no route;" in text["of another name"]


LENIENT = """name: lenient
minimum: {incidents: 5, blocks: 5}
criteria:
  - {score: incident_recall, kind: superiority}
"""


@pytest.mark.slow
def test_a_challenger_that_beats_the_history_becomes_the_first_champion_and_is_then_the_one_to_beat(
    small_platform: Dataset, small_log: ReplayLog, titleshot: Titleshot, tmp_path: Path
) -> None:
    """A pager that cries once an hour about nothing in particular is easy to beat; the policy is lenient."""
    services = sorted({key.service_id for key in small_platform.series()})
    card = small_platform.card
    rows = [
        [iso(at), iso(at + 600 * SECOND), services[n % len(services)], "high", "ops"]
        for n, at in enumerate(range(card.span_from + DAY, card.span_to, 3600 * SECOND))
    ]
    write(tmp_path / "noise.csv", ["opened", "closed", "services", "severity", "route"], rows)
    (tmp_path / "decision.yaml").write_text(DECISION)
    common = ("--labels", small_platform.path, "--decision", tmp_path / "decision.yaml")
    log, evidence = tmp_path / "noise", tmp_path / "evidence"
    assert (
        titleshot("import", "pages", tmp_path / "noise.csv", log, "--dataset", small_platform.path).code == 0
    )
    lenient = tmp_path / "policy.yaml"
    lenient.write_text(LENIENT)
    compared = titleshot("compare", log, small_log.path, *common, "--policy", lenient, "--out", evidence)
    assert compared.code == 0, compared.err
    assert "Champion: page-history, an imported page history" in compared.err
    assert titleshot("register", "baseline", "--decision", tmp_path / "decision.yaml").code == 0
    promoted = titleshot("promote", "shop-paging", 1, "--evidence", evidence)
    assert promoted.code == 0, promoted.err
    assert titleshot("register", log, "--decision", tmp_path / "decision.yaml").code == 2
    assert titleshot("register", "general", "--decision", tmp_path / "decision.yaml").code == 0
    late = titleshot("promote", "shop-paging", 2, "--evidence", evidence)
    assert late.code == 1
    assert "it is against page-history (opaque), but version 1" in late.err
