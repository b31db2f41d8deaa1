"""Planted faults: where they may lie, that nothing else changes, and that they can be taken out again."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import DAY, SECOND
from titleshot.datasets.contracts.planted import PlantedFault
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import IntegrityError, MalformedInput, UsageError
from titleshot.datasets.planting.free_time import Blocked, FreeTime
from titleshot.datasets.planting.plan import Plan, plan_faults
from titleshot.datasets.planting.planted_copy import write_planted
from titleshot.datasets.planting.restored import planted_faults, write_restored
from titleshot.datasets.planting.wishes import Wishes
from titleshot.datasets.sample_files import sample_groups
from titleshot.datasets.tables import PLANTED

NAMES = ("series", "timestamp", "value", "ingested_at", "source_row")
MANY = Wishes(most=120, spacing_s=7200, duration_s=3600, overlap=True)


def quiet(*_: object) -> None:
    pass


def planted(dataset: Dataset, out: Path, wishes: Wishes = MANY) -> tuple[Dataset, Plan]:
    plan = plan_faults(dataset, wishes, quiet)
    return write_planted(dataset, plan, wishes, out, name="planted", replace=False, told=quiet), plan


@pytest.fixture(scope="module")
def copy(noisy_shop: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Plan]:
    return planted(noisy_shop, tmp_path_factory.mktemp("planted") / "copy")


def samples(dataset: Dataset) -> dict[str, np.ndarray]:
    """Every sample by its source row."""
    groups = [group.read(NAMES) for group in sample_groups(dataset.path)]
    columns = {name: np.concatenate([group[name] for group in groups]) for name in NAMES}
    order = np.argsort(columns["source_row"])
    return {name: column[order] for name, column in columns.items()}


def within(fault: PlantedFault, rows: dict[str, np.ndarray]) -> np.ndarray:
    times = rows["timestamp"]
    return (rows["series"] == fault.series) & (times >= fault.start) & (times < fault.end)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_seed_plants_the_same_bytes_and_another_seed_others(noisy_shop, copy, tmp_path):
    again, _ = planted(noisy_shop, tmp_path / "again")
    other, _ = planted(noisy_shop, tmp_path / "other", Wishes(seed=8, **_but(MANY, "seed")))
    left_out = {"labels/.lock"}
    assert {k: v for k, v in files(again.path).items() if k not in left_out} == {
        k: v for k, v in files(copy[0].path).items() if k not in left_out
    }
    assert other.card.digest != again.card.digest


def _but(wishes: Wishes, name: str) -> dict[str, object]:
    return {field: value for field, value in vars(wishes).items() if field != name}


def test_no_sample_is_touched_but_those_of_the_faults(noisy_shop, copy):
    before, after = samples(noisy_shop), samples(copy[0])
    there = np.isin(before["source_row"], after["source_row"])
    for name in ("series", "timestamp", "ingested_at", "source_row"):
        assert np.array_equal(before[name][there], after[name])
    changed = before["value"][there].view(np.int64) != after["value"].view(np.int64)
    inside, silent = np.zeros(len(there), bool), np.zeros(len(there), bool)
    for fault in copy[1].faults:
        (silent if fault.kind == "no_data" else inside)[within(fault, before)] = True
    assert np.array_equal(~there, silent)
    assert not np.any(changed & ~inside[there])
    assert changed.sum() > 500
    assert sum(f.samples for f in copy[1].faults) == changed.sum() + silent.sum()


def test_arrival_order_of_what_is_left_is_the_original_s(noisy_shop, copy):
    silent = {(f.series, f.start, f.end) for f in copy[1].faults if f.kind == "no_data"}
    kept = []
    for block in noisy_shop.blocks():
        gone = np.zeros(len(block.codes), bool)
        for series, start, end in silent:
            gone |= (block.codes == series) & (block.timestamps >= start) & (block.timestamps < end)
        kept.append(block.take(~gone))
    after = list(copy[0].blocks())
    for column in ("codes", "timestamps", "arrivals"):
        of_before = np.concatenate([getattr(block, column) for block in kept])
        assert np.array_equal(of_before, np.concatenate([getattr(block, column) for block in after]))


def test_taking_the_faults_out_gives_the_dataset_back_to_the_digest(noisy_shop, copy, tmp_path):
    back = write_restored(copy[0], tmp_path / "back", told=quiet)
    assert back.card.digest == noisy_shop.card.digest != copy[0].card.digest
    for name, column in samples(noisy_shop).items():
        assert column.tobytes() == samples(back)[name].tobytes()
    assert [b.codes.tolist() for b in back.blocks()] == [b.codes.tolist() for b in noisy_shop.blocks()]


def test_it_comes_back_from_small_row_groups_too(noisy_shop, copy_of, tmp_path):
    small = copy_of(noisy_shop.path, "small")
    file = small / "telemetry/samples-00000.parquet"
    pq.write_table(pq.read_table(file), file, row_group_size=997)
    made, _ = planted(Dataset.open(small), tmp_path / "made")
    assert len(sample_groups(made.path)) > 50
    back = write_restored(made, tmp_path / "back", told=quiet)
    assert back.card.digest == noisy_shop.card.digest
    for column in ("codes", "timestamps", "arrivals"):
        before, after = (
            np.concatenate([getattr(block, column) for block in data.blocks()]) for data in (noisy_shop, back)
        )
        assert np.array_equal(before, after)


def test_a_copy_that_was_tampered_with_does_not_come_back(copy, copy_of, tmp_path):
    broken = copy_of(copy[0].path, "broken")
    rows = pq.read_table(broken / PLANTED.path.replace("planted", "replaced"))
    pq.write_table(rows.slice(1), broken / "telemetry/replaced.parquet")
    with pytest.raises(IntegrityError, match="without its planted faults"):
        write_restored(Dataset.open(broken), tmp_path / "back", told=quiet)
    assert not (tmp_path / "back").exists()


def test_a_row_of_what_was_planted_that_breaks_its_contract_is_named(copy, copy_of):
    broken = copy_of(copy[0].path, "broken")
    rows = pq.read_table(broken / PLANTED.path)
    strange = pa.array(["thunder"] * rows.num_rows)
    pq.write_table(
        rows.set_column(rows.schema.get_field_index("kind"), "kind", strange), broken / PLANTED.path
    )
    with pytest.raises(MalformedInput, match=r"planted.parquet: kind"):
        planted_faults(Dataset.open(broken))


def test_nothing_is_planted_where_it_may_not_be(noisy_shop, copy):
    card, margin = noisy_shop.card, round(MANY.margin_s * SECOND)
    spans = [(label.start - margin, label.end + margin, None) for label in noisy_shop.labels().incidents]
    spans += [(span.from_, span.to, None) for span in card.evaluation.dont_care]
    spans += [(row.valid_from, row.valid_to, row.service) for row in noisy_shop.reference()]
    spans += [(0, card.span_from + round((card.span_to - card.span_from) / 3), None)]
    faults = copy[1].faults
    assert len(spans) == 6
    assert len(faults) > 100
    for fault in faults:
        for start, end, service in spans:
            apart = fault.end <= start or fault.start >= end
            assert apart or service not in {None, fault.service}
    for service in {fault.service for fault in faults}:
        mine = sorted((f.start, f.end) for f in faults if f.service == service)
        assert all(b[0] - a[1] >= 7200 * SECOND for a, b in pairwise(mine))


def test_faults_of_different_services_keep_apart_unless_told_otherwise(noisy_shop):
    faults = plan_faults(noisy_shop, Wishes(most=60, spacing_s=7200, duration_s=3600), quiet).faults
    assert len({fault.service for fault in faults}) == 3
    mine = sorted((fault.start, fault.end) for fault in faults)
    assert all(b[0] - a[1] >= 3600 * SECOND for a, b in pairwise(mine))


SPANS = st.lists(
    st.tuples(st.integers(0, 900), st.integers(1, 80), st.sampled_from([None, "a", "b"])), max_size=12
)


@given(
    SPANS,
    st.integers(1, 60),
    st.integers(0, 40),
    st.one_of(st.none(), st.integers(0, 40)),
    st.integers(0, 99),
)
def test_places_drawn_by_lot_never_touch_what_is_taken(spans, length, spacing, apart, seed):
    blocked = [Blocked(s * SECOND, (s + n) * SECOND, who) for s, n, who in spans]
    free = FreeTime(
        0,
        1000 * SECOND,
        blocked,
        spacing=spacing * SECOND,
        apart=None if apart is None else apart * SECOND,
    )
    rng, taken = np.random.default_rng(seed), []
    for number in range(12):
        service = "ab"[number % 2]
        start = free.draw(rng, service, length * SECOND, 0, 1000 * SECOND)
        seconds = range(1000 - length + 1)

        def fits(at: int, service: str = service) -> bool:
            begin, end = at * SECOND, (at + length) * SECOND
            clear = all(end <= b.start or begin >= b.end for b in blocked if b.service in {None, service})
            for other, (begun, ended) in taken:
                room = spacing if other == service else apart
                if room is not None and begin < ended + room * SECOND and begun - room * SECOND < end:
                    return False
            return clear

        if start is None:
            assert not any(map(fits, seconds))
            continue
        assert start % SECOND == 0
        assert fits(start // SECOND)
        free.take(number, service, start, start + length * SECOND)
        taken.append((service, (start, start + length * SECOND)))


def test_every_start_that_fits_is_as_likely_as_another():
    free = FreeTime(0, 100 * SECOND, [Blocked(3 * SECOND, 50 * SECOND, None)], spacing=0, apart=None)
    rng = np.random.default_rng(1)
    drawn = Counter(free.draw(rng, "a", SECOND, 0, 100 * SECOND) // SECOND for _ in range(5300))
    assert set(drawn) == {0, 1, 2, *range(50, 100)}
    assert 60 < min(drawn.values()) <= max(drawn.values()) < 145


def test_values_stay_possible(noisy_shop, copy):
    rows, keys = samples(copy[0]), noisy_shop.series()
    for code, key in enumerate(keys):
        values = rows["value"][rows["series"] == code]
        values = values[np.isfinite(values)]
        if key.metric_name == "queue_depth":
            assert np.array_equal(values, np.rint(values))
        if key.metric_name == "load_ratio":
            assert values.max() <= 1
        if key.metric_name != "temperature":
            assert values.min() >= 0


def test_direction_follows_what_the_metric_s_name_tells(copy):
    pushed = [fault for fault in copy[1].faults if fault.direction != "none"]
    ways = {
        metric: {f.direction for f in pushed if f.metric_name == metric}
        for metric in ("latency_s", "requests_per_second", "temperature")
    }
    assert ways == {"latency_s": {"up"}, "requests_per_second": {"down"}, "temperature": {"up", "down"}}


def test_a_series_that_never_moves_gets_only_silence_and_the_reason_is_counted(noisy_shop, copy):
    kinds = {fault.kind for fault in copy[1].faults if fault.metric_name == "version"}
    assert kinds == {"no_data"}
    plan = plan_faults(noisy_shop, Wishes(metrics="version", kinds=("step", "no_data"), sizes=(4, 8)), quiet)
    assert plan.given_up["no_spread"] == 6


def test_services_kinds_and_sizes_share_evenly_however_early_it_is_cut(noisy_shop):
    for most in (20, 53):
        wishes = Wishes(
            most=most, metrics="*_s", spacing_s=3600, duration_s=1800, overlap=True, sizes=(1, 2, 4, 8)
        )
        faults = plan_faults(noisy_shop, wishes, quiet).faults
        assert len(faults) == most
        for what in ("service", "kind", "size"):
            counts = Counter(getattr(fault, what) for fault in faults)
            assert max(counts.values()) - min(counts.values()) <= 2


def test_each_service_metric_and_kind_gets_every_size_once_where_there_is_room(noisy_shop):
    wishes = Wishes(
        metrics="latency_s", kinds=("step", "spike"), sizes=(4, 8), spacing_s=3600, duration_s=1800
    )
    faults = plan_faults(noisy_shop, wishes, quiet).faults
    assert sorted(Counter((f.service, f.kind, f.size) for f in faults).values()) == [1] * 12


def test_a_whole_service_fault_takes_every_metric_at_once(noisy_shop):
    wishes = Wishes(whole_service=True, kinds=("step",), sizes=(4,), services="cart", metrics="[lq]*")
    plan = plan_faults(noisy_shop, wishes, quiet)
    assert plan.count == 1
    assert {fault.metric_name for fault in plan.faults} == {"latency_s", "load_ratio", "queue_depth"}
    assert len({(fault.start, fault.end, fault.planted_id) for fault in plan.faults}) == 1


def test_silence_is_as_many_samples_as_its_size(copy):
    for fault in copy[1].faults:
        if fault.unit == "sample":
            assert fault.end - fault.start == fault.size * 300 * SECOND
            if fault.kind == "no_data":
                assert abs(fault.samples - fault.size) <= 1 + 0.05 * fault.size


def test_the_copy_says_what_it_is_and_keeps_the_original_s_labels(noisy_shop, copy):
    made, plan = copy
    marker = made.card.planted
    assert made.card.synthetic
    assert marker is not None
    assert (marker.from_name, marker.from_digest, marker.seed) == ("noisy-shop", noisy_shop.card.digest, 7)
    labels = {label.incident_id: label for label in made.labels().incidents}
    original = noisy_shop.labels().incidents
    assert [labels.pop(label.incident_id) for label in original] == original
    assert {(label.source, label.kind.partition(":")[0]) for label in labels.values()} == {
        ("injected", "planted")
    }
    assert len(labels) == plan.count
    assert planted_faults(made) == sorted(plan.faults, key=lambda f: (f.start, f.planted_id, f.series))
    made.verify()


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ({"kinds": ("spikes",)}, "unknown kind of fault 'spikes'; did you mean 'spike'"),
        ({"kinds": ("step", "step")}, "one is named twice"),
        ({"sizes": ()}, "sizes must be numbers above 0"),
        ({"sizes": (1.0, float("nan"))}, "sizes must be numbers above 0"),
        ({"sizes": (2.0, 2.0)}, "one is named twice"),
        ({"most": 0}, "most must be at least 1"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"spacing_s": -1.0}, "spacing_s must be from 0"),
        ({"duration_s": 0.0}, "duration_s must be above 0"),
        ({"margin_s": float("inf")}, "margin_s must be from 0"),
    ],
)
def test_wishes_that_cannot_be_are_refused_in_words(wishes, says):
    with pytest.raises(UsageError, match=says):
        Wishes(**wishes)


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ({"services": "nobody"}, "no series of 'noisy-shop' fits services 'nobody'"),
        ({"warm_up_s": 30 * 86_400.0}, "no time to plant in"),
        ({"metrics": "version", "kinds": ("step",)}, "did not move before it"),
        ({"duration_s": 20 * 86_400.0, "kinds": ("step",)}, "nothing could be planted"),
    ],
)
def test_a_plan_without_a_place_says_why(noisy_shop, wishes, says):
    with pytest.raises(UsageError, match=says):
        plan_faults(noisy_shop, Wishes(**wishes), quiet)


def test_nothing_is_written_over(noisy_shop, copy_of, tmp_path):
    place = copy_of(noisy_shop.path, "there")
    for out in (place, noisy_shop.path):
        with pytest.raises(UsageError, match=r"holds a dataset|is the dataset itself"):
            planted(noisy_shop, out, Wishes(most=1))
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").touch()
    with pytest.raises(UsageError, match="not empty"):
        planted(noisy_shop, tmp_path / "other", Wishes(most=1))


def test_a_tuning_span_and_its_own_evaluation_span_are_kept(noisy_shop):
    first, last = noisy_shop.card.span_from + 9 * DAY, noisy_shop.card.span_to - 2 * DAY
    evaluation = noisy_shop.card.evaluation.model_copy(update={"tuning_until": first, "span_to": last})
    data = Dataset(noisy_shop.path, noisy_shop.card.model_copy(update={"evaluation": evaluation}))
    faults = plan_faults(data, MANY, quiet).faults
    assert all(first <= fault.start < fault.end <= last - 3600 * SECOND for fault in faults)


def test_replaced_keeps_no_more_than_what_was_touched(copy):
    rows = pq.read_table(copy[0].path / "telemetry/replaced.parquet")
    assert rows.num_rows == sum(fault.samples for fault in copy[1].faults)
    assert isinstance(rows.schema.field("removed").type, type(pa.bool_()))
