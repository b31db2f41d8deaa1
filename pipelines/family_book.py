"""``detectors/FAMILIES.md``: a page for every detector family, written from its class, with pictures of it.

Run ``python -m titleshot.pipelines.family_book`` after changing a family; a test compares. ``--costs
build/bench.json`` takes what ``make bench NAME=families`` measured into the page, ``--tails DATASET …``
measures how often calibrated tail probabilities are passed on synthetic platforms.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from titleshot import detectors
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import TitleshotError, UsageError
from titleshot.datasets.whole_output import whole_file
from titleshot.detectors.detector import Detector, Shape
from titleshot.detectors.families import FAMILIES
from titleshot.detectors.lab import Lab
from titleshot.detectors.row_detector import RowDetector
from titleshot.detectors.row_families import ROW_FAMILIES
from titleshot.pipelines.family_pictures import picture
from titleshot.pipelines.family_signals import row_scenes, series_scenes
from titleshot.pipelines.family_words import Kind, Parameter, parameters, told
from titleshot.pipelines.tail_exceedance import LEVELS, exceedance, pooled

FOLDER = Path(str(detectors.__file__)).parent
BOOK = FOLDER / "FAMILIES.md"
PICTURES = FOLDER / "pictures"
COSTS = PICTURES / "costs.json"
TAILS = PICTURES / "tails.json"
Family = type[Detector] | type[RowDetector]

_LAB_EXAMPLE = "sklearn.svm:OneClassSVM"
_HEARS: dict[Shape, str] = {
    "level": "values far from one expectation",
    "silence": "that no sample comes",
    "stuck": "values that stand still",
    "drift": "values that move away slowly",
    "novelty": "values that were never there",
}


def families() -> dict[str, Family]:
    """Every registered family by name: over single series, over feature rows, and ``lab``."""
    known: dict[str, Family] = {**FAMILIES, **ROW_FAMILIES, Lab.family: Lab}
    return {name: known[name] for name in sorted(known)}


def family_book(costs: dict[str, Any], tails: dict[str, Any]) -> str:
    """The book as Markdown; ``costs`` and ``tails`` are what was measured."""
    known = families()
    lines = [
        "# Detector families",
        "",
        "Written by `python -m titleshot.pipelines.family_book` from the classes themselves.",
        "u is strangeness in units of the threshold: an event is made where u ≥ 1.",
        "",
        "Pictures are made by the family itself on seeded noise with a planted fault, with its default",
        "parameters: above one it finds, below one it is deaf to. Dots and red bars are samples with u ≥ 1.",
        "",
        *_about_costs(costs),
        "",
        "| family | hears | batch, µs per row | one row, µs |",
        "|---|---|---|---|",
        *(
            f"| [`{name}`](#{name}) | {_hears(family)} | {_cost(costs, name, 'batch_us')} |"
            f" {_cost(costs, name, 'one_us')} |"
            for name, family in known.items()
        ),
        "",
        *_about_tails(tails),
    ]
    for name, family in known.items():
        lines += ["", *_page(name, family, costs)]
    return "\n".join(lines) + "\n"


def family_picture(name: str) -> str | None:
    """The SVG of a family; None where neither side of it can be shown, or nothing by default is there."""
    family = families()[name]
    if issubclass(family, RowDetector):
        scenes = row_scenes(family)
    elif family is not Lab and any(field.is_required() for field in family.Params.model_fields.values()):
        return None
    else:
        scenes = series_scenes(_LAB_EXAMPLE if family is Lab else name)
    return picture(name, scenes) if scenes.found or scenes.missed else None


def measured(path: Path = COSTS) -> dict[str, Any]:
    """Costs as they stand beside the pictures; empty before the first measurement."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def taken(bench: Path) -> dict[str, Any]:
    """The part of ``build/bench.json`` that the book shows.

    Raises:
        UsageError: no such file, or the benchmark ``families`` has not run.
    """
    if not bench.is_file():
        raise UsageError(f"{bench} is no file; run make bench NAME=families")
    result = json.loads(bench.read_text(encoding="utf-8")).get("families")
    if result is None:
        raise UsageError(f"{bench} holds no benchmark families; run make bench NAME=families")
    kept = ("one_row_reference", "one_row_reference_us", "scikit_learn_one_row_us", "families")
    return {name: result[name] for name in kept}


def _about_costs(costs: dict[str, Any]) -> list[str]:
    if not costs:
        return ["Costs: not measured yet; `make bench NAME=families` measures them."]
    forest = costs["scikit_learn_one_row_us"]
    return [
        "Costs are CPU time of one run of `make bench NAME=families` on a busy machine, with 10,000 series",
        "in state for single rows: compare them with each other. In the same run",
        f"{costs['one_row_reference']} took {costs['one_row_reference_us']:.2g} µs for one value,",
        f"scikit-learn's isolation forest {forest:,.0f} µs for one row.",
    ]


def _about_tails(tails: dict[str, Any]) -> list[str]:
    if not tails:
        return ["Tail probabilities: not measured yet; `--tails DATASET` measures them."]
    heads = [f"p ≤ {level:g}" for level in LEVELS]
    return [
        "## How often tail probabilities are passed",
        "",
        "A recipe with `tails:` tells with every event how rare its strangeness is for its series. Here are",
        f"healthy scores of the second half of {tails['platform']},",
        "as many times as often as the level says; 1 is exact, below 1 is too careful. `nothing` is the",
        "share of scores with next to no strangeness: such a family cannot pass a level more often than it",
        "speaks.",
        "`change_point`, `flatline` and `no_data` have no tail: an answer of theirs hangs on the one before,",
        "or comes when nothing does.",
        "",
        f"| family | n | nothing | {' | '.join(heads)} |",
        "|---" * (3 + len(heads)) + "|",
        *(
            f"| `{name}` | {found['n']:,} | {found['nothing']:.2f} |"
            + "".join(f" {ratio:.2f} |" for ratio in found["ratios"])
            for name, found in tails["families"].items()
        ),
    ]


def _cost(costs: dict[str, Any], name: str, what: str) -> str:
    found = costs.get("families", {}).get(name)
    return "not measured" if found is None else f"{found[what]:.2g}"


def _hears(family: Family) -> str:
    if issubclass(family, RowDetector):
        return "unusual rows of features of a service"
    return "what its class hears" if family is Lab else _HEARS.get(family.hears, family.hears)


def _page(name: str, family: Family, costs: dict[str, Any]) -> list[str]:
    words = told(family)
    fitted = issubclass(family, RowDetector) or family.needs_fit
    traits = ["over feature rows" if issubclass(family, RowDetector) else "over single series"]
    traits += ["fitted by `fit`"] if fitted else ["learns as it goes"]
    traits += ["lab grade: replayed and compared, never served"] if family is Lab else []
    lines = [
        f'<a id="{name}"></a>',
        "",
        f"## `{name}`",
        "",
        f"**{words.title}**",
        "",
        f"Hears {_hears(family)}; {', '.join(traits)}.",
    ]
    for kind, paragraph in words.paragraphs:
        lines += ["", *_told(kind, paragraph)]
    cost = f"{_cost(costs, name, 'batch_us')} µs per row in batch, {_cost(costs, name, 'one_us')} µs one at a"
    lines += ["", f"**Cost**: {cost} time."]
    shown = f" (asked of `{_LAB_EXAMPLE}`)" if family is Lab else ""
    if (PICTURES / f"{name}.svg").is_file():
        lines += ["", f"![{name}: one fault found and one missed{shown}](pictures/{name}.svg)"]
    lines += ["", "| parameter | unit | default | allowed | |", "|---|---|---|---|---|"]
    return lines + [_row(parameter) for parameter in parameters(family.Params)]


def _told(kind: Kind, words: str) -> list[str]:
    if kind == "equation":
        return ["```text", words, "```"]
    for begins in ("Assumes", "Deaf to", "Source:"):
        if words.startswith(begins):
            return [f"**{begins}**{words.removeprefix(begins)}"]
    return [words]


def _row(parameter: Parameter) -> str:
    name, *others = (part.replace("|", "\\|") for part in parameter)
    return f"| `{name}` | " + " | ".join(others) + " |"


def _measured_tails(folders: Sequence[Path]) -> dict[str, Any]:
    platforms = [Dataset.open(folder) for folder in folders]
    series = sum(len(data.series()) for data in platforms)
    days = round(sum(data.card.span_to - data.card.span_from for data in platforms) / len(platforms) / DAY)
    told = [exceedance(data) for data in platforms]
    return {
        "platform": f"{len(platforms)} synthetic platforms ({series} series in all, {days} days each)",
        "families": {name: pooled([found[name] for found in told])._asdict() for name in told[0]},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Write pictures, costs where given, and the book."""
    parser = argparse.ArgumentParser(prog="python -m titleshot.pipelines.family_book", description=__doc__)
    parser.add_argument("--costs", type=Path, help="what the benchmark wrote, build/bench.json")
    parser.add_argument("--tails", type=Path, nargs="+", help="synthetic platforms to measure tails on")
    parser.add_argument("--only", action="append", choices=list(families()), help="draw this picture alone")
    options = parser.parse_args(argv)
    try:
        costs = measured() if options.costs is None else taken(options.costs)
        tails = measured(TAILS) if options.tails is None else _measured_tails(options.tails)
    except TitleshotError as error:
        parser.error(str(error))
    PICTURES.mkdir(exist_ok=True)
    if costs:
        with whole_file(COSTS) as path:
            path.write_text(json.dumps(costs, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for name in options.only or families():
        drawing = family_picture(name)
        if drawing is not None:
            (PICTURES / f"{name}.svg").write_text(drawing, encoding="utf-8")
    if tails:
        with whole_file(TAILS) as path:
            path.write_text(json.dumps(tails, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    BOOK.write_text(family_book(costs, tails), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
