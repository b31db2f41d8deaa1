"""YAML read into records, with errors that name the file, the line, the field and the way out.

The dialect is the plain core: no tags, no merge keys, and only ``true`` and ``false`` are booleans, so that a
service called ``on`` and a version ``1:30`` stay what they look like. Times stay text; records parse them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from titleshot.datasets.errors import MalformedInput, UnknownVersion
from titleshot.datasets.yaml_faults import Place, worded

Model = TypeVar("Model", bound=BaseModel)
_MOST_BYTES = 8_000_000
_MOST_NODES = 200_000
_SCALARS = (
    ("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)"), ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)"), list("tTfF")),
    ("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+"), list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        re.compile(
            r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
        list("-+.0123456789"),
    ),
)


class _Reader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  the base's own form


class _Writer(yaml.SafeDumper):
    """Quotes text that this reader or a common one would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  the base's signature
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Outside double quotes PyYAML folds the line ends of Unicode.
    style = '"' if re.search("[\x85\u2028\u2029]", text) else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)

for _tag, _form, _first in _SCALARS:
    _pattern = re.compile(f"^(?:{_form.pattern})$")
    _Reader.add_implicit_resolver(_tag, _pattern, _first)
    _Writer.add_implicit_resolver(_tag, _pattern, _first)


@dataclass(frozen=True)
class YamlDocument:
    """A parsed document that remembers where its lines are.

    ``data`` is made of dict, list, str, int, float, bool and None.
    """

    where: str
    data: Any
    lines: dict[Place, int]
    start: Place = ()

    def line(self, place: Place) -> int:
        """1-based line of the deepest part of ``place`` that the document has.

        Parts that are no key of the document (the tags pydantic adds for unions) are passed over.
        """
        found = self.start
        for part in place:
            if (*found, part) in self.lines:
                found = (*found, part)
        return self.lines.get(found, 1)

    def fault(self, place: Place, message: str) -> MalformedInput:
        """An error about one place of the document, to raise."""
        return MalformedInput(f"{self.where}:{self.line(place)}: {_field((*self.start, *place))}{message}")

    def at(self, *place: str | int) -> YamlDocument:
        """The part of the document at ``place``, its lines still those of the file."""
        data = self.data
        for part in place:
            data = data[part]
        return YamlDocument(self.where, data, self.lines, (*self.start, *place))

    def build(self, model: type[Model]) -> Model:
        """The document as a record.

        Raises:
            MalformedInput: every fault, one a line, each with file, line, field and way out.
            UnknownVersion: written for a newer major version.
        """
        if not isinstance(self.data, dict):
            raise self.fault((), f"expected a mapping of fields, got {_kind(self.data)}")
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            found = error.errors(include_url=False)
            text = "\n".join(str(self.fault(*fault)) for fault in worded(found, model))
        raise (UnknownVersion if "this code reads" in text else MalformedInput)(text)


def load_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a record.

    Raises:
        MalformedInput: ``file:line: field: message`` for every fault; also absent or unreadable files.
        UnknownVersion: written for a newer major version.
    """
    return read_yaml(path).build(model)


def parse_yaml(text: str, model: type[Model], *, where: str = "text") -> Model:
    """Like :func:`load_yaml`, from text.

    >>> from titleshot.datasets.contracts.decision import Owners
    >>> parse_yaml("data: a\\nmodel: b\\nruntme: c\\nfeedback: d", Owners, where="owners.yaml")
    Traceback (most recent call last):
    ...
    titleshot.datasets.errors.MalformedInput: owners.yaml:1: runtime: is missing
    owners.yaml:3: runtme: unknown field; did you mean 'runtime'?
    """
    return parse_document(text, where=where).build(model)


def read_yaml(path: Path) -> YamlDocument:
    """Read a YAML file as plain data with line numbers.

    Raises:
        MalformedInput: absent, too large, not UTF-8, or not YAML of the plain core.
    """
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise MalformedInput(
                f"{path}: {size:,} bytes, at most {_MOST_BYTES:,} are read; is it the right file?"
            )
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MalformedInput(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise MalformedInput(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise MalformedInput(f"{path}: cannot be read: {error.strerror}") from None
    return parse_document(text, where=str(path))


def parse_document(text: str, *, where: str = "text") -> YamlDocument:
    """Plain data with line numbers from YAML text.

    Raises:
        MalformedInput: not YAML of the plain core, empty, or too large when its aliases are followed.
    """
    reader: _Reader | None = None
    try:
        reader = _Reader(text)
        node = reader.get_single_node()
        if node is None:
            raise MalformedInput(f"{where}:1: the file is empty; write its fields, one a line")
        walk = _Walk(where)
        data = walk.value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        about = " ".join(part for part in (error.context, error.problem) if part)
        raise MalformedInput(f"{where}:{line}: not YAML: {about}") from None
    except yaml.YAMLError as error:
        raise MalformedInput(f"{where}: not YAML: {error}") from None
    except RecursionError:
        raise MalformedInput(f"{where}: nested too deeply to be read") from None
    finally:
        if reader is not None:
            reader.dispose()
    return YamlDocument(where, data, walk.lines)


def dump_yaml(data: Any) -> str:
    """Plain data as YAML that :func:`parse_document`, and any other YAML reader, reads back equal.

    >>> dump_yaml({"service": "on", "version": "1e5", "width_s": 0.5})
    "service: 'on'\\nversion: '1e5'\\nwidth_s: 0.5\\n"
    """
    return yaml.dump(data, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=110)


class _Walk:
    """Turns nodes into data and notes each part's line."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.lines: dict[Place, int] = {}
        self.nodes = 0

    def value(self, node: yaml.Node, place: Place) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(place, line)
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise MalformedInput(
                f"{self.where}:{line}: more than {_MOST_NODES} parts once aliases are followed"
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            self._plain(node, "tag:yaml.org,2002:seq")
            return [self.value(child, (*place, index)) for index, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        self._plain(node, "tag:yaml.org,2002:map")
        mapping: dict[str, Any] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise MalformedInput(f"{self.where}:{line}: a key must be a word, not a list or mapping")
            key = str(key_node.value)
            if key in mapping:
                first = self.lines[(*place, key)]
                raise MalformedInput(
                    f"{self.where}:{line}: {key!r} stands twice (first in line {first}); keep one"
                )
            self.lines[(*place, key)] = line
            inner = self.value(child, (*place, key))
            # 1.10 is a version, not the number 1.1.
            mapping[key] = str(child.value) if key == "schema_version" and isinstance(inner, float) else inner
        return mapping

    def _scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return text
            case "null":
                return None
            case "bool" if text.lower() in {"true", "false"}:
                return text.lower() == "true"
            case "int" if re.fullmatch(r"[-+]?[0-9]{1,40}", text):
                return int(text)
            case "float" if not text.lower().endswith(("inf", "nan")):
                return float(text)
            case "float":
                return (
                    math.nan if text.lower().endswith("nan") else math.copysign(math.inf, -(text[0] == "-"))
                )
        line = node.start_mark.line + 1
        raise MalformedInput(
            f"{self.where}:{line}: {text[:40]!r} with tag {node.tag} is not read; drop the tag"
        )

    def _plain(self, node: yaml.Node, tag: str) -> None:
        if node.tag != tag:
            raise MalformedInput(
                f"{self.where}:{node.start_mark.line + 1}: tag {node.tag} is not read; drop it"
            )


def _field(place: Place) -> str:
    return f"{'.'.join(str(part) for part in place)}: " if place else ""


def _kind(value: object) -> str:
    return {dict: "a mapping", list: "a list", str: "text", type(None): "nothing"}.get(
        type(value), f"{value!r}"
    )
