"""``check TARGET``: the laws, tried on a contender or on a class of one's own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from titleshot.pipelines.outcome import Outcome, Progress, silent

NEEDED = {
    1: "score a sample from what came before it, and learn from it only afterwards",
    2: "one step folded over the rows, with nothing that looks at a whole block (means, sorts, shuffles)",
    3: "state per series, with nothing shared between them: no global counter, cache or generator",
    4: "all state as arrays that state() gives and load() takes: parameters, arrays and one step, as in any"
    " family beside it (CONTRIBUTING, A detector family)",
    5: "no time of day, no set or hash order, and every generator seeded from parameters",
    6: "leave out and count what is no finite number, and give a spread a floor, before any arithmetic",
    7: "expected within its bounds, a sample count and a baseline in words, and no score that saturates",
    8: "find the planted fault, and document how often noise is called strange",
    9: "ask reference data and labels only for what was known by then",
    10: "state a memory_s and let nothing older reach an answer; restart running sums at fixed times",
    11: "say opened once and closed once of every story, and merged_into where another takes its alerts over",
    12: "file an alert under one story; where two become one, close the other with merged_into",
    13: "let what closed leave the state, and cut stories that do not end by themselves",
}
"""What a part must do to keep a law it breaks, by number."""


def check(
    *, target: str, params: Mapping[str, Any] | None = None, seeds: int = 3, progress: Progress = silent
) -> Outcome:
    """Try the ten laws, and of a correlator three more; exit code 1 where one is broken.

    Args:
        target: a contender (YAML file, fitted folder, shipped name), a registered detector or correlator
            family, one over feature rows included, or ``module:Class`` / ``path/to/file.py:Class`` of a
            Detector, RowDetector, Correlator or Part.
        params: parameters of a family or class; its defaults where left out.
        seeds: streams per law.

    Raises:
        UsageError: the target names nothing the laws are about.
        MalformedInput: recipe or parameters break their contract.
    """
    # numba and every kernel come with these: not at command-line start
    from titleshot.detectors.law_findings import Finding, laws_of, try_laws
    from titleshot.detectors.law_subjects import subject_of

    subject = subject_of(target, params)
    count = len(laws_of(subject))
    findings = try_laws(
        subject,
        seeds=range(1, seeds + 1),
        progress=lambda number: progress("laws", number - 1, count),
    )
    progress("laws", count, count)
    broken = [finding for finding in findings if finding.outcome == "broken"]

    def told(finding: Finding) -> Iterable[str]:
        yield f"{finding.law.number:>3}  {finding.outcome:<9}  {finding.law.promise}"
        if finding.why:
            yield f"     {finding.why}"
        if finding.stream is not None:
            yield f"     smallest stream that shows it: {finding.stream}"
        if finding.outcome == "broken":
            yield f"     needed: {NEEDED[finding.law.number]}"

    lines = [line for finding in findings for line in told(finding)]
    lines.append(
        f"{target}: {len(broken)} of {count} laws broken"
        if broken
        else f"{target}: keeps the laws; it may be served"
    )
    document = {
        "target": target,
        "servable": not broken,
        "laws": [
            {
                "number": finding.law.number,
                "promise": finding.law.promise,
                "outcome": finding.outcome,
                "why": finding.why,
                "stream": None if finding.stream is None else str(finding.stream),
                "needed": NEEDED[finding.law.number] if finding.outcome == "broken" else None,
            }
            for finding in findings
        ],
    }
    return Outcome("\n".join(lines), document, exit_code=1 if broken else 0)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``check``."""
    parser.add_argument(
        "target",
        metavar="TARGET",
        help="contender (file, folder, shipped name), family (of series, feature rows or incidents), or"
        " module:Class",
    )
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter of a family or class"
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="streams per law (default 3)")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``check`` for the command line."""
    import yaml

    from titleshot.datasets.errors import UsageError

    params = {}
    for given in args.param:
        name, equals, value = given.partition("=")
        if not equals:
            raise UsageError(f"--param {given!r} must be NAME=VALUE, such as window=30")
        try:
            params[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(f"--param {given!r}: {value!r} is no value; quote it") from None
    if args.seeds < 1:
        raise UsageError(f"--seeds must be at least 1, got {args.seeds}")
    here = str(Path.cwd())
    if here not in sys.path:  # as `python -m` has it: a class of one's own lies where one stands
        sys.path.insert(0, here)
    return check(target=args.target, params=params, seeds=args.seeds, progress=progress)
