"""What the commands of the matrix stand on: one good thing of each sort, copied where it is to be spoilt."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bad_inputs.commands import GOOD, MARKS, OUT, BadWords
from bad_inputs.formats import FORMATS
from bad_inputs.kinds import GOOD as ROWS

RECIPE = "name: mine\ndetectors:\n  - detector: {family: robust_mad, window: 50}\n"
POLICY = "name: mine\ncriteria: [{score: incident_recall, kind: superiority, margin: 0}]\n"
RULES = "name: mine\nrules: [{name: r, action: restart, when: {score_above: 0.9}, reversible: true}]\n"


@dataclass(frozen=True)
class Stage:
    """Paths of good things by placeholder."""

    things: dict[str, Path]

    def words(self, command: str, bad: BadWords, scratch: Path) -> list[str]:
        """The command's words with one thing wrong; everything is below ``scratch``, or only read."""
        scratch.mkdir(exist_ok=True)
        for name in ("file", "theirs/thesis.txt"):
            path = scratch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("three years of work\n")
        (scratch / "loop").symlink_to(scratch / "loop")
        words = []
        for word in GOOD[command]:
            if word == OUT:
                words.append(bad.out(scratch) if bad.out else str(scratch / "out"))
            elif word == bad.place and bad.damage:
                words.append(str(self._spoilt(word, bad, scratch)))
            else:
                words.append(str(self.things.get(word, word)))
        return [command, *words, *bad.more]

    def _spoilt(self, word: str, bad: BadWords, scratch: Path) -> Path:
        good = self.things[word]
        copy = scratch / good.name
        if good.is_dir():
            shutil.copytree(good, copy)
        else:
            shutil.copy(good, copy)
        assert bad.damage is not None
        bad.damage(copy / MARKS[word] if bad.of_mark else copy)
        return copy


def small_things(folder: Path, decision: str) -> dict[str, Path]:
    """What can be written down without running anything."""
    texts = {"{recipe}": ("mine.yaml", RECIPE), "{policy}": ("policy.yaml", POLICY)}
    texts["{rules}"] = ("rules.yaml", RULES)
    texts["{decision}"] = ("decision.yaml", decision)
    things = {}
    for word, (name, text) in texts.items():
        things[word] = folder / name
        things[word].write_text(text)
    things["{jsonl}"] = FORMATS["jsonl"].write(folder, ROWS)
    nab = folder / "nab"
    FORMATS["nab"].write(nab, ROWS)
    (nab / "labels" / "combined_windows.json").write_text(json.dumps({"group/cpu.csv": []}))
    things["{nab}"] = nab
    things["{public}"] = folder / "public"
    shutil.copytree(nab, things["{public}"] / "nab")
    return things
