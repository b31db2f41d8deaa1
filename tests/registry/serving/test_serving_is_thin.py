"""What a serving process loads: no MLflow, no dataframe library, nothing that takes seconds to import."""

from __future__ import annotations

import subprocess
import sys

import serving_fixture as made

HEAVY = (
    "mlflow", "pandas", "polars", "pyarrow", "great_expectations", "prophet", "sklearn", "joblib", "rich",
)  # fmt: skip
CODE = f"""
import sys
from pathlib import Path
from titleshot.pipelines import cli
home, journals = Path(sys.argv[1]), Path(sys.argv[2])
import titleshot.pipelines.serve, titleshot.pipelines.shadow
from titleshot.pipelines.process import resolver_for
from titleshot.registry.serving.served import warm_kernels
from titleshot.registry.serving.shim import Shim
resolver = resolver_for({made.NAME!r}, "champion", home=home, registry=None)
loaded = resolver.load(resolver.find())
warm_kernels(loaded.contender)
shim = Shim(journals / "j.db", loaded, desk=True)
import uvicorn
from titleshot.registry.serving.http import Door
Door(shim).app()
from titleshot.registry.serving.notifier import Webhook
shim.accept([])
heavy = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"loaded: {{heavy}}" if heavy else 0)
"""


def test_a_shim_loads_nothing_heavy(bare_home, tmp_path):
    words = [sys.executable, "-c", CODE, str(bare_home.path), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
