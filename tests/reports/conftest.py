"""Makes the fixtures beside the tests importable: tests are no package here."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
