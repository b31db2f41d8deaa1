"""compare, judge, verify, register, promote, rollback, status, history as a user types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.detectors.recipe import shipped_contenders
from titleshot.pipelines.cli import main
from titleshot.pipelines.generate import generate
from titleshot.pipelines.replay import replay
from titleshot.pipelines.validate import validate

pytestmark = pytest.mark.slow

DECISION = """\
name: shop-paging
decision: page the owning team within 600 s when a service of the shop hurts customers
services: ["commerce/*", "platform/*"]
detect_within_s: 600
success_score: alarming_precision
human_workflow: the on-call opens the runbook and rolls back
owners: {data: platform, model: aiops, runtime: sre, feedback: sre}
"""
LENIENT = """\
name: lenient
confidence: 0.6
decisive_confidence: 0.99
criteria:
  - {score: pages_per_week, kind: superiority}
without_champion:
  - {score: incident_recall, kind: superiority, margin: 0.05}
"""


class Shop(NamedTuple):
    folder: Path
    data: Path
    decision: Path
    lenient: Path
    home: Path

    def run(self, *words: object) -> int:
        """Exit code; the document is on standard output."""
        return main([*map(str, words), "--home", str(self.home), "--json"])


@pytest.fixture(scope="session")
def shop_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty days of a small platform, replayed by a loud contender and a quieter one."""
    folder = tmp_path_factory.mktemp("shop")
    data = generate(folder / "data", services=6, days=30, seed=3)
    validate(data)
    text = shipped_contenders()["baseline"].read_text()
    (folder / "loud.yaml").write_text(
        text.replace("name: baseline", "name: loud").replace("threshold: 5.0", "threshold: 4.0")
    )
    (folder / "quiet.yaml").write_text(
        text.replace("name: baseline", "name: quiet").replace("threshold: 5.0", "threshold: 9.0")
    )
    for name in ("loud", "quiet"):
        replay(Dataset.open(data.path), folder / f"{name}.yaml", out=folder / f"log-{name}")
    return folder


@pytest.fixture
def shop(shop_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "decision.yaml").write_text(DECISION)
    (tmp_path / "lenient.yaml").write_text(LENIENT)
    return Shop(
        shop_data,
        shop_data / "data",
        tmp_path / "decision.yaml",
        tmp_path / "lenient.yaml",
        tmp_path / "home",
    )


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_four_weeks_are_not_enough_for_the_default_policy(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = (shop.folder / "log-loud", shop.folder / "log-quiet")
    words = ("compare", *logs, "--labels", shop.data, "--decision", shop.decision, "--out", tmp_path / "e")
    code = shop.run(*words)
    document = said(capsys)
    answer = document["verdict"]["answer"]
    assert code == {"promote": 0, "reject": 1, "not_enough_evidence": 3}[answer]
    assert answer != "promote"
    assert document["verdict"]["looks"] == 0
    shop.run(*words)
    assert said(capsys)["verdict"]["looks"] == 0  # the same again is no new look
    shop.run("compare", *reversed(logs), "--labels", shop.data, "--out", tmp_path / "other")
    assert said(capsys)["verdict"]["looks"] == 1
    assert (tmp_path / "e" / "report.html").stat().st_size > 10_000


def test_the_whole_way_by_commands(shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for contender in ("loud", "quiet"):
        code = shop.run("register", shop.folder / f"{contender}.yaml", "--decision", shop.decision)
        assert (code, said(capsys)["new"]) == (0, True)
    common = ("--labels", shop.data, "--policy", shop.lenient, "--decision", shop.decision)
    first, second = tmp_path / "first", tmp_path / "second"
    assert shop.run("compare", "never", shop.folder / "log-loud", *common, "--out", first) == 0
    assert shop.run("promote", "shop-paging", 1, "--evidence", first) == 0
    logs = (shop.folder / "log-loud", shop.folder / "log-quiet")
    shop.lenient.write_text(LENIENT + "looks: {rule: alpha_spending, planned: 9}\n")
    assert shop.run("compare", *logs, *common, "--out", second) == 0
    assert shop.run("verify", second) == 0
    assert shop.run("judge", second, "--policy", shop.lenient) == 0
    assert shop.run("promote", "shop-paging", 1, "--evidence", first) == 2  # live already
    assert shop.run("promote", "shop-paging", 2, "--evidence", first) == 1  # about another
    assert shop.run("promote", "shop-paging", 2, "--evidence", second) == 0
    assert shop.run("rollback", "shop-paging", "--reason", "too quiet") == 0
    capsys.readouterr()
    assert shop.run("status", "shop-paging") == 0
    status = said(capsys)
    assert status["aliases"]["champion"]["version"] == 1
    assert status["aliases"]["champion"]["reason"] == "too quiet"
    assert shop.run("history", "shop-paging") == 0
    kinds = [line["kind"] for line in said(capsys)["lines"]]
    assert kinds.count("looked") == 2
    assert kinds.count("registered") == 2
    assert kinds.count("intent") == kinds.count("commit")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("status", "nobody"), 2, "register a contender first"),
        (("history", "nobody"), 2, "register a contender first"),
        (("promote", "nobody", "1", "--evidence", "e"), 2, "register a contender first"),
        (("rollback", "nobody", "--reason", "r"), 2, "register a contender first"),
        (("verify", "nowhere"), 2, "no evidence here"),
        (("judge", "nowhere", "--policy", "{lenient}"), 2, "no evidence here"),
        (("policy", "test", "{decision}"), 2, "decision.yaml:1: "),
        (("register", "basline", "--decision", "{decision}"), 2, "did you mean 'baseline'?"),
        (("register", "baseline", "--decision", "{lenient}"), 2, "lenient.yaml:1: "),
        (("register", "baseline", "--decision", "{decision}", "--name", "x"), 2, "leave --name out"),
        (("compare", "never", "nowhere", "--labels", "{data}"), 2, "no replay log here"),
        (("compare", "never", "{folder}/log-loud", "--labels", "nowhere"), 2, "no dataset here"),
    ],
)
def test_bad_input_gets_a_message_and_a_code(
    shop: Shop, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, message: str
) -> None:
    places = {key: str(value) for key, value in shop._asdict().items()}
    assert shop.run(*(word.format(**places) for word in words)) == code
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors


def test_a_log_of_other_data_is_refused(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = generate(tmp_path / "other", services=4, days=3, seed=9)
    validate(other)
    log = shop.folder / "log-loud"
    assert shop.run("compare", "never", log, "--labels", other.path) == 2
    assert "was replayed from" in capsys.readouterr().err
    copy = Path(shutil.copytree(shop.data, tmp_path / "unvalidated"))
    (copy / "validation.json").unlink()
    assert shop.run("compare", "never", log, "--labels", copy) == 2
    assert "not validated; run: titleshot validate" in capsys.readouterr().err


def test_an_unreachable_registry_ends_with_the_code_worth_retrying(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert shop.run("register", "baseline", "--decision", shop.decision) == 4
    assert "does not answer; try again later" in capsys.readouterr().err


def test_the_default_policy_passes_its_own_rehearsal(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert shop.run("policy", "test") == 0
    assert said(capsys)["wrong"] == []
    shop.lenient.write_text(LENIENT.replace("pages_per_week", "alarming_precision"))
    assert shop.run("policy", "test", shop.lenient) == 1
    assert "misses fifteen in a hundred more: promote, must be reject" in said(capsys)["wrong"]
