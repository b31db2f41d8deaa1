"""Evidence that was made on planted faults promotes nobody, override or not."""

from __future__ import annotations

import pytest

from titleshot.datasets.contracts.data_parts import DataParts, TableEntry
from titleshot.datasets.errors import UsageError
from titleshot.registry.evidence import write_evidence
from titleshot.registry.ledger import Ledger, Registered
from titleshot.registry.looks import record_look
from titleshot.registry.promotion import promote


@pytest.mark.parametrize("override", [False, True])
def test_promote_refuses_it(home, judged, tmp_path, override):
    line = next(line for line in Ledger(home.ledger).lines() if isinstance(line, Registered))
    good = judged(home, line)
    parts = DataParts(
        tables={"planted": TableEntry(rows=3, digest="0" * 64)}, ingest_delay_s=0, evaluation={}
    )
    identity = good.comparison.challenger.identity.model_copy(update={"parts": parts})
    challenger = good.comparison.challenger.model_copy(update={"identity": identity})
    comparison = good.comparison.model_copy(update={"challenger": challenger})
    planted = write_evidence(tmp_path / "planted", comparison, good.verdict, good.policy, beneath=tmp_path)
    record_look(Ledger(home.ledger), planted, "ann")
    with pytest.raises(UsageError, match=r"no evidence .* holds the tables planted.* titleshot sensitivity"):
        promote(
            line.name,
            line.version,
            home=home,
            evidence=planted.folder,
            override=override,
            reason="it found the planted ones",
            actor="ann",
        )
    promote(line.name, line.version, home=home, evidence=good.folder, actor="ann")
