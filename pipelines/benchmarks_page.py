"""``reports/BENCHMARKS.md``: what was measured on public data, on what, how, and what it decides."""

from __future__ import annotations

import re
from collections.abc import Sequence

from titleshot.pipelines.benchmarks import ABOUT, ORACLE, PUBLISHED, SCORED, Benchmark
from titleshot.pipelines.benchmarks_contenders import COOLDOWN_S, NEED_FIT, SHIPPED
from titleshot.pipelines.benchmarks_measured import RESAMPLES, SEED, Measured
from titleshot.pipelines.benchmarks_nab import LABEL_FREE, Protocol
from titleshot.pipelines.benchmarks_nab import RESAMPLES as FILE_DRAWS
from titleshot.pipelines.benchmarks_sets import SETS
from titleshot.reports.identity import Code
from titleshot.reports.literature.nab import PROFILES

_SHORT = 16


def benchmarks_page(found: Sequence[Benchmark], code: Code) -> str:
    """The page as Markdown; what comes from data is escaped."""
    state = {None: "changes not known", True: "with uncommitted changes", False: "clean"}[code.dirty]
    missing = [name for name in SETS if name not in {of.set for of in found}]
    lines = [
        "# Benchmarks: public labelled data",
        "",
        f"Written by `titleshot benchmarks` at commit {code.commit or 'not known'} ({state}).",
        "",
        *_verdict(found),
        "## How",
        "",
        *_how(),
        "",
    ]
    for of in found:
        lines += _set(of)
    if missing:
        lines += [f"Not measured this time: {_and(missing)}.", ""]
    return "\n".join(lines)


def _how() -> list[str]:
    return [
        "- Each set is imported, validated, replayed and scored by the code that judges promotions;",
        "  published scores go the same way, as values of a dataset with the same labels. The data is no",
        "  part of this repository; digests are those of the imported datasets.",
        f"- {_and(SHIPPED)} are contenders as they ship;",
        "  all other rows are a family with its defaults, every alert a page. Those defaults were made to be",
        "  corroborated by others, not to page alone.",
        f"- A page of any of them holds the next of its series for {COOLDOWN_S:g} s of quiet, afresh every",
        "  fourth hour. One parameter set for all files, nothing fitted; `lateness_s` is 0, because nothing",
        "  here comes late.",
        f"- Not measured: {_and(NEED_FIT)}, which have to be fitted on healthy history that",
        "  these sets do not have, and families over feature rows, which need several metrics a service.",
        "- Contenders page at their own threshold, one for all sets, which no sweep over labels has set;",
        f"  where `{SCORED}` looks twice and what then suffices was settled with NAB's labels in sight.",
        f"  Noise passes it once in four thousand samples. `{ABOUT}` hears lone series by `{SCORED}`, and",
        "  servers of many metrics by corroboration.",
        f"  {PUBLISHED} is taken at {ORACLE}, the best on the very labels it is scored on: **oracle**.",
        f"- Intervals are 95 %, resampled from whole days ({RESAMPLES:,} draws, seed {SEED}) and widened by",
        "  closed forms; under 20 days rates have none. Days of one file hang together, so intervals are",
        "  narrow rather than wide.",
        f"- Looked at while designing: the form of `{SCORED}` was chosen with NAB's files in sight, about",
        "  300 variants at first. For its second look some 30 features of its pages and a table of 150 gates",
        "  on them were read, then about 110 settings simulated, on both halves of the files and mostly on",
        "  Microsoft's set too. So its row there is no estimate for files nobody has seen, and the two",
        "  other sets are not unseen either.",
        "- Events that began under an open page count for nobody, so n may differ by a few. Delay is the",
        "  median over all events, a miss being never; it is empty where fewer than half were hit.",
    ]


def _verdict(found: Sequence[Benchmark]) -> list[str]:
    rows = {row.name: row for of in found if of.set == "nab" for row in of.rows}
    ours = rows.get(ABOUT)
    theirs = next((row for row in rows.values() if row.kind == "oracle"), None)
    if ours is None or theirs is None or ours.false[0] is None or theirs.false[0] is None:
        return []
    more, fewer = ours.events > theirs.events, ours.false[0] < theirs.false[0]
    times = f", {ours.false[0] / theirs.false[0]:.1f} times as many" if theirs.false[0] else ""
    met = "The criterion is met." if more and fewer else "**The criterion is not met.**"
    hit = f"`{ABOUT}` hits {ours.events:.0f} of {ours.of_events} events, {PUBLISHED} {theirs.events:.0f}"
    return [
        "## What decides",
        "",
        f"On NAB, more events hit with fewer false pages per series-week than {PUBLISHED}, at its oracle",
        f"threshold, has on the same files. {hit};",
        f"false pages per series-week are {ours.false[0]:.2f} against {theirs.false[0]:.2f}{times}. {met}",
        f"Intervals of both overlap, and the form of `{SCORED}` was chosen with these files in sight.",
        "",
    ]


def _set(of: Benchmark) -> list[str]:
    about = SETS[of.set]
    digests = f"dataset `{of.digest[:_SHORT]}`, labels `{of.labels_digest[:_SHORT]}`"
    counts = f"{of.series:,} series, {of.samples:,} samples, {of.incidents:,} labelled events"
    heads = ("", "events hit", "share", "false pages per series-week", "false pages", "alarming precision")
    return [
        f"## {about.title}",
        "",
        f"Taken: {about.taken}. {counts}; {digests}. {of.cpu_s:.0f} CPU seconds in all.",
        "",
        *_heads(*heads, "delay", "CPU s"),
        *(_row(row) for row in of.rows),
        "",
        *(_curve(of.curve) if of.curve else []),
        *(_protocol(of.protocol) if of.protocol else []),
    ]


def _curve(rows: Sequence[Measured]) -> list[str]:
    return [
        f"### Hits against false pages of `{ABOUT}`",
        "",
        f"By the bar of `{SCORED}` in it, in units of the one that ships. Picking any other than 1 from this",
        "table would be picking it on the labels that are scored: **oracle**. The row of 1 is what ships.",
        "",
        *_heads("", "events hit", "false pages per series-week", "false pages", "alarming precision"),
        *(
            f"| {row.name}{'' if row.name == 'bar of 1' else ' (oracle)'} "
            f"| {row.events:.0f} of {row.of_events} | {_between(row.false)} | {row.false_pages:,} "
            f"| {_between((row.alarming.value, row.alarming.low, row.alarming.high))} |"
            for row in rows
        ),
        "",
    ]


def _row(row: Measured) -> str:
    oracle = " (oracle)" if row.kind == "oracle" else ""
    events = f"{row.events:.0f}" if row.kind != "chance" else f"{row.events:.1f}"
    cells = [
        escaped(row.name) + oracle,
        f"{events} of {row.of_events}",
        _between((row.recall.value, row.recall.low, row.recall.high)),
        _between(row.false),
        "" if row.false_pages is None else f"{row.false_pages:,}",
        _between((row.alarming.value, row.alarming.low, row.alarming.high)),
        "" if row.delay_s is None else f"{row.delay_s / 3600:.1f} h",
        "" if row.cpu_s is None else f"{row.cpu_s:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _protocol(rows: Sequence[Protocol]) -> list[str]:
    profiles = [name.replace("_", " ") for name in PROFILES]
    return [
        "### NAB's own protocol",
        "",
        "The scorer of the benchmark; nothing is decided by it. Swept thresholds are chosen on the labels",
        f"that are scored: oracle. Label-free is `anomaly_score` >= {LABEL_FREE:g}, where a contender pages.",
        f"The interval is of the standard profile over {FILE_DRAWS} draws of files with replacement, seed",
        f"{SEED}, swept anew each time where it was swept.",
        "",
        *_heads("", "threshold", *profiles, "standard, 95 % over files", "sd"),
        *(_protocol_row(row) for row in rows),
        "",
    ]


def _protocol_row(row: Protocol) -> str:
    spread = ["", ""]
    if row.spread is not None:
        low, high, sd = row.spread
        spread = [f"{low:.1f} to {high:.1f}", f"{sd:.1f}"]
    scores = [f"{row.scores[name]:.1f}" for name in PROFILES]
    return f"| {' | '.join([escaped(row.name), row.threshold, *scores, *spread])} |"


def _heads(*names: str) -> list[str]:
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def _between(value: tuple[float | None, float | None, float | None]) -> str:
    middle, low, high = value
    if middle is None:
        return "–"
    return f"{middle:.2f}" if low is None or high is None else f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _and(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def escaped(text: str) -> str:
    r"""Text that is only text in a cell of a Markdown table.

    >>> escaped("a|b*<c>")
    'a\\|b\\*\\<c\\>'
    """
    return re.sub(r"([\\`*_\[\]<>|~#])", r"\\\1", " ".join(text.split()))
