"""verify makes the comparison again: what it demands, what it says where logs are gone, and what moves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.instants import DAY, format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.compare import compare
from titleshot.pipelines.recompute import Places, recompute
from titleshot.pipelines.replay import replay
from titleshot.pipelines.verify import verify
from titleshot.registry.evidence import Evidence, read_evidence, write_evidence

pytestmark = pytest.mark.slow
Titleshot = Callable[..., Any]


class World(NamedTuple):
    """Everything below one folder, as a team has it."""

    folder: Path
    data: Path
    champion: Path
    challenger: Path
    home: Path
    evidence: Path


@pytest.fixture(scope="module")
def template(
    small_platform: Dataset, small_log: ReplayLog, tmp_path_factory: pytest.TempPathFactory
) -> World:
    folder = tmp_path_factory.mktemp("verify") / "world"
    data = Path(shutil.copytree(small_platform.path, folder / "data"))
    champion = Path(shutil.copytree(small_log.path, folder / "logs" / "baseline"))
    challenger = replay(Dataset.open(data), "general", out=folder / "logs" / "general").path
    made = compare(champion, challenger, labels=data, home=folder / "home", out=folder / "evidence")
    return World(folder, data, champion, challenger, folder / "home", made.evidence.folder)


@pytest.fixture
def world(template: World, tmp_path: Path) -> World:
    """A copy of it all under another name, which is a move."""
    folder = Path(shutil.copytree(template.folder, tmp_path / "moved"))
    return World(folder, *(folder / place.relative_to(template.folder) for place in template[1:]))


def rewritten(evidence: Evidence, **changes: Any) -> Evidence:
    """Evidence written whole again with another comparison, as a forger with this code would."""
    return write_evidence(
        evidence.folder,
        evidence.comparison.model_copy(update=changes),
        evidence.verdict,
        evidence.policy,
        beneath=evidence.folder.parent,
        decision=evidence.decision,
        validation=evidence.record.validation,
        sources=None,
    )


def test_what_was_moved_together_is_found_and_made_again(world: World, titleshot: Titleshot) -> None:
    done = titleshot("verify", world.evidence, "--home", world.home, "--json")
    assert (done.code, done.document["recomputed"], done.document["in_ledger"]) == (0, True, True)
    assert done.document["not_verified"] == []
    said = "\n".join(done.document["verified"])
    assert "equal bit for bit" in said
    assert "the champion's log, by SHA-256 of" in said
    assert "every table and the labels as of then" in said


def test_alone_elsewhere_it_says_what_was_not_verified(
    world: World, tmp_path: Path, titleshot: Titleshot
) -> None:
    alone = Path(shutil.copytree(world.evidence, tmp_path / "elsewhere" / "deep" / "evidence"))
    done = titleshot("verify", alone, "--json")
    assert (done.code, done.document["recomputed"], done.document["in_ledger"]) == (0, False, False)
    assert [one.split(":")[0] for one in done.document["not_verified"]] == [
        "that it was judged when it says",
        "that the comparison follows from logs and dataset",
    ]
    assert "give --champion, --challenger, --labels" in done.document["not_verified"][1]
    assert "NOT verified: that the comparison" in titleshot("verify", alone).err
    held = verify(alone, champion=world.champion, challenger=world.challenger, labels=world.data)
    assert held.recomputed


def test_naming_some_of_them_is_not_naming_all(world: World, tmp_path: Path, titleshot: Titleshot) -> None:
    alone = Path(shutil.copytree(world.evidence, tmp_path / "elsewhere" / "evidence"))
    done = titleshot("verify", alone, "--labels", world.data)
    assert done.code == 2
    assert "give --champion, --challenger" in done.err


def test_a_number_that_the_logs_do_not_give_is_named(world: World, titleshot: Titleshot) -> None:
    """A forger may write a whole, well-digested folder; the logs still say otherwise."""
    found = read_evidence(world.evidence)
    pair = found.comparison.pairs[0]
    lifted = pair.model_copy(update={"challenger": 0.987654})
    forged = rewritten(found, pairs=(lifted, *found.comparison.pairs[1:]))
    words = ("--champion", world.champion, "--challenger", world.challenger, "--labels", world.data)
    done = titleshot("verify", forged.folder, *words)
    assert done.code == 1
    assert f"pairs[{pair.name}].challenger: 0.987654 then, {json.dumps(pair.challenger)} now" in done.err
    assert "1 values are others" in done.err


def test_another_log_or_dataset_is_not_what_was_compared(
    world: World, tmp_path: Path, titleshot: Titleshot
) -> None:
    words = ["--champion", world.champion, "--challenger", world.challenger, "--labels", world.data]
    swapped = titleshot("verify", world.evidence, "--champion", world.challenger, *words[2:])
    assert swapped.code == 1
    assert "is not the champion's log that was compared" in swapped.err
    pages = world.champion / "pages.parquet"
    table = pq.read_table(pages)
    pq.write_table(table.slice(0, table.num_rows), pages, compression="none")
    touched = titleshot("verify", world.evidence, *words)
    assert touched.code == 1
    assert "compared: pages.parquet" in touched.err
    card = world.data / "dataset.yaml"
    text = card.read_text()
    other = Path(shutil.copytree(world.data, tmp_path / "other"))
    (other / "dataset.yaml").write_text(text.replace("ingest_delay_s:", "ingest_delay_s: 1\n#", 1))
    changed = titleshot("verify", world.evidence, *words[:4], "--labels", other)
    assert changed.code == 1
    assert "is not the dataset that was compared" in changed.err


def test_a_place_that_holds_a_later_replay_speaks_of_the_place_not_of_the_evidence(
    world: World, titleshot: Titleshot
) -> None:
    shutil.rmtree(world.champion)
    replay(Dataset.open(world.data), "by_signal", out=world.champion)
    done = titleshot("verify", world.evidence, "--json")
    assert (done.code, done.document["recomputed"]) == (0, False)
    assert "is not the champion's log that was compared" in done.document["not_verified"][-1]


def test_labels_that_came_later_change_nothing(world: World) -> None:
    data = Dataset.open(world.data)
    labels = data.labels()
    late = labels.incidents[0].model_copy(
        update={"incident_id": "late", "known_at": labels.as_of + DAY, "severity": "critical"}
    )
    data.label_layer.append(incidents=[late])
    assert len(Dataset.open(world.data).labels().incidents) == len(labels.incidents) + 1
    assert verify(world.evidence).recomputed


def test_evidence_as_of_a_time_and_against_nothing_is_made_again_too(world: World) -> None:
    data = Dataset.open(world.data)
    early = data.card.span_from + 19 * DAY
    made = compare(
        None,
        world.challenger,
        labels=data,
        home=world.home,
        as_of=early,
        out=world.folder / "early",
    )
    found = made.evidence
    assert found.sources is not None
    assert (found.sources.champion, found.sources.as_of) == (None, early)
    assert verify(found.folder).recomputed
    # Written before sources were kept, it is found out which moment was asked.
    old = rewritten(found)
    assert old.sources is None
    assert recompute(old, Places(None, world.challenger, world.data)).checked
    assert format_instant(early)[:10] in "".join(found.comparison.challenger.notes)


def test_no_place_of_this_machine_stands_in_evidence(world: World) -> None:
    text = (world.evidence / "sources.json").read_text()
    assert str(world.folder) not in text
    assert json.loads(text)["champion"]["place"] == "../logs/baseline"
