"""What an export of a paging tool can be wrong in, and what each tool's rules make of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import HOUR, MINUTE, format_instant, parse_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Alias
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput, TitleshotError, UsageError
from titleshot.datasets.importers.pages.history import Wanted
from titleshot.datasets.importers.pages.history_log import write_history
from titleshot.datasets.pages_digest import pages_digest
from titleshot.datasets.replay_log import ReplayLog

START = parse_instant("2026-03-01T00:00:00Z")
SERVICES = ("shop/cart", "shop/web", "pay/cart-db", "pay/web")
"""``web`` is two services, ``cart`` and ``cart-db`` are one each."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    with DatasetWriter(tmp_path_factory.mktemp("shop") / "shop", name="shop", created_at=0) as writer:
        codes = writer.add_series([SeriesKey(*service.split("/"), "latency") for service in SERVICES])
        times = START + np.arange(40 * 24, dtype=np.int64) * HOUR
        for code in codes:
            writer.add_samples(np.repeat(code, len(times)), times, np.ones(len(times)))
        known = {"valid_from": 0, "known_from": 0}
        writer.add_reference([Alias(service="shop/cart", alias="old/basket", **known)])
    return Dataset.open(writer.path)


@pytest.fixture
def history(shop: Dataset, tmp_path: Path) -> Any:
    """Import a text, or bytes, as a history; the file's name may be given."""

    def read(text: str | bytes, name: str = "export", **options: Any) -> ReplayLog:
        source = tmp_path / name
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        return imported(source, shop, tmp_path / "log", **options)

    return read


def imported(source: Path, shop: Dataset, out: Path, **options: Any) -> ReplayLog:
    name = options.pop("name_", None)
    write_history(source, out, shop, Wanted(**options), name=name, told=lambda *_: None)
    return ReplayLog(out)


def at(hours: float) -> int:
    return START + round(hours * HOUR)


def iso(hours: float) -> str:
    return format_instant(at(hours))


def incident(number: int, hours: float = 1, **more: Any) -> dict[str, Any]:
    """One of PagerDuty's incidents."""
    return {
        "id": f"P{number}",
        "incident_number": number,
        "created_at": iso(hours),
        "resolved_at": iso(hours + 1),
        "urgency": "high",
        "service": {"summary": "cart"},
        **more,
    }


def incidents(*found: dict[str, Any]) -> str:
    return json.dumps({"incidents": found})


def notified(
    hours: float, *firing: tuple[str, float], over: bool = False, wrapped: bool = True, **more: Any
) -> str:
    """A line of a webhook's log: (service, since) of each alert."""
    alerts = [
        {
            "status": "resolved" if over else "firing",
            "labels": {
                "service": service.partition("/")[2],
                "namespace": service.partition("/")[0],
                "severity": "warning",
            },
            "startsAt": iso(since),
            "endsAt": iso(hours) if over else "0001-01-01T00:00:00Z",
            "fingerprint": service,
        }
        for service, since in firing
    ]
    payload = {
        "version": "4",
        "groupKey": "{}:{}",
        "receiver": "on-call",
        "status": "resolved" if over else "firing",
    }
    payload |= {"alerts": alerts, **more}
    return json.dumps({"received_at": iso(hours), "payload": json.dumps(payload)} if wrapped else payload)


def aside(log: ReplayLog) -> dict[str, int]:
    counted: dict[str, int] = log.about["history"]["quarantined"].get("pages", {})
    return counted


# Rows


def test_of_several_rows_with_one_id_the_first_is_kept(history: Any) -> None:
    log = history(incidents(incident(1, 5), incident(2, 3), incident(1, 9)))
    assert [(page.page_id, page.paged_at) for page in log.pages()] == [("P2", at(3)), ("P1", at(5))]
    assert log.about["counts"]["duplicates"] == 1


def test_a_page_closed_before_it_was_sent_has_no_known_end(history: Any) -> None:
    log = history(incidents(incident(1, 5, resolved_at=iso(4)), incident(2, 6)))
    first, second = log.pages()
    assert (first.closed_at, first.last_event_at) == (None, at(5))
    assert second.closed_at == at(7)
    assert log.about["counts"]["closed before opened"] == 1


def test_an_open_page_stays_open_and_is_counted(history: Any) -> None:
    log = history(incidents(incident(1, 5, resolved_at=None)))
    assert log.pages()[0].closed_at is None
    assert log.about["counts"]["without an end"] == 1
    assert any("1 pages of the history have no end" in note for note in log.about["notes"])


def test_a_merged_incident_had_paged_and_is_counted(history: Any) -> None:
    merged = {"type": "merge_resolve_reason", "incident": {"id": "P1"}}
    log = history(incidents(incident(1, 5), incident(2, 5.1, resolve_reason=merged)))
    assert len(log.pages()) == 2
    assert log.about["counts"]["merged"] == 1


def test_pages_outside_the_telemetry_are_left_out_and_counted(history: Any) -> None:
    log = history(incidents(incident(1, -1), incident(2, 1), incident(3, 24 * 60)))
    assert [page.page_id for page in log.pages()] == ["P2"]
    assert log.about["history"]["left_out"] == {"sent before the span": 1, "sent after the span": 1}


def test_a_history_of_another_time_says_when_it_is_and_writes_nothing(history: Any, tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"sent after the span \(1\); its pages are from 2026-05-"):
        history(incidents(incident(1, 24 * 75)))
    assert not (tmp_path / "log").exists()


def test_what_is_no_page_is_set_aside_beside_the_log_with_its_reason(history: Any) -> None:
    lines = [
        json.dumps(incident(1)),
        "{broken",
        json.dumps({"incident_number": 7}),
        json.dumps(incident(2, created_at="yesterday")),
        json.dumps(incident(3, created_at="2026-03-02 10:00:00")),
        json.dumps(incident(4, created_at="2016-12-31T23:59:60Z")),
        "[1, null]",
        json.dumps({"created_at": iso(1), "service": "cart"}),
        "x" * (2 << 20),
    ]
    log = history("\n".join(lines))
    assert [page.page_id for page in log.pages()] == ["P1"]
    assert aside(log) == {
        "not JSON": 1,
        "no creation time": 3,
        "created: no time": 2,
        "created: no zone": 1,
        "no id": 1,
        "line too long": 1,
    }
    rows = pq.read_table(log.path / "quarantine" / "pages.parquet").to_pylist()
    assert {row["row"] for row in rows if row["reason"] == "not JSON"} == {2}
    assert {row["source"] for row in rows} == {"export"}


def test_ragged_rows_and_bytes_that_are_no_text_are_set_aside(history: Any) -> None:
    rows = [b"cart,a", b"cart", b"cart,\xff\xfe", b"cart,a,b"]
    lines = [b"%b,%b" % (iso(n).encode(), row) for n, row in enumerate(rows, 1)]
    text = b"\r\n".join([b"\xef\xbb\xbfopened,services,title", *lines[:3], b"", lines[3]])
    log = history(text)
    assert [page.paged_at for page in log.pages()] == [at(1)]
    assert aside(log) == {"ragged row": 2, "not UTF-8": 1}


def test_times_without_a_zone_are_read_in_the_zone_named_and_counted(history: Any) -> None:
    log = history("opened,services\n2026-03-29 02:30:00,cart\n2026-03-10T09:00,cart\n", zone="Europe/Berlin")
    assert [page.paged_at for page in log.pages()] == [
        parse_instant("2026-03-10T08:00:00Z"),
        parse_instant("2026-03-29T01:30:00Z"),
    ]
    naive = log.about["history"]["times_without_zone"]
    assert naive == {"read_as": "Europe/Berlin", "times": 2, "at_clock_changes": 1}


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("2026-03-02 10:00:00 UTC", "2026-03-02T10:00:00Z"),
        ("2026/03/02 10:00:00 +0200", "2026-03-02T08:00:00Z"),
        ("2026-03-02T10:00:00.123456789-05:00", "2026-03-02T15:00:00.123456789Z"),
        ("2026-03-02 10:00:00+02", "2026-03-02T08:00:00Z"),
        ("1772445600", "2026-03-02T10:00:00Z"),
        ("1772445600.5", "2026-03-02T10:00:00.5Z"),
        ("1772445600123", "2026-03-02T10:00:00.123Z"),
        ("1772445600123456", "2026-03-02T10:00:00.123456Z"),
        ("1772445600123456789", "2026-03-02T10:00:00.123456789Z"),
    ],
)
def test_times_are_read_as_exports_write_them(history: Any, written: str, means: str) -> None:
    log = history(f"opened;services\n{written};cart\n")
    assert log.pages()[0].paged_at == parse_instant(means)


# Tools


def test_another_tool_s_export_is_said_to_be_so(history: Any) -> None:
    for text in (incidents(incident(1)), "incident_number,created_on,service_name\n1,x,y\n"):
        with pytest.raises(MalformedInput, match="looks like PagerDuty, not Opsgenie; use --tool pagerduty"):
            history(text, tool="opsgenie")
    with pytest.raises(MalformedInput, match="looks like Alertmanager, not PagerDuty"):
        history(notified(1, ("shop/cart", 1)), tool="pagerduty")
    with pytest.raises(UsageError, match="did you mean 'pagerduty'"):
        history(incidents(incident(1)), tool="pagerdutty")
    with pytest.raises(MalformedInput, match="alerts of one moment"):
        history(
            json.dumps(
                [{"fingerprint": "a", "startsAt": iso(1), "labels": {}, "status": {"state": "active"}}]
            )
        )
    with pytest.raises(MalformedInput, match="looks like no export of alertmanager, pagerduty"):
        history('{"hello": 1}')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"opened,services\n", "it is empty"),
        (b'{"incidents": []}', "looks like no export"),
        (b"PK\x03\x04....", "spreadsheet or a zip"),
        ("opened,services\n".encode("utf-16"), "not UTF-8 text"),
        (b'{"incidents": [{"id": "P1",', "is not JSON"),
        (b"opened,Opened,services\n", "two columns are called 'opened'"),
        (b"start,what\n", "no column 'opened'"),
    ],
)
def test_what_is_no_export_is_refused_in_words(history: Any, text: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=says):
        history(text)
    assert not (tmp_path / "log").exists()
    assert not list(tmp_path.glob(".*"))


def test_what_unpacks_to_far_more_than_it_packs_is_refused(
    history: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("titleshot.datasets.importers.source_files.UNPACKED_ALWAYS", 1 << 20)
    bomb = json.dumps(incident(1)).encode() + (b"\n" + b" " * 100_000) * 40
    with pytest.raises(MalformedInput, match="unpacks to more"):
        history(gzip.compress(bomb), name="export.json.gz")
    with pytest.raises(MalformedInput, match="a record a line, or split it"):
        history(b'{"a": "' + b" " * (33 << 20))


def test_several_files_of_a_folder_are_one_history_and_no_link_leads_out(
    shop: Dataset, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.json").write_text(incidents(incident(1, 5)))
    (folder / "b.json.gz").write_bytes(gzip.compress(incidents(incident(2, 3)).encode()))
    (folder / "notes.md").write_text("no export")
    log = imported(folder, shop, tmp_path / "log")
    assert [page.page_id for page in log.pages()] == ["P2", "P1"]
    assert set(log.about["history"]["files"]) == {"a.json", "b.json.gz"}
    (tmp_path / "secret.json").write_text(incidents(incident(3)))
    (folder / "c.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(MalformedInput, match="a link that leads out"):
        imported(folder, shop, tmp_path / "other")


def test_severities_are_read_by_the_tool_s_table_and_what_is_in_none_is_counted(history: Any) -> None:
    log = history(
        incidents(
            incident(1, 1, priority={"summary": "P1"}, urgency="low"),
            incident(2, 2),
            incident(3, 3, urgency="low"),
            incident(4, 4, priority={"summary": "Whatever"}),
        )
    )
    assert [page.severity for page in log.pages()] == ["critical", "high", "low", "medium"]
    assert log.about["history"]["severities_not_in_table"] == {"as": "medium", "pages": {"Whatever": 1}}
    awake = history(incidents(incident(2, 2), incident(3, 3, urgency="low")), least_severity="high")
    assert [page.page_id for page in awake.pages()] == ["P2"]
    assert awake.about["history"]["left_out"] == {"below severity high": 1}


def test_other_routes_may_be_left_out(history: Any) -> None:
    text = "opened,services,route\n" + "".join(
        f"{iso(n)},cart,{route}\n" for n, route in enumerate(["pager", "chat"])
    )
    log = history(text, only_routes=("pager",))
    assert [page.route for page in log.pages()] == ["pager"]
    with pytest.raises(UsageError, match="no page was sent to paper; there are 'chat', 'pager'"):
        history(text, only_routes=("paper",))


# Services


def test_names_are_services_by_full_name_alias_or_a_bare_name_that_is_one_s_alone(history: Any) -> None:
    names = ["shop/web", "old/basket", "cart-db", "web"]
    rows = "".join(f"{iso(n)},{name}\n" for n, name in enumerate(names))
    log = history(f"opened,services\n{rows}", allow_unmapped=True)
    assert [page.services for page in log.pages()] == [
        ("shop/web",),
        ("old/basket",),
        ("pay/cart-db",),
        ("(unmapped)/web",),
    ]
    with pytest.raises(UsageError, match=r'"web": pay/web  # one of pay/web, shop/web'):
        history(f"opened,services\n{rows}")


def test_a_map_takes_exact_names_then_globs_and_may_name_several(history: Any, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text('Web: [shop/web, pay/web]\n"*": shop/cart\n"Elsewhere": null\n')
    rows = "".join(f"{iso(n)},{name}\n" for n, name in enumerate(["Web", "whatever", "pay/web", "Elsewhere"]))
    log = history(f"opened,services\n{rows}", services=tmp_path / "map.yaml")
    assert [page.services for page in log.pages()] == [("pay/web", "shop/web"), ("shop/cart",), ("pay/web",)]
    assert sum(log.about["history"]["left_out"].values()) == 1


def test_a_page_that_names_no_service_is_kept_and_says_so(history: Any) -> None:
    rows = "".join(f"{iso(n)},cart\n" for n in range(1, 20))
    log = history(f"opened,services\n{rows}{iso(0)},\n")
    assert log.pages()[0].services == ("(unmapped)/(no service named)",)
    assert any("1 of 20 pages of the history name no service" in note for note in log.about["notes"])


def test_foreign_names_are_data(history: Any) -> None:
    evil = "<script>alert(1)</script>"
    rows = "".join(f"{iso(n)},cart,a\n" for n in range(1, 20))
    log = history(f"opened,services,title\n{rows}{iso(0)},../../{evil},\x1b[31m{evil}\n")
    page = log.pages()[0]
    assert page.services == (f"(unmapped)/../../{evil}",)
    assert page.summary == f"[31m{evil}"


# Alertmanager


def test_the_first_notification_of_an_episode_is_a_page_and_repeats_are_none(history: Any) -> None:
    cart = ("shop/cart", 0.9)
    log = history(
        "\n".join(
            [
                notified(1, cart),
                notified(5, cart),
                notified(9, cart),
                notified(10, cart, over=True),
                notified(12, ("shop/cart", 11.9)),
            ]
        )
    )
    assert [(page.paged_at, page.closed_at) for page in log.pages()] == [(at(1), at(10)), (at(12), None)]
    assert log.pages()[0].opened_at == at(0.9)
    assert log.about["counts"]["repeated notifications"] == 2


def test_a_service_that_joins_a_group_is_a_page_of_its_own(history: Any) -> None:
    cart, web = ("shop/cart", 1.0), ("shop/web", 1.5)
    log = history(
        "\n".join([notified(1, cart), notified(2, cart, web), notified(3, web), notified(4, web, over=True)])
    )
    assert [(page.services, page.closed_at) for page in log.pages()] == [
        (("shop/cart",), at(4)),
        (("shop/cart", "shop/web"), at(4)),
    ]


def test_without_resolved_notifications_an_episode_ends_when_all_that_fired_is_gone(history: Any) -> None:
    log = history("\n".join(notified(n, ("shop/cart", since)) for n, since in ((1, 1), (2, 1), (30, 29.9))))
    assert [(page.paged_at, page.closed_at, page.last_event_at) for page in log.pages()] == [
        (at(1), None, at(2)),
        (at(30), None, at(30)),
    ]
    assert log.about["counts"]["ended without a resolved notification"] == 1


def test_lines_out_of_order_are_put_in_order_of_when_they_were_received(history: Any) -> None:
    cart = ("shop/cart", 1.0)
    log = history("\n".join([notified(10, cart, over=True), notified(1, cart), notified(5, cart)]))
    assert [(page.paged_at, page.closed_at) for page in log.pages()] == [(at(1), at(10))]
    assert log.about["counts"]["out_of_order"] > 0


def test_bare_payloads_are_timed_by_their_alerts_and_that_is_said(history: Any) -> None:
    cart, web = ("shop/cart", 1.0), ("shop/web", 1.2)
    log = history(
        "\n".join([notified(2, cart, web, wrapped=False), notified(6, cart, web, over=True, wrapped=False)])
    )
    assert [(page.paged_at, page.opened_at, page.closed_at) for page in log.pages()] == [
        (at(1.2), at(1), at(6))
    ]
    assert any("delays favour today's tool" in note for note in log.about["notes"])


def test_another_version_of_the_webhook_is_set_aside(history: Any) -> None:
    log = history("\n".join([notified(1, ("shop/cart", 1)), notified(2, ("shop/cart", 1), version="9")]))
    assert aside(log) == {"unknown version": 1}


# Opsgenie


def test_opsgenie_s_close_is_found_wherever_it_stands(history: Any) -> None:
    alert = {"tinyId": "1", "createdAt": iso(1), "tags": ["service=cart"], "priority": "P3"}
    log = history(
        json.dumps(
            {
                "data": [
                    {**alert, "id": "a", "closedAt": iso(2)},
                    {**alert, "id": "b", "status": "closed", "report": {"closeTime": 1_800_000}},
                    {**alert, "id": "c", "status": "closed", "updatedAt": iso(3)},
                    {**alert, "id": "d", "status": "open", "updatedAt": iso(3), "count": 12},
                ]
            }
        )
    )
    assert [page.closed_at for page in log.pages()] == [at(2), at(1) + 30 * MINUTE, at(3), None]
    assert log.about["counts"]["deduplicated by the tool"] == 1


def test_a_page_that_ends_beyond_all_time_is_set_aside(history: Any) -> None:
    alert = {"tinyId": "1", "createdAt": iso(1), "tags": ["service=cart"]}
    ends = [{**alert, "id": "a", "report": {"closeTime": 10**14}}, {**alert, "id": "b"}]
    log = history(json.dumps(ends))
    assert [page.page_id for page in log.pages()] == ["b"]
    assert aside(log) == {"not allowed": 1}


def test_a_file_s_own_name_may_be_anything(history: Any) -> None:
    log = history(f"opened,services\n{iso(1)},cart\n", name="a\nb <b>.csv")
    assert len(log.pages()) == 1


def test_the_field_that_names_the_service_may_be_said(history: Any) -> None:
    alert = {
        "id": "a",
        "tinyId": "1",
        "createdAt": iso(1),
        "details": {"component": "cart-db"},
        "entity": "host-1",
    }
    log = history(json.dumps([alert]), service_fields=("Component",))
    assert log.pages()[0].services == ("pay/cart-db",)


# The log


def test_the_champion_s_name_may_be_chosen_but_not_never(shop: Dataset, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(incidents(incident(1)))
    assert (
        imported(tmp_path / "x.json", shop, tmp_path / "a", name_="our pager").about["contender"]
        == "our pager"
    )
    with pytest.raises(UsageError, match="never is the baseline"):
        imported(tmp_path / "x.json", shop, tmp_path / "b", name_="never")


def test_the_digest_is_of_the_pages_whatever_their_order(history: Any) -> None:
    one, other = (incident(1, 5), incident(2, 3)), (incident(2, 3), incident(1, 5))
    digests = [history(incidents(*rows)).about["pages_digest"] for rows in (one, other)]
    assert digests[0] == digests[1]
    pages = history(incidents(*one)).pages()
    assert pages_digest(pages) == pages_digest(pages[::-1]) == digests[0]
    assert history(incidents(incident(1, 5), incident(2, 4))).about["pages_digest"] != digests[0]


def test_a_log_in_the_place_of_the_source_or_the_dataset_is_refused(shop: Dataset, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "x.json").write_text(incidents(incident(1)))
    for out in (tmp_path / "exports", tmp_path, shop.path):
        with pytest.raises(UsageError, match=r"holds the source or the dataset|working directory"):
            imported(tmp_path / "exports", shop, out)


SPELLED = 'id P1 created_at opened services cart { } [ ] , ; " : groupKey alerts tinyId NaN 1e999 null -1'
WORDS = st.sampled_from([*SPELLED.split(), iso(3), iso(4), "", "\n", "\r\n", "\t", "\x00", "\ud800"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.just(iso(5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "id incident_number tinyId created_at createdAt resolved_at closedAt service services opened closed"
    " groupKey alerts status version receiver priority urgency report tags details commonLabels groupLabels"
    " timestamp truncatedAlerts resolve_reason count"
)
ALERTS = st.lists(
    st.dictionaries(st.sampled_from(["labels", "startsAt", "endsAt", "status"]), VALUES), max_size=2
)
RECORDS = st.dictionaries(st.sampled_from(FIELDS.split()), VALUES | ALERTS, max_size=12)


def survives(shop: Dataset, folder: Path, data: bytes, tool: str | None) -> None:
    source = folder / "garbage"
    source.write_bytes(data)
    try:
        log = imported(source, shop, folder / "log", tool=tool, allow_unmapped=True)
    except TitleshotError:
        return
    assert all(page.paged_at >= START for page in log.pages())


TOOL = st.sampled_from([None, "alertmanager", "pagerduty", "opsgenie", "csv"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=200)
    | st.lists(WORDS, max_size=30).map(lambda w: "".join(w).encode("utf-8", "surrogatepass")),
    tool=TOOL,
)
def test_garbage_ends_in_words_or_in_a_log(
    shop: Dataset, tmp_path: Path, data: bytes, tool: str | None
) -> None:
    survives(shop, tmp_path, data, tool)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1),
    instead=st.binary(max_size=6),
    cut=st.integers(0, 40),
    name=st.sampled_from(["json", "csv", "hook"]),
)
def test_a_damaged_export_ends_in_words_or_in_a_log(
    shop: Dataset, tmp_path: Path, place: float, instead: bytes, cut: int, name: str
) -> None:
    whole = {
        "json": incidents(incident(1, 5), incident(2, 6, priority={"summary": "P1"})),
        "csv": f"id,opened,closed,services\n1,{iso(1)},{iso(2)},cart\n2,{iso(3)},,web\n",
        "hook": "\n".join([notified(1, ("shop/cart", 1)), notified(2, ("shop/cart", 1), over=True)]),
    }[name].encode()
    at_byte = round(place * len(whole))
    survives(shop, tmp_path, whole[:at_byte] + instead + whole[at_byte + cut :], None)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(RECORDS, min_size=1, max_size=3), tool=TOOL)
def test_records_of_any_shape_end_in_words_or_in_a_log(
    shop: Dataset, tmp_path: Path, found: list[dict[str, Any]], tool: str | None
) -> None:
    survives(shop, tmp_path, "\n".join(json.dumps(record) for record in found).encode(), tool)
