"""A good source, spoilt in one way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bad_inputs.formats import FORMATS, PLATFORM, Format
from bad_inputs.kinds import GOOD, KINDS, SOURCE, Kind, Row
from bad_inputs.serving import answering


def cases() -> list[tuple[str, str]]:
    """Every kind of every format that it applies to."""
    return [(of, kind) for of in FORMATS for kind in KINDS if KINDS[kind].level in FORMATS[of].levels]


@contextmanager
def spoilt(of: str, kind: str, scratch: Path, out: Path, platform: Path) -> Iterator[list[str]]:
    """Write a source below ``scratch`` and give the words of its import into ``out``.

    A source that is served is served while the block lasts.
    """
    form, how = FORMATS[of], KINDS[kind]
    folder = scratch / SOURCE
    folder.mkdir()
    file = form.write(folder, _rows(how))
    _damage(how, file)
    options = [str(platform) if option == PLATFORM else option for option in (*form.options, *how.options)]
    if form.served:
        with answering(file, how.of_http or "") as address:
            yield ["import", form.name, address, str(out), *options]
    else:
        yield ["import", form.name, str(_source(form, file, folder)), str(out), *options]


def _source(form: Format, file: Path, folder: Path) -> Path:
    if not form.is_file:
        return folder
    packed = file.with_name(f"{file.name}.gz")
    return packed if packed.exists() else file


def _rows(how: Kind) -> tuple[Row, ...]:
    """Three good rows, or the spoilt one in the place of the second."""
    return (GOOD[0], replace(GOOD[1], **how.of_cell), GOOD[2]) if how.of_cell else GOOD


def _damage(how: Kind, file: Path) -> None:
    if how.of_bytes is not None:
        file.write_bytes(how.of_bytes(file.read_bytes()))
    elif how.of_place is not None:
        how.of_place(file)
    elif (lines := how.of_csv or how.of_json) is not None:
        text = file.read_bytes().decode("utf-8", "surrogatepass")
        changed = "".join(f"{line}\n" for line in lines(text.splitlines()))
        file.write_bytes(changed.encode("utf-8", "surrogatepass"))
