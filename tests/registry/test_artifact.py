"""A contender as a folder: equal bytes for equal contenders, checked before anything is parsed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.errors import IntegrityError, MalformedInput, NotFitted, UnknownVersion
from titleshot.datasets.yaml_file import parse_yaml
from titleshot.detectors.contender import Contender
from titleshot.detectors.fitted import Fitted
from titleshot.detectors.recipe import Recipe
from titleshot.registry.artifact import Artifact, write_artifact
from titleshot.registry.home import Home
from titleshot.registry.signature import Claim, check_signature, sign
from titleshot.registry.tree import checked_copy, tree_digest

Make = Callable[..., Contender]


def test_equal_contenders_give_equal_bytes_and_read_back(
    contender: Make, decision: Decision, tmp_path: Path
) -> None:
    digests = [write_artifact(contender(), decision, tmp_path / name) for name in "ab"]
    assert digests[0] == digests[1] == tree_digest(tmp_path / "a")
    assert write_artifact(contender(window=30), decision, tmp_path / "c") != digests[0]
    back = Artifact(tmp_path / "a")
    assert back.decision == decision
    assert back.contender.artifact_digest == contender().artifact_digest


def test_fitted_arrays_travel_as_plain_arrays(decision: Decision, tmp_path: Path) -> None:
    recipe = parse_yaml("name: s\ndetectors:\n  - detector: {family: seasonal_baseline}\n", Recipe)
    with pytest.raises(NotFitted, match="seasonal_baseline"):
        write_artifact(Contender(recipe), decision, tmp_path / "unfitted")
    assert not (tmp_path / "unfitted").exists()
    fitted = Fitted([0], [{0: {"level": np.arange(3.0)}}])
    write_artifact(Contender(recipe, fitted), decision, tmp_path / "fitted")
    back = Artifact(tmp_path / "fitted").contender.fitted
    assert back is not None
    assert back.digest == fitted.digest


def test_the_model_card_tells_people_what_it_is_for_and_deaf_to(
    contender: Make, decision: Decision, tmp_path: Path
) -> None:
    write_artifact(contender(), decision, tmp_path / "a")
    card = (tmp_path / "a" / "model_card.md").read_text()
    assert decision.decision in card
    assert "RollingZScore: Deaf to a slow drift" in card


def touch(folder: Path) -> None:
    with (folder / "contender.yaml").open("a") as file:
        file.write("# harmless?\n")


def add(folder: Path) -> None:
    (folder / "evil.py").write_text("boom")


def remove(folder: Path) -> None:
    (folder / "model_card.md").unlink()


def rename(folder: Path) -> None:
    (folder / "model_card.md").rename(folder / "card.md")


@pytest.mark.parametrize("tamper", [touch, add, remove, rename])
def test_no_change_of_bytes_gets_past_the_copy(
    contender: Make, decision: Decision, tmp_path: Path, tamper: Callable[[Path], None]
) -> None:
    digest = write_artifact(contender(), decision, tmp_path / "a")
    tamper(tmp_path / "a")
    with pytest.raises(IntegrityError, match="changed since"):
        checked_copy(tmp_path / "a", tmp_path / "copy", digest)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_what_mlflow_writes_into_stored_folders_is_left_out(
    contender: Make, decision: Decision, tmp_path: Path
) -> None:
    digest = write_artifact(contender(), decision, tmp_path / "a")
    (tmp_path / "a" / "registered_model_meta").write_text("model_name: x")
    copy = checked_copy(tmp_path / "a", tmp_path / "copy", digest)
    assert not (copy / "registered_model_meta").exists()


def test_links_are_refused(contender: Make, decision: Decision, tmp_path: Path) -> None:
    write_artifact(contender(), decision, tmp_path / "a")
    (tmp_path / "a" / "link").symlink_to("/etc/passwd")
    with pytest.raises(MalformedInput, match="link or device"):
        tree_digest(tmp_path / "a")


def test_moving_bytes_from_a_name_to_content_changes_the_digest(tmp_path: Path) -> None:
    for folder, files in {"a": {"xy": "z"}, "b": {"x": "yz"}}.items():
        (tmp_path / folder).mkdir()
        for name, content in files.items():
            (tmp_path / folder / name).write_text(content)
    assert tree_digest(tmp_path / "a") != tree_digest(tmp_path / "b")


def test_an_artifact_of_a_contract_this_code_cannot_honour_is_refused(
    contender: Make, decision: Decision, tmp_path: Path
) -> None:
    write_artifact(contender(), decision, tmp_path / "a")
    path = tmp_path / "a" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["contracts"]["anomaly_event"] = "2.0"
    path.write_text(json.dumps(manifest))
    with pytest.raises(UnknownVersion, match=r"made for anomaly_event 2\.0, this code has 1\."):
        Artifact(tmp_path / "a")


def test_parts_that_are_not_those_of_the_manifest_are_refused(
    contender: Make, decision: Decision, tmp_path: Path
) -> None:
    write_artifact(contender(), decision, tmp_path / "a")
    (tmp_path / "a" / "contender.yaml").write_text(contender(window=30).recipe.to_yaml())
    with pytest.raises(IntegrityError, match="not those its manifest names"):
        Artifact(tmp_path / "a")


def test_a_signature_fits_one_version_of_one_model_at_one_alias() -> None:
    key = Ed25519PrivateKey.generate()
    claim = Claim("m", 2, "d" * 64, "champion")
    signature = sign(key, claim)
    check_signature(key.public_key(), claim, signature)
    for other in (
        claim._replace(name="n"),
        claim._replace(version=3),
        claim._replace(tree_digest="e" * 64),
        claim._replace(alias="champion--g"),
    ):
        with pytest.raises(IntegrityError, match="does not fit"):
            check_signature(key.public_key(), other, signature)
    with pytest.raises(IntegrityError, match="does not fit"):
        check_signature(Ed25519PrivateKey.generate().public_key(), claim, signature)
    with pytest.raises(IntegrityError, match="does not fit"):
        check_signature(key.public_key(), claim, "not base64!")
    with pytest.raises(IntegrityError, match="is not signed"):
        check_signature(key.public_key(), claim, None)


def test_the_private_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    first = home.signing_key().private_bytes_raw()
    assert home.signing_key().private_bytes_raw() == first
    assert (home.keys / "promoter.key").stat().st_mode & 0o777 == 0o600
    assert home.keys.stat().st_mode & 0o777 == 0o700
    assert home.public_key().public_bytes_raw() == home.signing_key().public_key().public_bytes_raw()


def test_a_key_that_is_none_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(MalformedInput, match="no public key here"):
        home.public_key()
    home.keys.mkdir()
    (home.keys / "promoter.key").write_text("scribble")
    with pytest.raises(MalformedInput, match="not an unencrypted Ed25519 key"):
        home.signing_key()
