"""``compare``: a challenger's log against the champion's, judged, with the evidence in a folder."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.contracts.html_table import ShowsItself
from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.planting.traces import refuse_planted
from titleshot.datasets.replay_log import ReplayLog
from titleshot.datasets.yaml_file import load_yaml
from titleshot.pipelines.argument_types import instant
from titleshot.pipelines.compare_words import told_of_change
from titleshot.pipelines.judge import EXIT_CODES
from titleshot.pipelines.measured import measured_in, shadow_run
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.registry.evidence import Evidence, write_evidence
from titleshot.registry.home import Home
from titleshot.registry.judge import NO_CHAMPION, in_short, judge
from titleshot.registry.ledger import Ledger
from titleshot.registry.looks import looks_before, record_look
from titleshot.registry.policy import Policy, load_policy
from titleshot.registry.promotion import whoami
from titleshot.registry.sources import Sources
from titleshot.registry.success_score import check_success_score
from titleshot.reports.comparison import compare_logs
from titleshot.reports.rendering.history import caveats

_WAIT_S = 600.0
"""For other comparisons of the same home, which write a report of their own."""


@dataclass(frozen=True)
class Judged(ShowsItself):
    """A comparison, the judge's answer, and where the evidence is."""

    evidence: Evidence

    @property
    def comparison(self) -> Comparison:
        return self.evidence.comparison

    @property
    def verdict(self) -> Verdict:
        return self.evidence.verdict

    def _repr_html_(self) -> str:
        return self.verdict._repr_html_() + self.comparison._repr_html_()


def compare(
    champion: ReplayLog | Path | str | None,
    challenger: ReplayLog | Path | str,
    *,
    labels: Dataset | Path | str,
    home: Path,
    policy: Policy | Path | None = None,
    decision: Decision | Path | None = None,
    as_of: int | None = None,
    group: str | None = None,
    shadow: ReplayLog | Path | None = None,
    out: Path | None = None,
    actor: str | None = None,
    progress: Progress = silent,
) -> Judged:
    """Compare, judge, write the evidence and count the look.

    Args:
        champion: log of what pages today; None or ``never`` where nothing does yet.
        labels: the dataset both were replayed on.
        home: its ledger counts the look; a promotion from another home would not know the evidence.
        policy: None is the shipped default.
        decision: heads the report, and caps delays at its ``detect_within_s``.
        as_of: labels known at this moment, nanoseconds UTC; None takes all there are.
        group: the service group it is judged for; a policy may ask less of narrow ones.
        shadow: log that ``journal`` made of a sidecar's journal: what the challenger was measured to take.
            None takes the challenger's own log, where that is one.
        out: folder for the evidence; None is ``HOME/evidence/<decision id>``.

    Raises:
        InvalidDataset: the dataset is not validated, or a log was replayed from other data.
        MalformedInput: a log, policy or decision breaks its contract.
        UsageError: nothing to compare in the span, the dataset has planted faults, ``shadow`` measured
            nothing, or ``out`` is something else.
    """
    place, chosen = Home(home), policy if isinstance(policy, Policy) else load_policy(policy)
    purpose = load_yaml(decision, Decision) if isinstance(decision, Path) else decision
    if purpose is not None:
        check_success_score(purpose)
    data = labels if isinstance(labels, Dataset) else Dataset.open(labels)
    refuse_planted(data, "compare")
    report = data.validated()
    first, second = _log(champion), _log(challenger)
    if second is None:
        raise TypeError("the challenger needs a log")
    ran = _log(shadow)
    measured = measured_in(second) if ran is None else shadow_run(ran)
    progress("comparing", 0, 2)
    comparison = compare_logs(
        first,
        second,
        data,
        as_of=as_of,
        detect_within_s=purpose.detect_within_s if purpose else None,
        seed=chosen.resampling.seed,
        resamples=chosen.resampling.resamples,
        confidence=chosen.confidence,
        decisive_confidence=chosen.decisive_confidence,
        confidences=chosen.confidences(champion=first is not None, group=group),
    )
    progress("comparing", 1, 2)
    ledger = Ledger(place.ledger)
    place.make()
    # Counted, judged and written down under one lock: of two at once, one must see the other's look.
    with place.locked("looks", timeout_s=_WAIT_S):
        verdict = judge(
            comparison,
            chosen,
            looks=looks_before(ledger, comparison, chosen),
            validation=report,
            measured=measured,
            group=group,
        )
        evidence = write_evidence(
            out,
            comparison,
            verdict,
            chosen,
            beneath=place.evidence,
            decision=purpose,
            validation=report,
            measured=measured,
            sources=Sources.of(first, second, data, as_of),
        )
        record_look(ledger, evidence, actor or whoami())
    progress("comparing", 2, 2)
    return Judged(evidence)


def _log(source: ReplayLog | Path | str | None) -> ReplayLog | None:
    if source is None or isinstance(source, ReplayLog):
        return source
    return None if str(source) == NO_CHAMPION else ReplayLog(Path(source))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot compare``."""
    parser.add_argument(
        "champion", metavar="CHAMPION_LOG", help="log of what pages today, or never where nothing does yet"
    )
    parser.add_argument("challenger", metavar="CHALLENGER_LOG", type=Path, help="log of what wants to page")
    parser.add_argument(
        "--labels", type=Path, required=True, metavar="DATASET", help="the dataset both were replayed on"
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="promotion policy (the shipped default)")
    parser.add_argument("--decision", type=Path, metavar="FILE", help="decision.yaml that heads the report")
    parser.add_argument("--as-of", type=instant, metavar="TIME", help="labels known at this time")
    parser.add_argument("--group", metavar="G", help="judge it for this service group alone")
    parser.add_argument(
        "--shadow", type=Path, metavar="LOG", help="of the challenger's shadow run, for minimum and budgets"
    )
    parser.add_argument("--out", type=Path, metavar="EVIDENCE", help="folder (default: below HOME/evidence)")
    parser.add_argument("--actor", help="who does this (default: TITLESHOT_ACTOR, else the user)")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot compare``; exit 0 promote, 1 reject, 2 invalid, 3 not enough evidence."""
    judged = compare(
        args.champion,
        args.challenger,
        labels=args.labels,
        home=args.home,
        policy=args.policy,
        decision=args.decision,
        as_of=args.as_of,
        group=args.group,
        shadow=args.shadow,
        out=args.out,
        actor=args.actor,
        progress=progress,
    )
    evidence, verdict = judged.evidence, judged.verdict
    document = {
        "evidence": str(evidence.folder),
        "evidence_digest": evidence.digest,
        "decision_id": evidence.record.decision_id,
        "verdict": verdict.model_dump(mode="json"),
        "pairs": [pair.model_dump(mode="json") for pair in judged.comparison.pairs],
        "correlator_change": None
        if judged.comparison.correlator_change is None
        else judged.comparison.correlator_change.model_dump(mode="json"),
        "correlation_pairs": [pair.model_dump(mode="json") for pair in judged.comparison.correlation_pairs],
    }
    lines = [
        in_short(verdict),
        *_known_of(judged.comparison),
        *told_of_change(judged.comparison.correlator_change),
        f"evidence: {evidence.folder}",
    ]
    text = "\n".join(lines)
    return Outcome(text, document, EXIT_CODES[verdict.answer])


def _known_of(comparison: Comparison) -> list[str]:
    """What a reader must know of a side that is an imported page history."""
    said = []
    for role, card in (("Champion", comparison.champion), ("Challenger", comparison.challenger)):
        if notes := caveats(card):
            settings, who = card.settings, card.identity.contender
            until = settings.span_to - settings.span_to % SECOND
            span = f"{format_instant(settings.span_from)} to {format_instant(until)}"
            said += [f"{role}: {who}, an imported page history, compared over {span}."]
            said += [f"note: {note}" for note in notes]
    return list(dict.fromkeys(said))
