"""The canonical digest of samples, Parquet read included: against a Python loop and against bare SHA-256.

10 million samples of 1,000 series. The loop packs and hashes row by row, and must come to the same digest on
a small dataset; SHA-256 alone hashes as many bytes as the canonical form has, from memory.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.sample_files import sample_groups
from titleshot.pipelines.bench import Clock, Floor, Result, cost_of
from titleshot.pipelines.outcome import Progress

SERIES = 1_000
SAMPLES = 10_000_000
SLICE = 100_000
ROW_BYTES = 37


def bench(scratch: Path, progress: Progress) -> Result:
    """Make the data, then time each in a process of its own."""
    data = {}
    for place, samples in enumerate((SAMPLES, SAMPLES // 4, SLICE)):
        progress("digest: data", place, 3)
        data[samples] = str(_dataset(scratch / f"data-{samples}", samples))
    whole, quarter, small = data.values()
    progress("digest: titleshot", 0, 3)
    ours = cost_of(__file__, "digested", dataset=whole, warm=small)
    less = cost_of(__file__, "digested", dataset=quarter, warm=small)
    progress("digest: python loop", 1, 3)
    loop = cost_of(__file__, "looped", dataset=small)
    few = cost_of(__file__, "digested", dataset=small, warm=small)
    progress("digest: bare SHA-256", 2, 3)
    bare = cost_of(__file__, "hashed", size=SAMPLES * ROW_BYTES)
    if loop.said != few.said:
        raise AssertionError("the plain loop comes to another digest")
    mine, theirs = ours.cpu_s / SAMPLES * 1e9, loop.cpu_s / SLICE * 1e9
    return Result(
        ours=mine,
        reference=theirs,
        unit="CPU ns per sample",
        reference_name="a plain Python loop",
        floors=(
            Floor("times the plain Python loop", theirs / mine, least=4),
            Floor("of the speed of SHA-256 alone", bare.cpu_s / ours.cpu_s, least=0.25),
            Floor("peak memory, GB", ours.peak_bytes / 1e9, most=1),
            Floor(
                "peak memory against that of a quarter of the samples",
                ours.peak_bytes / less.peak_bytes,
                most=1.4,
            ),
        ),
        more={
            "samples": SAMPLES,
            "titleshot_cpu_s": round(ours.cpu_s, 3),
            "sha256_cpu_s": round(bare.cpu_s, 3),
            "peak_gb": round(ours.peak_bytes / 1e9, 3),
            "peak_gb_of_a_quarter": round(less.peak_bytes / 1e9, 3),
        },
    )


def digested(clock: Clock, dataset: str, warm: str) -> str:
    """Ours, from the files on."""
    from titleshot.datasets.digest import samples_entry

    samples_entry(sample_groups(Path(warm)))
    with clock:
        return samples_entry(sample_groups(Path(dataset))).digest


def looped(clock: Clock, dataset: str) -> str:
    """The definition, row by row; rows come in canonical order here."""
    from titleshot.datasets.tables import SAMPLES as TABLE

    names = ("series", "timestamp", "value", "source_row")
    (columns,) = [group.read(names) for group in sample_groups(Path(dataset))]
    rows = list(zip(*(columns[name].tolist() for name in names), strict=True))
    header = canonical_json([[c.name, c.kind, c.nullable] for c in TABLE.columns]).encode()
    with clock:
        digest = hashlib.sha256(struct.pack("<Q", len(header)) + header)
        for series, timestamp, value, source_row in sorted(rows, key=lambda row: (row[1], row[0], row[3])):
            digest.update(struct.pack("<iqdBqq", series, timestamp, value + 0.0, 0, 0, source_row))
        digest.update(struct.pack("<Q", len(rows)))
    return digest.hexdigest()


def hashed(clock: Clock, size: int) -> str:
    """SHA-256 of so many bytes."""
    block = bytes(1 << 20)
    with clock:
        digest = hashlib.sha256()
        for _ in range(size >> 20):
            digest.update(block)
    return digest.hexdigest()


def _dataset(path: Path, samples: int) -> Path:
    keys = [SeriesKey("bench", f"service-{i:04d}", "latency_p99") for i in range(SERIES)]
    rng = np.random.default_rng(samples)
    with DatasetWriter(path, name=path.name, cadence_s=60, synthetic=True, replace=True) as writer:
        codes = writer.add_series(keys)
        for start in range(0, samples // SERIES, 100):
            minutes = np.repeat(np.arange(start, min(start + 100, samples // SERIES)), SERIES)
            values = rng.normal(size=len(minutes))
            writer.add_samples(np.tile(codes, len(minutes) // SERIES), minutes * MINUTE, values)
    return path
