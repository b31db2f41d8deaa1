"""CSV in: any columns by a map, every decision counted, every row that cannot be used set aside."""

from __future__ import annotations

import codecs
import gzip
import json
import math
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.instants import parse_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.pipelines.import_ import import_dataset

HEADER = "timestamp,namespace,service,metric_name,value"
ROW = "2026-04-26T01:00:00Z,shop,cart,latency,0.5"
INCIDENT = {
    "incident_id": "i",
    "start": "2026-04-26T01:00:00Z",
    "end": "2026-04-26T02:00:00Z",
    "known_at": "2026-04-27T00:00:00Z",
    "root_service": "shop/cart",
    "severity": "high",
    "kind": "spike",
    "source": "human",
}


def imported(folder: Path, text: str | bytes, map_: str | None = None, **how: Any) -> Dataset:
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / "in.csv").write_bytes(raw)
    if map_ is not None:
        (folder / "map.yaml").write_text(map_)
        how["columns"] = folder / "map.yaml"
    return import_dataset(format="csv", source=folder / "in.csv", dataset=folder / "out", **how)


def rows_of(dataset: Dataset) -> list[tuple[str, str, float]]:
    """Service, metric and value of every sample, in order of arrival."""
    keys = dataset.series()
    return [
        (keys[code].service, keys[code].metric_name, value)
        for block in dataset.blocks()
        for code, value in zip(block.codes.tolist(), block.values.tolist(), strict=True)
    ]


def aside(dataset: Dataset) -> list[dict[str, Any]]:
    return pq.read_table(dataset.path / "quarantine/samples.parquet").to_pylist()


def test_columns_of_the_contract_s_names_need_no_map(tmp_path: Path) -> None:
    dataset = imported(tmp_path, f"{HEADER}\n{ROW}\n2026-04-26T03:01:00+02:00,shop,web,latency,NaN\n")

    assert [key.service for key in dataset.series()] == ["cart", "web"]
    assert dataset.card.span_to == parse_instant("2026-04-26T01:01:00Z") + 1
    report = dataset.import_report()
    assert report["zones"] == {"+00:00": 1, "+02:00": 1}
    assert report["files"] == {"in.csv": {"lines": 2, "used": 2}}
    assert report["samples"]["non_finite"] == 1
    assert report["quarantined"] == {}
    dataset.verify()


def test_what_no_column_holds_is_said_on_the_command_line(tmp_path: Path) -> None:
    text = "Timestamp;Value;host\n1714093200;0,5;a\n"
    with pytest.raises(
        MalformedInput, match=r"give --namespace, --service, --metric-name, or say .*--columns"
    ):
        imported(tmp_path, text)

    dataset = imported(
        tmp_path,
        text.replace("0,5", "0.5"),
        namespace="shop",
        service="cart",
        metric_name="latency",
        time_unit="s",
    )

    assert dataset.series()[0][:3] == ("shop", "cart", "latency")
    assert dataset.card.span_from == 1714093200 * 10**9
    assert dataset.import_report()["columns_not_used"] == ["host"]
    assert dataset.import_report()["zones"] == {"counts since 1970": 1}


LONG = """\
timestamp: {column: when, unit: ms}
ingested_at: {column: seen, unit: us}
namespace: {value: shop}
service: app
metric_name: kpi
value: reading
series_labels: [pod, {zone}]
delimiter: tab
decimal: ","
missing: [n/a]
"""


def test_a_map_says_which_column_is_what(tmp_path: Path) -> None:
    text = "pod\tzone\treading\tapp\tkpi\twhen\tseen\np1\t\t1,5\tcart\trps\t1000\t2000000\n"
    text += "p1\teu\tn/a\tcart\trps\t2000\t\n"

    dataset = imported(tmp_path, text, LONG.replace("{zone}", "zone"))

    assert [key.series_labels for key in dataset.series()] == ['{"pod":"p1","zone":"eu"}', '{"pod":"p1"}']
    (block,) = dataset.blocks()
    assert block.timestamps.tolist() == [1_000_000_000, 2_000_000_000]
    assert block.arrivals.tolist() == [2_000_000_000, 2_000_000_000]
    assert block.values[0] == 1.5
    assert math.isnan(block.values[1])
    assert dataset.import_report()["empty_values_kept_as_nan"] == 1


def test_labels_may_have_other_names_be_constant_or_stand_in_json(tmp_path: Path) -> None:
    text = 'timestamp,value,host,more\n1970-01-01T00:00:01Z,1,h1,"{""b"": ""2"", ""a"": ""1""}"\n'
    text += "1970-01-01T00:00:02Z,1,h1,[1]\n"
    base = "timestamp: timestamp\nvalue: value\nnamespace: {value: n}\nservice: {value: s}\n"
    base += "metric_name: {value: m}\n"

    named = imported(tmp_path, text, base + "series_labels: {node: host, dc: {value: x}}", replace=True)
    assert named.series()[0].series_labels == '{"dc":"x","node":"h1"}'
    objects = imported(tmp_path, text, base + "series_labels: more", replace=True)
    assert objects.series()[0].series_labels == '{"a":"1","b":"2"}'
    assert [row["reason"] for row in aside(objects)] == ["series_labels: not allowed"]


WIDE = "timestamp: ts\nnamespace: {value: shop}\nservice: app\nvalues: "
WIDE_TEXT = "ts,app,cpu,mem,note\n2026-04-26T01:00:00Z,cart,1,10,x\n2026-04-26T01:01:00Z,cart,,20,\n"


@pytest.mark.parametrize(
    ("values", "names"),
    [("{cpu: cpu_ratio, mem: mem_bytes}", ["cpu_ratio", "mem_bytes"]), ("[cpu, mem]", ["cpu", "mem"])],
)
def test_in_wide_form_a_column_is_a_metric_and_an_empty_cell_no_sample(
    values: str, names: list[str], tmp_path: Path
) -> None:
    dataset = imported(tmp_path, WIDE_TEXT, WIDE + values)

    assert rows_of(dataset) == [("cart", names[0], 1), ("cart", names[1], 10), ("cart", names[1], 20)]
    report = dataset.import_report()
    assert report["empty_cells_that_are_no_sample"] == 1
    assert report["files"] == {"in.csv": {"lines": 2, "used": 2}}
    assert report["columns_not_used"] == ["note"]


def test_a_star_takes_every_other_column_for_a_metric(tmp_path: Path) -> None:
    dataset = imported(tmp_path, WIDE_TEXT, WIDE + '"*"')

    assert [key.metric_name for key in dataset.series()] == ["cpu", "mem"], "a note that is no number is none"
    assert [(row["row"], row["reason"]) for row in aside(dataset)] == [(2, "value: not a number")]


def test_a_faulty_cell_in_wide_form_costs_only_itself(tmp_path: Path) -> None:
    dataset = imported(tmp_path, WIDE_TEXT.replace(",20,", ",oops,"), WIDE + "[cpu, mem]")

    assert len(rows_of(dataset)) == 2
    assert aside(dataset)[0]["detail"].startswith("in.csv:3: column 'mem': 'oops' is no number")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_which_shows_the_columns_looked_for(delimiter: str, tmp_path: Path) -> None:
    others = "".join(other for other in ",;\t|" if other != delimiter)
    header, row = delimiter.join([*HEADER.split(","), others]), delimiter.join([*ROW.split(","), "x"])

    assert imported(tmp_path, f"{header}\n{row}\n").card.rows == 1


def test_a_spreadsheet_may_say_its_delimiter_in_the_first_line(tmp_path: Path) -> None:
    dataset = imported(tmp_path, f"sep=;\r\n{HEADER}\r\n{ROW}\r\n".replace(",", ";"))

    assert dataset.card.rows == 1


@pytest.mark.parametrize(
    ("encoding", "mark", "told"),
    [("utf-8", codecs.BOM_UTF8, {}), ("utf-16-le", codecs.BOM_UTF16_LE, {"in.csv": "utf-16"}),
     ("utf-16-be", codecs.BOM_UTF16_BE, {"in.csv": "utf-16"})],
)  # fmt: skip
def test_a_byte_order_mark_says_the_encoding(
    encoding: str, mark: bytes, told: dict[str, str], tmp_path: Path
) -> None:
    dataset = imported(tmp_path, mark + f"{HEADER}\r\n{ROW.replace('cart', 'Käse')}\r\n".encode(encoding))

    assert dataset.series()[0].service == "Käse"
    assert dataset.import_report()["encodings"] == told


def test_another_encoding_is_stated_or_its_names_are_set_aside(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROW}\n{ROW.replace('cart', 'Käse')}\n".encode("latin-1")

    guessed = imported(tmp_path, text)
    assert [row["reason"] for row in aside(guessed)] == ["service: not UTF-8"]

    names = HEADER.split(",")
    map_ = "encoding: latin-1\n" + "".join(f"{name}: {name}\n" for name in names)
    assert imported(tmp_path, text, map_, replace=True).series()[1].service == "cart"


def test_utf_16_without_a_mark_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"NUL bytes: state its encoding.*utf-16-le"):
        imported(tmp_path, f"{HEADER}\n{ROW}\n".encode("utf-16-le"))


def test_times_without_a_zone_are_read_only_in_a_zone_that_was_named(tmp_path: Path) -> None:
    text = f"{HEADER}\n" + "".join(
        f"{time},shop,cart,latency,1\n"
        for time in ("2026-10-25 02:30:00", "2026-03-29 02:30:00", "2026-07-01 12:00:00.5")
    )
    with pytest.raises(MalformedInput, match=r"timestamp: no zone \(3\); name the zone with --zone"):
        imported(tmp_path, text)

    dataset = imported(tmp_path, text, zone="Europe/Berlin")

    report = dataset.import_report()
    assert report["times_without_zone"] == {"read_as": "Europe/Berlin", "times": 3, "at_clock_changes": 2}
    assert report["clock_changes"] == {"skipped": 1, "repeated": 1}
    assert report["zones"] == {"none, read as Europe/Berlin": 3}
    assert dataset.card.span_to == parse_instant("2026-10-25T00:30:00Z") + 1


def test_a_zone_stands_in_the_map_or_on_the_command_line(tmp_path: Path) -> None:
    names = HEADER.split(",")
    map_ = "zone: Asia/Tokyo\n" + "".join(f"{name}: {name}\n" for name in names)
    text = f"{HEADER}\n{ROW.replace('Z', '')}\n"

    assert imported(tmp_path, text, map_).card.span_from == parse_instant("2026-04-25T16:00:00Z")
    with pytest.raises(UsageError, match="'Asia/Tokyo' is said by the source and 'UTC' by --zone"):
        imported(tmp_path, text, map_, zone="UTC", replace=True)


def test_counts_since_1970_are_read_only_in_a_unit_that_was_stated(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROW.replace('2026-04-26T01:00:00Z', '1714093200.5')}\n"
    with pytest.raises(MalformedInput, match=r"timestamp: no unit \(1\); state the unit with --time-unit"):
        imported(tmp_path, text)
    with pytest.raises(UsageError, match="time unit 'sec' is unknown"):
        imported(tmp_path, text, time_unit="sec")

    assert imported(tmp_path, text, time_unit="s").card.span_from == 1714093200_500_000_000


def test_a_faulty_row_is_told_with_file_line_and_column(tmp_path: Path) -> None:
    text = f'{HEADER}\n{ROW}\n\n"2026-04-26T01:01:00Z",shop,"ca\nrt",latency,1\n' + ROW.replace("0.5", "1_0")

    rows = aside(imported(tmp_path, text))

    assert [(row["source"], row["row"], row["reason"]) for row in rows] == [
        ("in.csv", 4, "service: not allowed"),
        ("in.csv", 6, "value: not a number"),
    ]
    assert rows[0]["record"] == '"2026-04-26T01:01:00Z",shop,"ca\nrt",latency,1'
    assert rows[1]["detail"].startswith("in.csv:6: column 'value': '1_0' is no number")


def test_a_line_end_within_quotes_is_part_of_the_cell(tmp_path: Path) -> None:
    text = f'{HEADER},note\n{ROW},"two\nlines"\n{ROW},"again\n\n""two"""\n{ROW},one\n'

    dataset = imported(tmp_path, text)

    assert dataset.import_report()["files"] == {"in.csv": {"lines": 3, "used": 3}}
    assert not (dataset.path / "quarantine").exists()


def test_a_stray_quote_costs_a_line_and_not_the_rest_of_the_file(tmp_path: Path) -> None:
    lines = [ROW] * 2000
    lines[5] = '2026-04-26T01:00:00Z,shop,"cart,latency,0.5'
    lines[1500] = '"2026-04-26T01:00:00Z,shop,cart,latency,0.5'

    dataset = imported(tmp_path, "\n".join([HEADER, *lines]))

    assert dataset.card.rows == 1998
    assert [(row["row"], row["reason"]) for row in aside(dataset)] == [(7, "not a row"), (1502, "not a row")]


def test_a_line_of_ten_megabytes_is_set_aside_without_being_held(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROW}\n{'x' * 10_000_000}\n{ROW}\n"

    dataset = imported(tmp_path, text)

    assert dataset.card.rows == 2
    (row,) = aside(dataset)
    assert (row["row"], row["reason"]) == (3, "line too long")
    assert "10,000,000 bytes" in row["detail"]
    assert len(row["record"]) <= 1_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no rows; give CSV with a header like timestamp,namespace"),
        (f"{HEADER}\n", "no rows"),
        ("\n\n  \n", "no rows"),
        (f"{ROW}\n{ROW}\n", r"no column timestamp and no column namespace .* among '2026-04-26T01:00:00Z'"),
        (f"{HEADER},value\n{ROW},1\n", "column 'value' stands twice in the header, at 5 and 6"),
        (f"{HEADER}\r{ROW}\r", "carriage returns alone"),
        (b"\x00\x01\x02\n" * 5, "NUL"),
        (b"\xff\xfeabc", "in.csv is not utf-16"),
        ("x" * 3_000_000, "the first line has 3,000,000 bytes"),
        ('"timestamp,value\n1,2\n', "unexpected end of data"),
        (",".join(f"c{n}" for n in range(20_000)) + f",{HEADER}\n", "20,006 columns|20,005 columns"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text: str | bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=told):
        imported(tmp_path, text)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("map_", "told"),
    [
        ("timestamp: t\nvalue: v\nnamespace: n\nservice: s\nmetric_name: m\n", "no column 'n' in the header"),
        ("timestamp: t\nvalue: v\nvalues: [v]", "give either value"),
        ("timestamp: {column: t, unit: sec}\nvalue: v", r"map\.yaml:1: timestamp\.unit: .*'s', 'ms'"),
        ("timestamp: t\nvalue: v\nnamspace: x", r"map\.yaml:3: namspace: unknown field; did you mean"),
        ("timestamp: t\nvalue: v\nnamespace: {value: a/b}", "namespace: .*pattern.* got 'a/b'"),
        ("timestamp: t\nvalues: [v, v]", "column 'v' is listed twice"),
        ("timestamp: t\nvalue: v\ndelimiter: colonn", "neither a name nor one character"),
        ("timestamp: t\nvalue: v\nservice: {column: a, value: b}", "give either column"),
        ("timestamp: t\nvalue: v", "no namespace: name its column in the map"),
        ("timestamp: t\nvalue: t\nnamespace: {value: n}\nservice: {value: s}\nmetric_name: {value: m}",
         "column 't' is used for two things"),
        ("[1]", "expected a mapping"),
    ],
)  # fmt: skip
def test_a_map_that_does_not_fit_says_file_line_and_field(map_: str, told: str, tmp_path: Path) -> None:
    with pytest.raises((MalformedInput, UsageError), match=told):
        imported(tmp_path, "t,v\n2026-04-26T01:00:00Z,1\n", map_)


def test_what_map_and_options_both_say_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--service is given and the column map says service too"):
        imported(tmp_path, "t,v\n", "timestamp: t\nvalue: v\nservice: {value: x}", service="y")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of samples, one packed and below, and incidents beside them."""
    source = tmp_path / "source"
    (source / "2026-05").mkdir(parents=True)
    (source / "b.csv").write_text(f"{HEADER}\n{ROW}\n")
    packed = gzip.compress(f"{HEADER}\n{ROW.replace('04-26', '05-01')}\n".encode())
    (source / "2026-05" / "a.csv.gz").write_bytes(packed)
    (source / "incidents.jsonl").write_text(json.dumps(INCIDENT) + "\n")
    (source / "readme.txt").write_text("hello")
    return source


def test_a_folder_is_read_whole_with_the_labels_beside_it(folder: Path) -> None:
    dataset = import_dataset(format="csv", source=folder, dataset=folder.with_name("out"))

    assert dataset.card.rows == 2
    assert [label.incident_id for label in dataset.labels().incidents] == ["i"]
    assert dataset.card.evaluation.labels_complete
    report = dataset.import_report()
    assert list(report["files"]) == ["2026-05/a.csv.gz", "b.csv", "incidents.jsonl"]
    assert report["files_not_read"] == ["readme.txt"]


def test_a_file_that_cannot_be_used_does_not_stop_the_others(folder: Path) -> None:
    (folder / "c.csv").write_text("something,else\n1,2\n")

    dataset = import_dataset(format="csv", source=folder, dataset=folder.with_name("out"))

    assert dataset.card.rows == 2
    assert [(row["source"], row["reason"]) for row in aside(dataset)] == [("c.csv", "no such column")]


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    outside = folder.with_name("outside.csv")
    outside.write_text(f"{HEADER}\n{ROW}\n")
    (folder / "link.csv").symlink_to(outside)

    with pytest.raises(MalformedInput, match="a link that leads out of"):
        import_dataset(format="csv", source=folder, dataset=folder.with_name("out"))


def test_a_file_that_unpacks_to_more_than_anybody_packed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("titleshot.datasets.importers.source_files.UNPACKED_ALWAYS", 1 << 16)
    (tmp_path / "bomb.csv.gz").write_bytes(
        gzip.compress(f"{HEADER}\n".encode() + f"{ROW}\n".encode() * 300_000)
    )

    with pytest.raises(MalformedInput, match="unpacks to more than"):
        import_dataset(format="csv", source=tmp_path / "bomb.csv.gz", dataset=tmp_path / "out")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(f"{HEADER}\n{ROW}\n".encode())[:-9])
    with pytest.raises(MalformedInput, match="cannot be unpacked"):
        import_dataset(format="csv", source=tmp_path / "cut.csv.gz", dataset=tmp_path / "out")


def test_the_order_of_rows_columns_and_quoting_do_not_change_what_is_read(tmp_path: Path) -> None:
    first = imported(tmp_path, f"{HEADER}\n{ROW}\n{ROW.replace('cart', 'web')}\n")
    turned = imported(
        tmp_path,
        'value,metric_name,service,namespace,timestamp\r\n"0.5","latency","cart","shop","2026-04-26T01:00:00Z"\r\n'
        " 0.50 ,latency , web,shop,2026-04-26T03:00:00+02:00\r\n",
        replace=True,
    )

    assert turned.card.digest == first.card.digest
    assert turned.import_report()["names_with_blanks_cut_off"] == 1


def test_from_the_command_line(folder: Path, titleshot: Any) -> None:
    ran = titleshot("import", "csv", folder, folder.with_name("out"), "--delimiter", "comma")

    assert ran.code == 0
    assert "2 samples" in ran.err or "2 samples" in ran.out


@pytest.mark.data
def test_a_real_file_of_the_benchmark_reads_as_its_importer_reads_it(
    tmp_path: Path, data_folder: Path
) -> None:
    name = "realAWSCloudwatch/ec2_cpu_utilization_53ea38.csv"
    source = data_folder / "nab/data" / name
    if not source.is_file():
        pytest.skip(f"{name} is no part of the data here")

    dataset = import_dataset(
        format="csv", source=source, dataset=tmp_path / "out", namespace="nab", service="x",
        metric_name="value", zone="UTC",
    )  # fmt: skip

    rows = [line for line in source.read_text().splitlines()[1:] if line.strip()]
    assert dataset.card.rows == len(rows)
    assert rows_of(dataset)[0][2] == float(rows[0].split(",")[1])
    assert os.fspath(source).endswith(name)
