"""Named random streams: each thing that is drawn has a stream of its own.

A stream is named by what it is drawn for (``"noise", "commerce/cart-api", "latency"``) and never by how many
were drawn before it. So a longer span, another service or a new kind of draw leaves all others as they were.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """The generator of ``seed`` for one named purpose; equal names give equal draws.

    >>> float(stream(7, "noise", "cart").random()) == float(stream(7, "noise", "cart").random())
    True
    >>> float(stream(7, "noise", "cart").random()) == float(stream(7, "noise", "auth").random())
    False
    """
    name = hashlib.blake2b("\x1f".join(map(str, path)).encode(), digest_size=16).digest()
    words = [int.from_bytes(name[i : i + 4], "little") for i in range(0, 16, 4)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=words)))
