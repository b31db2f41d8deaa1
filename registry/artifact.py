"""A contender as a folder that is registered and served: recipe, fitted arrays, decision, card, manifest.

    contender.yaml   the recipe, every default written out
    fitted.json, fitted/*.npz   where parts were fitted
    decision.yaml    what it is for
    model_card.md    for people
    manifest.json    digests and the versions it was made with
    MLmodel          so that ``mlflow.pyfunc.load_model`` works for batch users

No code and no pickle. Equal contenders under equal decisions give equal bytes. Nothing here imports MLflow.
"""

from __future__ import annotations

import json
import platform
import shutil
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.contracts.events import AnomalyEvent
from titleshot.datasets.contracts.incidents import DeadLetter, IncidentCandidate, Page
from titleshot.datasets.contracts.record import Record, version_of
from titleshot.datasets.contracts.telemetry import Sample
from titleshot.datasets.errors import IntegrityError, MalformedInput, UnknownVersion
from titleshot.datasets.yaml_file import dump_yaml, load_yaml
from titleshot.detectors.contender import Contender
from titleshot.registry.model_card import model_card
from titleshot.registry.tree import tree_digest

CONTRACTS: dict[str, type[Record]] = {
    "sample": Sample,
    "anomaly_event": AnomalyEvent,
    "incident_candidate": IncidentCandidate,
    "page": Page,
    "dead_letter": DeadLetter,
}
"""Records a served contender reads and writes: a reader must honour their major versions."""


class Manifest(Record):
    """``manifest.json``: identity and the versions it rests on."""

    VERSION: ClassVar[str] = "1.0"

    name: str
    """Name of the model in the registry."""
    contender: str
    recipe_digest: str
    artifact_digest: str
    contracts: dict[str, str]
    packages: dict[str, str]
    python: str

    def check_readable(self, where: str = "manifest.json") -> None:
        """Pass where this code can honour what the artifact was made with.

        Raises:
            UnknownVersion: a record of a major version this code does not write.
        """
        for contract, found in self.contracts.items():
            ours = CONTRACTS[contract].VERSION if contract in CONTRACTS else None
            if ours is None or version_of(found)[0] != version_of(ours)[0]:
                raise UnknownVersion(
                    f"{where}: made for {contract} {found}, this code has {ours or 'none'}; "
                    f"install titleshot {self.packages.get('titleshot', '')} or register it again"
                )


class Artifact:
    """A folder that has been checked, opened. Check its bytes first: see ``tree.checked_copy``."""

    def __init__(self, folder: Path) -> None:
        """Open a folder.

        Raises:
            MalformedInput: a part is missing or breaks its contract.
            UnknownVersion: made by a version this code cannot honour.
            IntegrityError: the parts are not those the manifest names.
        """
        self.folder = folder
        path = folder / "manifest.json"
        try:
            self.manifest = Manifest.from_json(path.read_bytes(), where=str(path))
        except FileNotFoundError:
            raise MalformedInput(f"{folder}: no artifact here (manifest.json is missing)") from None
        self.manifest.check_readable(str(path))
        self.decision = load_yaml(folder / "decision.yaml", Decision)
        self.contender = Contender.load(folder)
        found = (self.contender.recipe.digest, self.contender.artifact_digest)
        if found != (self.manifest.recipe_digest, self.manifest.artifact_digest):
            raise IntegrityError(f"{folder}: recipe or fitted arrays are not those its manifest names")


def write_artifact(contender: Contender, decision: Decision, folder: Path) -> str:
    """Write a contender as an artifact folder, all or nothing, and return its tree digest.

    Raises:
        NotFitted: parts need fitting and there are no arrays.
    """
    contender.check_fitted()
    manifest = Manifest(
        name=decision.name,
        contender=contender.name,
        recipe_digest=contender.recipe.digest,
        artifact_digest=contender.artifact_digest,
        contracts={name: record.VERSION for name, record in CONTRACTS.items()},
        packages={name: version(name) for name in ("titleshot", "numpy", "numba", "pydantic")},
        python=platform.python_version(),
    )
    files = {
        "contender.yaml": contender.recipe.to_yaml().encode(),
        "decision.yaml": dump_yaml(decision.model_dump(mode="json")).encode(),
        "model_card.md": model_card(contender, decision).encode(),
        "manifest.json": (
            json.dumps(manifest.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"
        ).encode(),
        "MLmodel": dump_yaml(
            {
                "flavors": {
                    "python_function": {
                        "loader_module": "titleshot.registry.pyfunc",
                        "data": ".",
                        "python_version": platform.python_version(),
                    }
                }
            }
        ).encode(),
        **(contender.fitted.files(contender.recipe.digest) if contender.fitted else {}),
    }
    beside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        for name, content in files.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        digest = tree_digest(beside)
        beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return digest
