"""Every score a policy may name: what it may be asked for, and why a comparison may not have it."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.scores import Direction
from titleshot.registry.labelling import to_begin_with
from titleshot.registry.policy import Criterion
from titleshot.registry.wording import title
from titleshot.reports.correlation.paired import PAIRED as PAIRED_CANDIDATES
from titleshot.reports.correlation.registered import CORRELATION_SCORES
from titleshot.reports.defined import Defined, least_and_most
from titleshot.reports.feedback.definitions import USEFULNESS
from titleshot.reports.scores.registered import SCORES


@dataclass(frozen=True)
class KnownScore:
    """What the definitions say of a score."""

    name: str
    unit: str
    better: Direction | None
    n_of: str
    low: float
    """The least value there can be; −inf where there is no least."""
    high: float
    groups: frozenset[str]
    """What it is told by: severity, kind, service, team."""
    paired: bool
    """Whether ``compare`` makes the paired difference of two contenders."""
    interval: bool
    """Whether it can ever have an interval; without one nothing passes and nothing fails."""
    instead: str | None
    """What to judge by instead, where a miss could make the score better or leave it undefined."""


_PAIRED = {USEFULNESS.name, *(one.name for one in SCORES), *(one.name for one in PAIRED_CANDIDATES)}
_DEFINED: tuple[Defined, ...] = (*SCORES, USEFULNESS, *CORRELATION_SCORES)
KNOWN: dict[str, KnownScore] = {
    one.name: KnownScore(
        one.name,
        one.unit,
        one.better,
        one.n_of,
        *least_and_most(one.range),
        groups=frozenset(getattr(one, "groups", ())),
        paired=one.name in _PAIRED,
        interval=getattr(one, "kind", "") != "count" and not getattr(one, "no_interval", None),
        instead=getattr(one, "instead", None),
    )
    for one in _DEFINED
}
CORRELATION = frozenset(definition.name for definition in CORRELATION_SCORES)


def faults_of_asking(criterion: Criterion) -> list[str]:
    """Why a known score cannot be asked for like this, on any data; empty where it can, or is not known."""
    known = KNOWN.get(criterion.score)
    if known is None:
        return []
    faults = []
    if not known.paired and criterion.kind != "ceiling":
        faults.append(
            f"{known.name}: compare makes no paired difference of what candidates are worth; ask for it as "
            "kind: ceiling, which is a floor where up is better"
        )
    if known.instead is not None:
        faults.append(
            f"{known.name} is of detected incidents only, or undefined where too few are, so missing one "
            f"more could end a failure; judge by {known.instead}"
        )
    rail = criterion.group_guardrail
    faults += [
        fault
        for margin, kind in ((criterion.margin, criterion.kind), (rail.margin if rail else 0.0, "guardrail"))
        if (fault := _beyond_reach(known, margin, kind)) is not None
    ]
    if known.name in CORRELATION and known.better is None:
        faults.append(f"{known.name} is context, something worthless earns much of it; ask for another score")
    return faults


def _beyond_reach(known: KnownScore, margin: float, kind: str) -> str | None:
    """A margin no value comes to: five points of a share are 0.05, and by a margin of 5 all would pass."""
    most = known.high if kind == "ceiling" else known.high - known.low
    if margin < most:
        return None
    return (
        f"{known.name} lies between {known.low:g} and {known.high:g}, so a {kind} margin of {margin:g} "
        f"decides nothing; give it in the score's unit, 5 points are 0.05"
    )


def absence_of(name: str, comparison: Comparison) -> tuple[str, str] | None:
    """Why a known score is not in a comparison, and what would bring it; None where it is not known."""
    if name not in KNOWN:
        return None
    if name == USEFULNESS.name:
        return "nobody judged a page yet", to_begin_with(comparison)
    if name in CORRELATION:
        candidates = comparison.challenger.correlation
        if candidates is None:
            return "not computed in this comparison", "compare again with this policy"
        why = candidates.reason or "the log gives none"
        return why, "a challenger with a correlator, whose log holds candidates"
    return (
        "this data does not give it",
        f"data that gives {title(name)} (see reports/SCORES.md); compare again where it should",
    )
