"""Links, recurrence and abstention through a log; logs written before they existed are still read."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.incidents import Hypothesis, IncidentCandidate, Link
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.log_about import VERSION
from titleshot.datasets.replay_log import INCIDENTS, LogWriter, ReplayLog, incidents_table

LINK = Link(
    event_id="e2",
    service="shop/web",
    to="shop/cart",
    anchor="shop/cart",
    score=0.8,
    evidence={"topology": 0.8},
)
PLAIN = IncidentCandidate(
    incident_id="i1",
    status="closed",
    severity="low",
    services=("shop/cart",),
    event_ids=("e1",),
    opened_at=0,
    last_event_at=1,
    emitted_at=2,
    hypotheses=(Hypothesis(service="shop/cart", reason="alone", confidence=0.4),),
    correlator="c@0",
)
EXPLAINED = PLAIN.model_copy(
    update={
        "incident_id": "i2",
        "hypotheses": (),
        "links": (LINK,),
        "recurs_of": ("i0",),
        "reopened": 2,
        "abstains": "no service is sure enough",
    }
)


def written(folder: Path) -> Path:
    with LogWriter(folder) as writer:
        writer.about = {"schema_version": VERSION}
        writer.append("incidents", incidents_table([PLAIN, EXPLAINED]))
    return folder


def test_what_a_correlator_explains_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert ReplayLog(written(tmp_path / "log")).incidents() == [PLAIN, EXPLAINED]


def test_a_log_from_before_links_is_read_and_says_none(tmp_path: Path) -> None:
    log = written(tmp_path / "log")
    old = [name for name in INCIDENTS.names if name not in ("links", "recurs_of", "reopened", "abstains")]
    path = log / "incidents.parquet"
    pq.write_table(pq.read_table(path).select(old), path)
    first, second = ReplayLog(log).incidents()
    assert first == PLAIN
    assert (second.links, second.recurs_of, second.reopened, second.abstains) == (None, None, None, None)


def test_a_log_without_an_older_column_is_refused(tmp_path: Path) -> None:
    log = written(tmp_path / "log")
    path = log / "incidents.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["severity"]), path)
    with pytest.raises(MalformedInput, match="no column 'severity'"):
        ReplayLog(log).incidents()


def test_a_record_of_the_first_version_is_read() -> None:
    old = PLAIN.model_dump(mode="json", exclude_none=True) | {"schema_version": "1.0"}
    assert IncidentCandidate.model_validate(old).links is None
