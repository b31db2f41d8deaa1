"""MLflow as the model registry: the only module that imports it.

The store is ``sqlite:///HOME/mlflow.db`` unless ``MLFLOW_TRACKING_URI`` names a server. Importing takes
seconds, so import this module where it is needed and not before.
"""

from __future__ import annotations

import logging
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

# Read by MLflow when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from titleshot.datasets.errors import IntegrityError, MalformedInput, Unreachable, UsageError
from titleshot.registry.home import Home
from titleshot.registry.tree import checked_copy

EXPERIMENT = "titleshot"
_FOLDER = "contender"
_LONGEST_TAG = 5_000


class Version(NamedTuple):
    """One registered version."""

    name: str
    version: int
    tags: dict[str, str]
    run_id: str | None
    source: str


class MlflowStore:
    """Registered models, their versions and aliases, in one MLflow store.

    Every method raises Unreachable where the store does not answer.
    """

    def __init__(self, home: Home) -> None:
        """Open the store of a home; a fresh SQLite store is made once, under a lock."""
        self.home = home
        named = os.environ.get("MLFLOW_TRACKING_URI", "")
        self.uri = named or f"sqlite:///{home.database.resolve()}"
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        home.make()
        with _answering(self.uri):
            if self.uri.startswith(("http://", "https://")):
                self.client = MlflowClient(self.uri, self.uri)
                return
            # Two processes that open a fresh database at once break it for good.
            with home.locked("mlflow", timeout_s=300):
                self.client = MlflowClient(self.uri, self.uri)
                self.client.search_registered_models(max_results=1)
                self.client.get_experiment_by_name(EXPERIMENT)

    def add_version(
        self, name: str, folder: Path, *, description: str, tags: Mapping[str, str], params: Mapping[str, str]
    ) -> int:
        """Log a run with the folder as its artifact and register it; returns the version."""
        with _answering(self.uri):
            run = self.client.create_run(
                self._experiment(), run_name=f"{name} {tags.get('contender', '')}".strip()
            )
            run_id = run.info.run_id
            self.client.log_batch(
                run_id,
                params=[Param(key, value[:_LONGEST_TAG]) for key, value in params.items()],
                tags=[RunTag(key, value[:_LONGEST_TAG]) for key, value in tags.items()],
            )
            self.client.log_artifacts(run_id, str(folder), _FOLDER)
            self._ensure_model(name, description)
            made = self.client.create_model_version(
                name, source=f"{run.info.artifact_uri}/{_FOLDER}", run_id=run_id, tags=dict(tags)
            )
            self.client.set_terminated(run_id)
            return int(made.version)

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        location = None
        if self.uri.startswith("sqlite:"):
            location = self.home.mlartifacts.resolve().as_uri()
        with self.home.locked("mlflow", timeout_s=300):
            found = self.client.get_experiment_by_name(EXPERIMENT)
            return str(found.experiment_id if found else self.client.create_experiment(EXPERIMENT, location))

    def _ensure_model(self, name: str, description: str) -> None:
        try:
            self.client.create_registered_model(name, description=description)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def version(self, name: str, version: int) -> Version:
        """One version.

        Raises:
            UsageError: no such model or version; names those there are.
        """
        with _answering(self.uri):
            try:
                return _version(self.client.get_model_version(name, str(version)))
            except MlflowException as error:
                _unless_absent(error)
            there = [found.version for found in self.versions(name)]
        if not there:
            raise UsageError(f"no model {name!r} is registered; register a contender first")
        raise UsageError(f"{name} has no version {version}; there are {', '.join(map(str, there))}")

    def versions(self, name: str) -> list[Version]:
        """Every version of a model, oldest first; none where there is no such model."""
        with _answering(self.uri):
            found: list[ModelVersion] = []
            token = None
            while True:
                page = self.client.search_model_versions(f"name = '{name}'", page_token=token)
                found += page
                token = page.token
                if not token:
                    break
        return sorted((_version(one) for one in found), key=lambda one: one.version)

    def names(self) -> list[str]:
        """Names of all registered models."""
        with _answering(self.uri):
            return sorted(model.name for model in self.client.search_registered_models(max_results=1000))

    def aliases(self, name: str) -> dict[str, int]:
        """Alias to version; empty where there is no such model."""
        with _answering(self.uri):
            try:
                model = self.client.get_registered_model(name)
            except MlflowException as error:
                _unless_absent(error)
                return {}
            return {alias: int(version) for alias, version in model.aliases.items()}

    def set_alias(self, name: str, alias: str, version: int | None) -> None:
        """Point an alias at a version; None takes it away."""
        with _answering(self.uri):
            if version is None:
                self.client.delete_registered_model_alias(name, alias)
            else:
                self.client.set_registered_model_alias(name, alias, str(version))

    def tag(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        """Set tags of a version; they point to evidence and never hold it."""
        with _answering(self.uri):
            for key, value in tags.items():
                self.client.set_model_version_tag(name, str(version), key, value[:_LONGEST_TAG])

    def log_scores(
        self, version: Version, scores: Mapping[str, float | None], tags: Mapping[str, str]
    ) -> None:
        """Scores on the version's run. What is undefined is left out: MLflow reads NaN back as 0."""
        if version.run_id is None:
            return
        metrics = [
            Metric(key, value, 0, 0)
            for key, value in scores.items()
            if value is not None and math.isfinite(value)
        ]
        with _answering(self.uri):
            self.client.log_batch(
                version.run_id,
                metrics=metrics,
                tags=[RunTag(key, value[:_LONGEST_TAG]) for key, value in tags.items()],
            )

    def fetch(self, version: Version, target: Path, digest: str) -> Path:
        """A private, checked copy of a version's folder at ``target``.

        Raises:
            IntegrityError: the stored bytes are not those registered, or are gone.
        """
        from mlflow.artifacts import download_artifacts

        with tempfile.TemporaryDirectory(prefix="titleshot-") as scratch, _answering(self.uri):
            try:
                # Never read in place: MLflow writes into the folders it loads from.
                fetched = download_artifacts(
                    artifact_uri=version.source, dst_path=scratch, tracking_uri=self.uri
                )
            except OSError:
                raise IntegrityError(
                    f"{version.name} version {version.version}: its artifact is gone from {version.source}"
                ) from None
            return checked_copy(Path(fetched), target, digest)

    def delete_version(self, name: str, version: int) -> None:
        """Delete a version that no alias points to.

        Raises:
            UsageError: an alias points to it; MLflow would drop that alias without a word.
        """
        held = [alias for alias, at in self.aliases(name).items() if at == version]
        if held:
            raise UsageError(
                f"{name} version {version} is {', '.join(held)}; move the alias before deleting it"
            )
        with _answering(self.uri):
            self.client.delete_model_version(name, str(version))


def _version(found: ModelVersion) -> Version:
    return Version(found.name, int(found.version), dict(found.tags), found.run_id or None, found.source)


def _unless_absent(error: MlflowException) -> None:
    if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
        raise error


@contextmanager
def _answering(uri: str) -> Iterator[None]:
    """Turns what MLflow, its HTTP client and its database raise into errors of ours."""
    try:
        yield
    except MlflowException as error:
        said = _in_short(error)
        if error.error_code in {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"}:
            raise Unreachable(f"registry {_safe(uri)} does not answer; try again later ({said})") from None
        raise UsageError(f"registry {_safe(uri)} refuses: {said}") from None
    except Exception as error:
        module = type(error).__module__.partition(".")[0]
        if module in {"requests", "urllib3", "sqlalchemy", "sqlite3", "alembic"}:
            said = _in_short(error)
            if "not a database" in said or "malformed" in said:
                raise MalformedInput(
                    f"registry {_safe(uri)} is damaged: {said}; restore it from a backup"
                ) from None
            raise Unreachable(f"registry {_safe(uri)} does not answer; try again later ({said})") from None
        raise


def _in_short(error: Exception) -> str:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return said if len(said) <= 160 else f"{said[:160]} …"


def _safe(uri: str) -> str:
    # A server's address may carry a password.
    parts = urlsplit(uri)
    return uri.replace(f"{parts.username}:{parts.password}@", "") if parts.password else uri
