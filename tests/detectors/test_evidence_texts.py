"""Log and platform events as evidence: heard in order, forgotten in time, however the stream is cut."""

import json

import pytest

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent, Sample, Tick
from titleshot.detectors.block import Block
from titleshot.detectors.contender import Contender
from titleshot.detectors.correlators.correlator import Alert
from titleshot.detectors.correlators.evidence_links import EvidenceLinks
from titleshot.detectors.correlators.evidence_params import EvidenceLinksParams
from titleshot.detectors.correlators.evidence_texts import OF_A_SERVICE, Texts, text_of
from titleshot.detectors.world import World


def log(service: str, minute: float, template: str, level: str = "error") -> LogEvent:
    return LogEvent.model_validate(
        {
            "timestamp": round(minute * MINUTE),
            "namespace": "shop",
            "service": service,
            "level": level,
            "template": template,
        }
    )


def alert(service: str, minute: float) -> Alert:
    return Alert(f"{service}@{minute}", round(minute * MINUTE), f"shop/{service}", "m", 0.6, "high", "d")


def stories(*records: LogEvent | PlatformEvent | Alert) -> list[IncidentCandidate]:
    correlator, world = EvidenceLinks(EvidenceLinksParams(link_from=0.4)), World()
    for record in records:
        if isinstance(record, Alert):
            correlator.alert(record, record.timestamp, world)
        else:
            correlator.hear(record, world)
    return [change.candidate for change in correlator.flush(0, world)]


class TestEvidence:
    def test_a_log_that_names_the_other_service_ties_what_no_known_call_does(self) -> None:
        named = log("web", 1, "upstream shop/bank timed out")
        together = stories(alert("bank", 0), named, alert("web", 2))
        assert len(together) == 1
        assert together[0].links is not None
        assert together[0].links[0].evidence["text"] > 0.3
        assert len(stories(alert("bank", 0), alert("web", 2))) == 2

    def test_the_service_that_logs_name_ranks_first(self) -> None:
        named = log("web", 1, "upstream shop/bank timed out")
        first = stories(alert("web", 0), named, alert("bank", 2))[0].hypotheses[0]
        assert first.service == "shop/bank"
        assert first.evidence is not None
        assert first.evidence["named_in_texts"] > 0

    def test_platform_events_that_read_alike_tie_two_services(self) -> None:
        drained = [
            PlatformEvent(
                timestamp=0, namespace="shop", service=s, reason="Evicted", message="node n7 drained"
            )
            for s in ("a", "b")
        ]
        assert len(stories(*drained, alert("a", 1), alert("b", 2))) == 1

    def test_chatter_below_warning_ties_nothing(self) -> None:
        chat = [log(s, 0, "configuration reloaded from disk", level="info") for s in ("a", "b")]
        assert len(stories(*chat, alert("a", 1), alert("b", 2))) == 2

    def test_texts_older_than_the_gap_tie_nothing(self) -> None:
        named = log("web", 0, "upstream shop/bank timed out")
        assert len(stories(named, alert("bank", 25), alert("web", 26))) == 2


class TestMemory:
    def test_only_the_newest_texts_of_a_service_are_kept(self) -> None:
        texts = Texts(keep=10**12, reset=10**15)
        for number in range(100):
            texts.note("shop/a", "error in handler " + "x" * number, number)
        assert len(texts.state()["of"][0][1]) == OF_A_SERVICE

    def test_silent_services_leave_the_state(self) -> None:
        texts = Texts(keep=50, reset=10**15)
        for number in range(1000):
            texts.note(f"shop/{number}", "out of memory", number)
        assert len(texts.state()["of"]) <= 51
        assert len(texts.state()["sayers"]) == 1

    def test_state_through_json_answers_alike(self) -> None:
        first, second = (Texts(keep=50, reset=10**15) for _ in range(2))
        first.note("shop/a", "connection pool exhausted", 1)
        first.note("shop/b", "connection pool is exhausted", 2)
        second.load(json.loads(json.dumps(first.state())))
        assert second.likeness("shop/a", "shop/b", 3) == first.likeness("shop/a", "shop/b", 3) == 0.75
        assert second.state() == first.state()

    def test_words_that_vary_do_not_count(self) -> None:
        texts = Texts(keep=50, reset=10**15)
        texts.note("shop/a", "worker 17 lost lease <id>", 1)
        texts.note("shop/b", "worker 4 lost lease <id>", 2)
        assert texts.likeness("shop/a", "shop/b", 3) == 1.0

    def test_a_service_of_which_nothing_was_heard_is_like_none(self) -> None:
        assert Texts(keep=50, reset=100).likeness("shop/a", "shop/b", 3) == 0.0

    def test_an_event_without_a_message_is_its_reason(self) -> None:
        event = PlatformEvent(timestamp=0, namespace="shop", service="a", reason="OOMKilled")
        assert text_of(event) == "OOMKilled"


RECIPE = """
schema_version: "1.0"
name: linked
lateness_s: 60
detectors:
  - match: {}
    detector: {family: rolling_z_score, window: 5, threshold: 3}
correlator: {family: evidence_links, link_from: 0.4}
paging: {minimum_severity: low}
"""


def stream() -> list[tuple[int, Sample | LogEvent | Tick]]:
    records: list[tuple[int, Sample | LogEvent | Tick]] = []
    for minute in range(60):
        at = minute * MINUTE
        for service, strange in (("bank", 20), ("web", 22)):
            value = 100.0 if minute in (strange, strange + 1) else 1.0 + (minute % 3) / 10
            records.append(
                (at, Sample(timestamp=at, namespace="shop", service=service, metric_name="m", value=value))
            )
        if minute == 22:
            records.append((at, log("web", 22, "upstream shop/bank timed out")))
        records.append((at, Tick(timestamp=at)))
    return records


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_the_engine_hears_texts_before_alerts_of_their_moment_whatever_the_blocks(
    rows: int, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "linked.yaml").write_text(RECIPE)
    engine = Contender.load(str(tmp_path / "linked.yaml")).engine()
    records, said = stream(), []
    for start in range(0, len(records), rows):
        said += engine.push(Block.of_records(engine.series, records[start : start + rows])).incidents
        engine.restore(engine.snapshot())
    said += engine.flush().incidents
    last = {incident.incident_id: incident for incident in said}
    assert [incident.services for incident in last.values()] == [("shop/bank", "shop/web")]
    (link,) = next(iter(last.values())).links or ()
    assert "text" in link.evidence
