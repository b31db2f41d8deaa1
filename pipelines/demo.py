"""``demo``: the whole way on the synthetic platform, with all three answers of the judge."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.decision import Decision, Owners
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.synthetic.platform import SyntheticPlatform
from titleshot.datasets.yaml_file import dump_yaml
from titleshot.pipelines.compare import Judged, compare
from titleshot.pipelines.generate import generate
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.pipelines.promote import promote
from titleshot.pipelines.register import register
from titleshot.pipelines.replay import replay
from titleshot.pipelines.serve_history import serve_history
from titleshot.pipelines.status import status
from titleshot.pipelines.validate import validate

MARK = "demo.json"
DECISION = Decision(
    name="checkout-paging",
    decision=(
        "Page the team that owns the service an incident starts in, within fifteen minutes, "
        "when customers of the shop are about to notice."
    ),
    services=("commerce/*", "platform/*"),
    detect_within_s=900,
    success_score="alarming_precision",
    human_workflow="The page opens an incident; the responder answers five questions when it is over.",
    owners=Owners(data="platform", model="reliability", runtime="platform", feedback="on-call leads"),
)
TODAY, BETTER, NOISY = "baseline", "general", "module"
"""Shipped contenders: what pages today, what wants to, and one that pages too much."""
SERVED_HOURS = 48


@dataclass
class Story:
    """What happened, a line a step, with the seconds it took."""

    progress: Progress
    lines: list[str] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    since: float = field(default_factory=time.perf_counter)

    def tell(self, line: str, **facts: Any) -> None:
        """End a step."""
        now = time.perf_counter()
        self.lines.append(f"{len(self.lines) + 1:>2}. {line} [{now - self.since:.0f} s]")
        self.document |= facts
        self.since = now
        self.progress("demo", len(self.lines), 11)


def demo(
    *, out: Path | str = "titleshot-demo", days: int = 120, seed: int = 7, progress: Progress = silent
) -> Outcome:
    """Generate, validate, replay, compare, judge, register, promote, serve and report, below one folder.

    Args:
        out: folder; a demo that is there already is replaced.
        days: of telemetry; two weeks of them are what the first comparison sees.

    Raises:
        UsageError: ``out`` holds something else, or ``days`` or ``seed`` break their rules.
    """
    SyntheticPlatform(days=days, seed=seed)  # refused before anything is made or replaced
    place = _fresh(Path(out))
    story = Story(progress)
    home, logs = place / "home", place / "logs"
    data = generate(place / "dataset", days=days, seed=seed)
    card = data.card
    incidents = len(data.labels().incidents)
    story.tell(
        f"generated {card.rows:,} samples of {card.series} series over {days} days, {incidents} incidents"
    )
    report = validate(data)
    warned = sum(not rule.passed for rule in report.rules)
    story.tell(f"validated: passed with {warned} warnings (dirt was planted: {_dirt(report)})")

    _write(place / "decision.yaml", dump_yaml(DECISION.model_dump(mode="json")))
    first = register(TODAY, decision=DECISION, home=home, actor="demo", challenge=False).line
    promote(
        DECISION.name,
        first.version,
        home=home,
        evidence=None,
        override=True,
        actor="demo",
        reason="it pages today",
    )
    story.tell(f"{TODAY} is what pages today: version {first.version} of {DECISION.name}, champion by decree")

    for name in (TODAY, BETTER, NOISY):
        replay(data, name, out=logs / name)
    story.tell(f"replayed {TODAY}, {BETTER} and {NOISY} over the same records in the order they arrived")

    two_weeks = card.span_from + 16 * DAY  # two of them are warm-up
    for name in (TODAY, BETTER):
        replay(data, name, out=logs / f"{name}-two-weeks", to=two_weeks)
    early = _compared(
        place, logs, f"{TODAY}-two-weeks", f"{BETTER}-two-weeks", data, "two-weeks", as_of=two_weeks
    )
    story.tell(f"{BETTER} after two weeks of labels: {_answer(early)}", two_weeks=early.verdict.answer)
    noisy = _compared(place, logs, TODAY, NOISY, data, "noisy")
    story.tell(f"{NOISY} over all {days} days: {_answer(noisy)}", noisy=noisy.verdict.answer)
    better = _compared(place, logs, TODAY, BETTER, data, "better")
    story.tell(f"{BETTER} over all {days} days: {_answer(better)}", better=better.verdict.answer)

    if better.verdict.answer == "promote":
        second = register(BETTER, decision=DECISION, home=home, actor="demo").line
        promote(
            DECISION.name, second.version, home=home, evidence=place / "evidence" / "better", actor="demo"
        )
        story.tell(f"{BETTER} registered as version {second.version} and promoted on that evidence")
    served = serve_history(data, DECISION.name, home=home, hours=SERVED_HOURS)
    said = served.said
    story.tell(
        f"served the champion over the last {SERVED_HOURS} hours in a process of its own: "
        f"{served.records:,} records in, {said.get('event', 0)} events and {said.get('page', 0)} pages "
        f"out; a replay of its journal says {'the same' if served.equal else 'something else'}",
        served_equals_replayed=served.equal,
    )
    now = status(DECISION.name, home=home)
    page = place / "report.html"
    shutil.copyfile(place / "evidence" / "better" / "report.html", page)
    story.tell(f"the page to read: {page}", report=str(page), champion=now.champion)
    _write(place / MARK, json.dumps(story.document, indent=1, sort_keys=True) + "\n")
    return Outcome("\n".join(story.lines), story.document)


def _fresh(place: Path) -> Path:
    if place.exists() and any(place.iterdir()):
        if not (place / MARK).is_file():
            raise UsageError(f"{place} is not a demo and not empty; choose another --out")
        shutil.rmtree(place)
    place.mkdir(parents=True, exist_ok=True)
    # Written first: a demo that was cut short may be replaced by the next one.
    _write(place / MARK, "{}\n")
    return place


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _compared(
    place: Path,
    logs: Path,
    champion: str,
    challenger: str,
    data: Dataset,
    name: str,
    as_of: int | None = None,
) -> Judged:
    return compare(
        logs / champion,
        logs / challenger,
        labels=data,
        home=place / "home",
        decision=DECISION,
        as_of=as_of,
        out=place / "evidence" / name,
        actor="demo",
    )


def _answer(judged: Judged) -> str:
    verdict = judged.verdict
    why = verdict.missing[0] if verdict.answer == "not_enough_evidence" and verdict.missing else ""
    why = why or (verdict.reasons[0] if verdict.reasons else "")
    return f"{verdict.answer.upper().replace('_', ' ')}. {why}"


def _dirt(report: Any) -> str:
    return ", ".join(f"{rule.rows:,} {rule.rule}" for rule in report.rules if not rule.passed)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot demo``."""
    parser.add_argument(
        "--out", type=Path, default=Path("titleshot-demo"), metavar="DIR", help="folder for all of it"
    )
    parser.add_argument("--days", type=int, default=120, help="days of telemetry (default 120)")
    parser.add_argument("--seed", type=int, default=7, help="another seed is another platform")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot demo``."""
    return demo(out=args.out, days=args.days, seed=args.seed, progress=progress)
