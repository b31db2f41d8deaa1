"""One table of how each tool's grades are read as severities; what is in none of them is counted."""

from __future__ import annotations

from titleshot.datasets.contracts.record import Severity

_OWN: dict[str, Severity] = {"critical": "critical", "high": "high", "medium": "medium", "low": "low"}
_P: dict[str, Severity] = {"p1": "critical", "p2": "high", "p3": "medium", "p4": "low", "p5": "low"}
_WORDS: dict[str, Severity] = {
    "page": "critical",
    "emergency": "critical",
    "fatal": "critical",
    "error": "high",
    "major": "high",
    "warning": "medium",
    "warn": "medium",
    "moderate": "medium",
    "minor": "low",
    "notice": "low",
    "info": "low",
    "informational": "low",
    "none": "low",
}
_SEV: dict[str, Severity] = {
    "sev1": "critical",
    "sev2": "high",
    "sev3": "medium",
    "sev4": "low",
    "sev5": "low",
}
SEVERITY_OF: dict[str, dict[str, Severity]] = {
    "alertmanager": {**_OWN, **_WORDS, **_P, **_SEV},
    # A priority says more than an urgency and is taken first; urgency high is what wakes people.
    "pagerduty": {**_P, **_SEV, "high": "high", "low": "low", "critical": "critical", "medium": "medium"},
    "opsgenie": {**_P, **_OWN},
    "csv": {**_OWN, **_WORDS, **_P, **_SEV},
    "labels": _OWN,
}
OTHERWISE: Severity = "medium"
"""What a grade is read as that its tool's table does not have, or that is absent."""


def severity_of(tool: str, word: str) -> Severity | None:
    """The severity a tool's grade stands for; None where the table does not have it.

    >>> severity_of("opsgenie", "P1"), severity_of("pagerduty", "low"), severity_of("csv", "SEV-2")
    ('critical', 'low', 'high')
    """
    return SEVERITY_OF[tool].get("".join(letter for letter in word.lower() if letter.isalnum()))
