"""Gradient-boosted trees of scikit-learn as packed arrays, with a calibration on rows they have not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def boosted_trees(
    values: NDArray[np.float64],
    faulty: NDArray[np.bool_],
    weights: NDArray[np.float64],
    *,
    trees: int,
    depth: int,
    learning_rate: float,
    seed: int,
) -> Arrays:
    """Fit and pack: ``roots`` int32[trees + 1] and per node its column (-1: a leaf), threshold, children,
    whether a missing value goes left, and its value: of a leaf as fitted, of a cut the mean of its leaves by
    their rows, so that each step down a tree is worth the difference. ``base`` is the margin before any tree.

    Args:
        values: (rows, columns), NaN where missing. faulty: both kinds must be there.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    # It cannot bin a column without any number; one that never changes is never cut, and says as little.
    values = np.where(np.isfinite(values).any(axis=0), values, 0.0)
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_depth=depth,
        learning_rate=learning_rate,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1):  # sums must not hang on how many cores there are
        model.fit(values, faulty, sample_weight=weights)
    parts: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("column", "threshold", "left", "right", "missing_left", "value")
    }
    roots = [0]
    for (predictor,) in model._predictors:
        nodes, root = predictor.nodes, roots[-1]
        leaf = nodes["is_leaf"].astype(bool)
        parts["column"].append(np.where(leaf, -1, nodes["feature_idx"]).astype(np.int16))
        parts["threshold"].append(nodes["num_threshold"])
        parts["left"].append(np.where(leaf, -1, nodes["left"].astype(np.int64) + root).astype(np.int32))
        parts["right"].append(np.where(leaf, -1, nodes["right"].astype(np.int64) + root).astype(np.int32))
        parts["missing_left"].append(nodes["missing_go_to_left"].astype(np.uint8))
        parts["value"].append(_means(nodes, leaf))
        roots.append(root + len(nodes))
    return {
        "roots": np.array(roots, np.int32),
        "base": np.asarray(model._baseline_prediction, np.float64).reshape(1),
        **{name: np.concatenate(columns) for name, columns in parts.items()},
    }


def calibration(margins: NDArray[np.float64], faulty: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Slope and intercept of Platt's logistic from margin to probability."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e6).fit(margins[:, None], faulty)
    return np.array([model.coef_[0, 0], model.intercept_[0]])


def _means(nodes: NDArray[Any], leaf: NDArray[np.bool_]) -> NDArray[np.float64]:
    value = nodes["value"].astype(np.float64)
    for node in range(len(nodes) - 1, -1, -1):  # children come after their parent
        if not leaf[node]:
            left, right = int(nodes["left"][node]), int(nodes["right"][node])
            counts = nodes["count"][[left, right]].astype(np.float64)
            value[node] = np.average(value[[left, right]], weights=counts)
    return value
