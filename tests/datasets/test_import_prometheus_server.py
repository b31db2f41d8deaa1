"""Servers that do not do as they should: what is asked again, what is refused, and that the token is safe."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from scripted_server import Asked, Reply, Script, constant, matrix, scripted

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, TitleshotError, Unreachable, UsageError
from titleshot.datasets.importers.prometheus import server as server_module
from titleshot.datasets.importers.prometheus.address import TOKEN_VARIABLE, Address, token_of
from titleshot.pipelines.import_ import import_dataset

SECRET = "hush-hush-never-shown"  # noqa: S105  of no server


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between two tries are noted and not waited."""
    waits: list[float] = []

    class Clock:
        sleep = staticmethod(waits.append)
        monotonic = staticmethod(time.monotonic)

    monkeypatch.setattr(server_module, "time", Clock)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    return waits


def imported(address: str, place: Path, **options: Any) -> Dataset:
    """Ten steps of a minute in one request."""
    span = {"from_": "2026-04-01T00:00:00Z", "to": "2026-04-01T00:10:00Z"}
    given = {"query": ("up",), "no_alerts": True, "attempts": 3, "timeout_s": 0.5, **span, **options}
    return import_dataset(format="prometheus", source=address, dataset=place / "shop", **given)


def first(*replies: Reply | Callable[[Asked], Reply]) -> Script:
    """Each of these in turn, then ten steps of a series."""
    waiting = list(replies)

    def script(asked: Asked) -> Reply:
        reply = waiting.pop(0) if waiting else constant
        return reply if isinstance(reply, Reply) else reply(asked)

    return script


def said(kind: str, words: str, status: int, **headers: str) -> Reply:
    body = json.dumps({"status": "error", "errorType": kind, "error": words}).encode()
    return Reply(body, status, {"Content-Type": "application/json", **headers})


def cut_off(asked: Asked) -> Reply:
    whole = constant(asked).body
    return Reply(whole[:-20], promised=len(whole))


def cut_off_after_a_brace(asked: Asked) -> Reply:
    whole = constant(asked).body
    return Reply(whole[: whole.index(b"}") + 1], promised=len(whole))


def cut_off_without_length(asked: Asked) -> Reply:
    return Reply(constant(asked).body[:-20])


def packed(asked: Asked, cut: int = 0) -> Reply:
    body = gzip.compress(constant(asked).body)
    return Reply(body[: len(body) - cut], headers={"Content-Encoding": "gzip"})


def hangs(asked: Asked) -> Reply:
    return Reply(before=lambda: threading.Event().wait(1.0))


PASSING: dict[str, Reply | Callable[[Asked], Reply]] = {
    "503": Reply(b"busy", 503, {"Content-Type": "text/plain"}),
    "502 with a page": Reply(b"<html>bad gateway</html>", 502, {"Content-Type": "text/html"}),
    "429": said("", "slow down", 429),
    "no answer in time": hangs,
    "cut off": cut_off,
    "cut off after a brace": cut_off_after_a_brace,
    "cut off where no length was promised": cut_off_without_length,
    "cut off in gzip": lambda asked: packed(asked, cut=12),
    "an empty answer": Reply(b"", promised=100),
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING)
def test_what_is_passing_is_asked_again(reply: Any, tmp_path: Path) -> None:
    with scripted(first(reply)) as server:
        dataset = imported(server.address, tmp_path)
    assert dataset.card.rows == 10
    assert dataset.import_report()["requests"] == {
        "sent": 2, "sent_again": 1, "answers_kept_from_before": 0, "halved": 0,
    }  # fmt: skip


def test_waits_grow_and_the_server_s_own_wish_comes_first(tmp_path: Path, at_once: list[float]) -> None:
    busy = Reply(b"", 503)
    with scripted(first(busy, busy, busy, said("", "", 429, **{"Retry-After": "7"}))) as server:
        imported(server.address, tmp_path, attempts=5)
    assert at_once == [0.5, 1.0, 2.0, 7.0]


def test_a_server_that_stays_away_is_unreachable_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        scripted(lambda _: Reply(b"down for the night", 503, {"Content-Type": "text/plain"})) as server,
        pytest.raises(Unreachable, match=r"HTTP 503, down for the night; asked 3 times for query 1 \(up\)"),
    ):
        imported(server.address, tmp_path)
    assert len(server.asked) == 3
    assert list(tmp_path.iterdir()) == []


def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    with scripted(constant) as server:
        address = server.address
    with pytest.raises(Unreachable, match="no connection: Connection refused; asked 3 times"):
        imported(address, tmp_path)


def test_gzip_is_asked_for_and_read(tmp_path: Path) -> None:
    with scripted(packed) as server:
        assert imported(server.address, tmp_path).card.rows == 10
    assert server.asked[0].headers["Accept-Encoding"] == "gzip"


def test_a_long_query_is_posted_and_a_short_one_not(tmp_path: Path) -> None:
    long = f"up{{x!='{'y' * 3000}'}}"
    with scripted(constant) as server:
        imported(server.address, tmp_path, query=(long,))
        imported(server.address, tmp_path, replace=True)
    posted, got = server.asked
    assert (posted.method, posted.parameters["query"]) == ("POST", long)
    assert (got.method, got.parameters["query"]) == ("GET", "up")


def html(_: Asked) -> Reply:
    return Reply(b"<html>log in</html>", headers={"Content-Type": "text/html; charset=utf-8"})


def body(text: bytes | str) -> Reply:
    return Reply(text if isinstance(text, bytes) else text.encode())


REFUSED: dict[str, tuple[Any, type[TitleshotError], str]] = {
    "a login page": (html, MalformedInput, "answers with text/html; charset=utf-8 where JSON was asked for"),
    "another type": (Reply(b"{}", headers={"Content-Type": "text/plain"}), MalformedInput, "text/plain"),
    "no JSON": (body('{"status": "success", data}'), MalformedInput, "not JSON"),
    "a list": (body("[1, 2]"), MalformedInput, "no JSON object"),
    "nothing in it": (body("{}"), MalformedInput, "no status 'success'"),
    "a vector": (
        body('{"status":"success","data":{"resultType":"vector","result":[]}}'),
        MalformedInput,
        "resultType is 'vector'",
    ),
    "labels that are no text": (
        body('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":1},"values":[]}]}}'),
        MalformedInput,
        "metric of text labels",
    ),
    "nested without end": (
        body(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), MalformedInput, "not JSON"
    ),
    "no UTF-8": (body(b'{"status":"\xff"}'), MalformedInput, "not UTF-8 (byte 11)"),
    "another packing": (
        Reply(b"x", headers={"Content-Encoding": "br"}), MalformedInput, "packed as br; asked for gzip"
    ),
    "no gzip": (
        Reply(b"{}", headers={"Content-Encoding": "gzip"}), MalformedInput, "the answer cannot be unpacked"
    ),
    "not allowed": (said("", "who are you", 401), UsageError, "does not let us in (HTTP 401, who are you)"),
    "forbidden": (said("", "", 403), UsageError, "--bearer-token-file"),
    "not there": (Reply(b"", 404), MalformedInput, "nothing at /api/v1 there"),
    "a bad query": (
        said("bad_data", "parse error: unexpected end", 400),
        MalformedInput,
        "query 1 (up): Prometheus refuses it: HTTP 400, parse error: unexpected end",
    ),
    "too much for one step": (
        said("execution", "query processing would load too many samples into memory", 422),
        MalformedInput,
        "too much even for a single step",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "kind", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_answer_is_refused_in_words(reply: Any, kind: Any, words: str, tmp_path: Path) -> None:
    with (
        scripted(lambda asked: reply if isinstance(reply, Reply) else reply(asked)) as server,
        pytest.raises(TitleshotError) as refused,
    ):
        imported(server.address, tmp_path)
    assert type(refused.value) is kind
    assert words in str(refused.value)
    assert len(str(refused.value)) < 800
    assert not (tmp_path / "shop").exists()


def test_a_program_that_speaks_no_http_is_refused(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(MalformedInput, match="speaks no HTTP"):
            imported(f"http://127.0.0.1:{listening.getsockname()[1]}", tmp_path)
        thread.join()


def test_a_hundred_megabytes_of_garbage_are_not_read(tmp_path: Path) -> None:
    with (
        scripted(lambda _: Reply(b"x" * 100_000_000)) as server,
        pytest.raises(MalformedInput, match="no JSON object"),
    ):
        imported(server.address, tmp_path, timeout_s=20.0)
    assert len(server.asked) == 1, "what is garbage once is not asked for in halves"


def test_a_huge_answer_is_given_up_at_the_limit(tmp_path: Path) -> None:
    huge = b'{"status":"' + b"x" * 10_000_000
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=1) as file:
        for _ in range(10):
            file.write(huge)
    for reply in (Reply(huge), Reply(bomb.getvalue(), headers={"Content-Encoding": "gzip"})):
        with (
            scripted(lambda _, reply=reply: reply) as server,
            pytest.raises(
                MalformedInput, match=r"the answer is more than 1,000,000 bytes.*--most-response-mb"
            ),
        ):
            imported(server.address, tmp_path, most_response_mb=1, timeout_s=20.0)
        # Ten steps in halves: the whole, then down to a single step.
        assert len(server.asked) <= 5


def test_what_is_too_large_is_asked_for_in_halves(tmp_path: Path) -> None:
    def script(asked: Asked) -> Reply:
        answer = json.loads(constant(asked).body)
        answer["padding"] = "x" * (200_000 * len(answer["data"]["result"][0]["values"]))
        return Reply(json.dumps(answer).encode())

    with scripted(script) as server:
        dataset = imported(server.address, tmp_path, most_response_mb=1, timeout_s=20.0)
    assert dataset.card.rows == 10
    assert dataset.import_report()["requests"]["halved"] == 3


@pytest.mark.parametrize(
    ("kind", "words"),
    [("timeout", "context deadline exceeded"), ("", "query timed out in expression evaluation")],
)
def test_a_query_that_takes_the_server_too_long_is_asked_for_in_halves(
    kind: str, words: str, tmp_path: Path
) -> None:
    with scripted(first(said(kind, words, 503))) as server:
        assert imported(server.address, tmp_path).card.rows == 10
    assert [asked.parameters["end"] for asked in server.asked[1:]] == ["1775001840.000", "1775002140.000"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_token_stays(status: int, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(SECRET)
    with (
        scripted(constant) as elsewhere,
        scripted(
            lambda _: Reply(b"", status, {"Location": f"{elsewhere.address}/login?next=%2Fsecret"})
        ) as server,
        pytest.raises(MalformedInput, match=f"leads on to {elsewhere.address}/login, and redirects are not"),
    ):
        imported(server.address, tmp_path, bearer_token_file=token)
    assert elsewhere.asked == []
    assert len(server.asked) == 1


def test_the_token_is_sent_and_nowhere_to_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def echoes(asked: Asked) -> Reply:
        reply = json.loads(constant(asked).body)
        return Reply(
            json.dumps({**reply, "warnings": [f"you said {asked.headers['Authorization']}"]}).encode()
        )

    (tmp_path / "token").write_text(f"{SECRET}\n")
    with scripted(echoes) as server:
        dataset = imported(server.address, tmp_path, bearer_token_file=tmp_path / "token")
    assert server.asked[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert dataset.import_report()["warnings"] == ["you said Bearer [token]"]
    (tmp_path / "token").unlink()
    monkeypatch.setenv(TOKEN_VARIABLE, SECRET)
    with (
        scripted(lambda asked: said("", asked.headers["Authorization"], 400)) as server,
        pytest.raises(MalformedInput) as refused,
    ):
        imported(server.address, tmp_path, query=("down",), replace=True)
    assert "Bearer [token]" in str(refused.value)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()


def test_a_token_over_http_to_another_machine_is_warned_of() -> None:
    assert Address.of("http://prometheus.example:9090").unencrypted_away
    assert not Address.of("https://prometheus.example").unencrypted_away
    assert not Address.of("http://[::1]:9090").unencrypted_away


@pytest.mark.parametrize(
    "content", [b"", b"two words", b"line\nbreak", b"caf\xc3\xa9", b"x" * 70_000, b"a\x00b"]
)
def test_what_is_no_token_is_refused_and_not_repeated(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(UsageError, match="--bearer-token-file") as refused:
        token_of(tmp_path / "token")
    for word in ("words", "break", "caf", "xxx"):
        assert word not in str(refused.value).replace("line breaks", "")


ADDRESSES = [
    ("localhost:9090", "no address of Prometheus; give one like"),
    ("ftp://host/", "no address of Prometheus"),
    ("/var/lib/prometheus", "no address of Prometheus"),
    ("http://", "no address of Prometheus"),
    ("http://host:99999", "the address of Prometheus is none"),
    ("http://..", "the address of Prometheus is none"),
    ("http://[::1", "the address of Prometheus is none"),
    ("http://host/?token=hush", "ends before ? and #"),
    ("http://ann:hush@host/", "user and a password"),
    ("http://host/a b", "a blank in its path"),
]


@pytest.mark.parametrize(("address", "words"), ADDRESSES)
def test_what_is_no_address_is_refused_and_no_secret_in_it_repeated(
    address: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as refused:
        imported(address, tmp_path)
    assert words in str(refused.value)
    assert "hush" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_an_address_may_have_a_path_before_the_api(tmp_path: Path) -> None:
    with scripted(constant) as server:
        imported(f"{server.address}/prometheus/", tmp_path)
    assert server.asked[0].path == "/prometheus/api/v1/query_range"
    assert Address.of("http://host/api/v1").url == "http://host"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate of an authority nobody knows, and a server's context with one it signed."""
    folder = tmp_path_factory.mktemp("tls")
    now = dt.datetime.now(dt.UTC)

    def certificate(name: str, issuer: str, key: Any, signer: Any, ca: bool) -> x509.Certificate:
        made = x509.CertificateBuilder()
        made = made.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        made = made.issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - dt.timedelta(days=1))
        made = made.not_valid_after(now + dt.timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = made.add_extension(x509.SubjectAlternativeName([host]), critical=False)
        return made.sign(signer, hashes.SHA256())

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(
        certificate("test root", "test root", root_key, root_key, ca=True).public_bytes(pem)
    )
    own = certificate("127.0.0.1", "test root", key, root_key, ca=False).public_bytes(pem)
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(own + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "ca.pem", context


def test_a_certificate_is_checked(authority: tuple[Path, ssl.SSLContext], tmp_path: Path) -> None:
    ca_file, context = authority
    with scripted(constant, context) as server:
        with pytest.raises(UsageError, match=r"certificate is not trusted \(.*issuer.*--ca-file"):
            imported(server.address, tmp_path)
        assert server.asked == []
        assert imported(server.address, tmp_path, ca_file=ca_file).card.rows == 10


def test_http_and_https_taken_for_each_other_are_told(
    authority: tuple[Path, ssl.SSLContext], tmp_path: Path
) -> None:
    with scripted(constant) as server, pytest.raises(UsageError, match="speaks no TLS there; is it http://"):
        imported(server.address.replace("http:", "https:"), tmp_path, ca_file=authority[0])


def test_a_file_of_authorities_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "gone.pem"):
        with pytest.raises(UsageError, match=r"--ca-file .*cannot be used"):
            imported("https://localhost", tmp_path, ca_file=tmp_path / name)


def test_warnings_are_reported_once(tmp_path: Path) -> None:
    def script(asked: Asked) -> Reply:
        answer = json.loads(constant(asked).body)
        return Reply(json.dumps({**answer, "warnings": ["a store was away"], "isPartial": True}).encode())

    with scripted(script) as server:
        dataset = imported(server.address, tmp_path, chunk_points=3)
    assert dataset.import_report()["warnings"] == ["a store was away", "isPartial: the answer is partial"]


def test_no_matrix_no_dataset(tmp_path: Path) -> None:
    with scripted(lambda _: matrix()) as server, pytest.raises(MalformedInput, match="no query has a sample"):
        imported(server.address, tmp_path)
    assert list(tmp_path.iterdir()) == []
