"""Which bytes the numbers speak of, and how they were made."""

from __future__ import annotations

from titleshot.datasets.contracts.scores import Scorecard, Settings
from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.reports.rendering.wording import NONE, counted, day, digest, duration, moment, number, percent


def identity_rows(
    cards: tuple[Scorecard, ...], roles: tuple[str, ...], verdict: Verdict | None
) -> list[tuple[str, str, str | None]]:
    """Data, labels and code once; contenders each: (label, as shown, in full where shown shorter)."""
    rows: list[tuple[str, str, str | None]] = []
    for card, role in zip(cards, roles, strict=True):
        known = card.identity
        rows.append((role.capitalize(), known.contender, None))
        if known.pages_digest is not None:
            rows.append(("its pages, an imported history", *_digest(known.pages_digest, "")))
            continue
        rows.append(("its recipe", *_digest(known.recipe_digest, "none: page history or baseline")))
        rows.append(("its artifact", *_digest(known.artifact_digest, "none: nothing to serve")))
    known = cards[-1].identity
    commit, in_full = _digest(known.code_commit, "not known")
    rows += [
        ("Dataset", known.dataset, None),
        ("its digest", *_digest(known.dataset_digest, "")),
        ("Labels digest", *_digest(known.labels_digest, "")),
        ("Labels as of", moment(known.labels_as_of), None),
        ("Code", f"{commit}, with uncommitted changes" if known.code_dirty else commit, in_full),
        ("Packages lock", *_digest(known.lock_digest, "not known")),
    ]
    if verdict is not None:
        rows += [
            ("Policy", verdict.policy_name, None),
            ("its digest", *_digest(verdict.policy_digest, "")),
            ("Judged", moment(verdict.judged_at), None),
            ("Earlier looks at this span", f"{verdict.looks}", None),
        ]
    return rows


def _digest(text: str | None, otherwise: str) -> tuple[str, str | None]:
    return (otherwise, None) if text is None else (digest(text), text)


def setting_rows(settings: Settings) -> list[tuple[str, str]]:
    """As resolved by the scorer."""
    early = ", ".join(f"{source} {duration(early_s)}" for source, early_s in sorted(settings.early_s.items()))
    return [
        ("Scored span", f"{day(settings.span_from)} up to {day(settings.span_to)}"),
        ("Warm-up left out", duration(settings.warm_up_s)),
        ("A page may come early by", early or NONE),
        ("A page may come late by", duration(settings.grace_s)),
        ("Callers counted as affected", f"within {counted(settings.hops, 'hop')}, where not labelled"),
        ("Labels", "declared complete" if settings.labels_complete else "not declared complete"),
        ("A page helps within", duration(settings.detect_within_s)),
        ("Confidence", percent(settings.confidence)),
        ("Blocks", f"{settings.blocks} days"),
        ("Resamples", number(settings.resamples)),
        ("Seed", f"{settings.seed}"),
    ]
