"""The language of invariants: comparisons of a service's metrics, parsed by hand and never evaluated as code.

    must      payments_succeeded <= payments_started
    must      ratio(errors, requests) < 0.2 and latency_p99 < 2.5
    when      requests > 50

Numbers, metric names (in double quotes where they have other characters), ``+ - * /``, brackets, ``< <= > >=
== !=``, ``and``, ``or``; ``ratio(a, b)``, ``abs(x)``; and ``sum min max mean count`` over the series of one
metric, which a service may have several of. A bare name is that of a metric with one series.

What is missing or divided by 0 is undefined, and so is all that hangs on it: an undefined rule is neither
kept nor broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.nearest import nearest

F64 = NDArray[np.float64]
Column = tuple[str, str]
"""A metric, and how its series are made one number: ``one``, ``sum``, ``mean`` …."""

_LONGEST, _DEEPEST = 500, 30
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][\w:.]*)"
    r'|"(?P<quoted>[^"]+)"|(?P<sign><=|>=|==|!=|[-+*/()<>,]))'
)
_OVER_SERIES = ("sum", "min", "max", "mean", "count")
_COMPARE: dict[str, Callable[[F64, F64], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal, "!=": np.not_equal,
}  # fmt: skip


class Compared(NamedTuple):
    """One comparison for every service: both sides, and 1, 0 or NaN for kept, broken, undefined."""

    left: F64
    right: F64
    truth: F64
    metric: str
    """The metric it is about: the first one named in it."""


@dataclass(frozen=True)
class Expression:
    """A parsed condition. ``node`` is nested tuples of words and numbers."""

    text: str
    node: Any
    columns: tuple[Column, ...]

    def judge(self, given: Mapping[Column, F64]) -> tuple[F64, list[Compared]]:
        """1, 0 or NaN per service for kept, broken and undefined, and the comparisons in their order."""
        compared: list[Compared] = []
        return _truth(self.node, given, compared), compared


def parse_condition(text: str) -> Expression:
    """A condition, parsed.

    Raises:
        ValueError: what is wrong, where, and what could stand there.

    >>> parse_condition("ratio(errors, requests) < 0.2").columns
    (('errors', 'one'), ('requests', 'one'))
    >>> parse_condition("errors < ")
    Traceback (most recent call last):
    ...
    ValueError: 'errors < ' ends where a number, a metric or a bracket must stand
    """
    return _Parser(text).parsed()


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise ValueError(
                f"a condition has at most {_LONGEST} characters, got {len(text)}; make two rules"
            )
        self.text, self.at, self.depth = text, 0, 0
        self.columns: dict[Column, None] = {}
        self.tokens: list[tuple[str, str, int]] = []
        end = len(text.rstrip())
        at = 0
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise ValueError(f"{text!r}: {text[at]!r} at character {at + 1} belongs to no condition")
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind], found.start(kind)))
            at = found.end()

    def parsed(self) -> Expression:
        node = self.either()
        if self.at < len(self.tokens):
            self.wrong("'and', 'or' or the end")
        if not self.columns:
            raise ValueError(f"{self.text!r} names no metric")
        return Expression(self.text, node, tuple(self.columns))

    def peek(self) -> str:
        """The next sign or plain word; empty for numbers, quoted names and the end."""
        if self.at == len(self.tokens):
            return ""
        kind, word, _ = self.tokens[self.at]
        return word if kind in ("sign", "name") else ""

    def wrong(self, wanted: str) -> None:
        if self.at == len(self.tokens):
            raise ValueError(f"{self.text!r} ends where {wanted} must stand")
        _, word, place = self.tokens[self.at]
        raise ValueError(f"{self.text!r}: {word!r} at character {place + 1} where {wanted} must stand")

    def take(self, sign: str) -> None:
        if self.peek() != sign:
            self.wrong(f"{sign!r}")
        self.at += 1

    def either(self) -> Any:
        node = self.both()
        while self.peek() == "or":
            self.at += 1
            node = ("or", node, self.both())
        return node

    def both(self) -> Any:
        node = self.comparison()
        while self.peek() == "and":
            self.at += 1
            node = ("and", node, self.comparison())
        return node

    def comparison(self) -> Any:
        left = self.total()
        if left[0] in ("compare", "and", "or"):
            return left
        if self.peek() not in _COMPARE:
            self.wrong("one of < <= > >= == !=")
        sign = self.peek()
        self.at += 1
        return ("compare", sign, left, self.number(self.total()))

    def number(self, node: Any) -> Any:
        if node[0] in ("compare", "and", "or"):
            raise ValueError(f"{self.text!r}: a condition stands where a number must")
        return node

    def total(self) -> Any:
        node = self.product()
        while self.peek() in ("+", "-"):
            sign = self.peek()
            self.at += 1
            node = (sign, self.number(node), self.number(self.product()))
        return node

    def product(self) -> Any:
        node = self.value()
        while self.peek() in ("*", "/"):
            sign = self.peek()
            self.at += 1
            node = (sign, self.number(node), self.number(self.value()))
        return node

    def value(self) -> Any:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError(f"{self.text!r}: brackets are nested more than {_DEEPEST} deep; make two rules")
        node = self.plain_value()
        self.depth -= 1
        return node

    def plain_value(self) -> Any:
        if self.peek() == "-":
            self.at += 1
            return ("-", ("number", 0.0), self.number(self.value()))
        if self.peek() == "(":
            self.at += 1
            node = self.either() if self.holds_condition() else self.total()
            self.take(")")
            return node
        if self.at == len(self.tokens) or self.tokens[self.at][0] == "sign" or self.peek() in ("and", "or"):
            self.wrong("a number, a metric or a bracket")
        kind, word, _ = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return ("number", float(word))
        if kind == "name" and self.peek() == "(":
            return self.call(word)
        return self.column(word, "one")

    def holds_condition(self) -> bool:
        """Whether the bracket just opened holds a condition of its own, not one in brackets alone."""
        open_brackets = 1
        for kind, word, _ in self.tokens[self.at :]:
            if kind == "sign":
                open_brackets += (word == "(") - (word == ")")
                if open_brackets == 0:
                    return False
            if open_brackets == 1 and (word in _COMPARE or (kind == "name" and word in ("and", "or"))):
                return True
        return False

    def call(self, name: str) -> Any:
        self.take("(")
        if name in _OVER_SERIES:
            kind, word, _ = self.tokens[self.at] if self.at < len(self.tokens) else ("", "", 0)
            if kind not in ("name", "quoted"):
                self.wrong("a metric")
            self.at += 1
            self.take(")")
            return self.column(word, name)
        if name not in ("ratio", "abs"):
            known = {*_OVER_SERIES, "ratio", "abs"}
            raise ValueError(f"{self.text!r}: there is no {name!r}{nearest(name, known)}")
        first = self.number(self.total())
        if name == "abs":
            self.take(")")
            return ("abs", first)
        self.take(",")
        second = self.number(self.total())
        self.take(")")
        return ("/", first, second)

    def column(self, metric: str, how: str) -> Any:
        self.columns[(metric, how)] = None
        return ("column", metric, how)


def _truth(node: Any, given: Mapping[Column, F64], compared: list[Compared]) -> F64:
    kind = node[0]
    if kind == "compare":
        _, sign, left_node, right_node = node
        with np.errstate(all="ignore"):
            left, right = np.broadcast_arrays(_number(left_node, given), _number(right_node, given))
            defined = np.isfinite(left) & np.isfinite(right)
            truth = np.where(defined, _COMPARE[sign](left, right), np.nan).astype(np.float64)
        compared.append(Compared(left, right, truth, _first_metric(left_node) or _first_metric(right_node)))
        return truth
    one, other = _truth(node[1], given, compared), _truth(node[2], given, compared)
    settling = 0.0 if kind == "and" else 1.0
    settled = (one == settling) | (other == settling)
    return np.where(settled, settling, np.where(np.isnan(one) | np.isnan(other), np.nan, 1.0 - settling))


def _number(node: Any, given: Mapping[Column, F64]) -> F64:
    kind = node[0]
    if kind == "number":
        return np.float64(node[1])  # type: ignore[return-value]
    if kind == "column":
        return given[(node[1], node[2])]
    if kind == "abs":
        return np.abs(_number(node[1], given))
    one, other = _number(node[1], given), _number(node[2], given)
    if kind == "/":
        return np.where(other == 0, np.nan, one / other)
    return one + other if kind == "+" else one - other if kind == "-" else one * other


def _first_metric(node: Any) -> str:
    if node[0] == "column":
        return str(node[1])
    return next(
        (found for part in node[1:] if isinstance(part, tuple) and (found := _first_metric(part))), ""
    )
