"""An isolation forest of scikit-learn as packed arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def isolation_trees(values: NDArray[np.float64], trees: int, subsample: int, seed: int) -> Arrays:
    """Fit a forest and pack it: trees one after the other, nodes in scikit-learn's order.

    Args:
        values: (rows, columns) without NaN, at least two rows.

    Returns:
        ``roots`` int32[trees + 1]; per node ``column`` int16 (-1: a leaf), ``threshold`` float64 (left where
        the value as float32 is at most this), ``left``, ``right``, ``samples`` int32.
    """
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(
        n_estimators=trees, max_samples=min(subsample, len(values)), random_state=seed, n_jobs=1
    ).fit(values)
    roots = [0]
    columns: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("column", "threshold", "left", "right", "samples")
    }
    for estimator in forest.estimators_:
        tree, root = estimator.tree_, roots[-1]
        leaf = tree.children_left < 0
        columns["column"].append(np.where(leaf, -1, tree.feature).astype(np.int16))
        columns["threshold"].append(np.where(leaf, 0.0, tree.threshold))
        columns["left"].append(np.where(leaf, -1, tree.children_left + root).astype(np.int32))
        columns["right"].append(np.where(leaf, -1, tree.children_right + root).astype(np.int32))
        columns["samples"].append(tree.n_node_samples.astype(np.int32))
        roots.append(root + tree.node_count)
    packed = {name: np.concatenate(parts) for name, parts in columns.items()}
    return {
        "roots": np.array(roots, np.int32),
        "subsample": np.array([forest.max_samples_], np.int32),
        **packed,
    }
