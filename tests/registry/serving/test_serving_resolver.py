"""Resolvers: what an alias means now, and that nothing is parsed before digest and signature fit."""

from __future__ import annotations

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import serving_fixture as made

from titleshot.datasets.errors import IntegrityError, MalformedInput, Unreachable, UsageError
from titleshot.registry.home import Home
from titleshot.registry.ledger import Ledger, OutOfBand
from titleshot.registry.serving.mlflow_rest import MlflowResolver
from titleshot.registry.serving.resolver import Found, HomeResolver


def resolver(home: Home, name: str = made.NAME, alias: str = "champion") -> HomeResolver:
    return HomeResolver(home, name, alias)


class TestHome:
    def test_the_alias_means_what_was_committed_last(self, bare_home):
        at = resolver(bare_home)
        assert at.find().version == 1
        assert at.load(at.find()).contender.name == "window-20"
        second = made.register(bare_home, made.contender(window=10))
        made.point(bare_home, second, commit=False)
        assert at.find().version == 1, "an intent moves nothing"
        made.point(bare_home, second)
        assert at.find().version == 2
        assert at.load(at.find()).contender.name == "window-10"

    def test_a_group_without_a_champion_of_its_own_has_the_champion(self, bare_home):
        at = resolver(bare_home, alias="champion--checkout")
        assert (at.find().alias, at.load(at.find()).found.version) == ("champion", 1)
        made.point(bare_home, made.register(bare_home, made.contender(10)), alias="champion--checkout")
        assert (at.find().alias, at.load(at.find()).found.version) == ("champion--checkout", 2)

    def test_an_unknown_name_or_alias_is_answered_with_what_there_is(self, bare_home, tmp_path):
        with pytest.raises(UsageError, match=r"no model 'chequeout'.*there are checkout-paging"):
            resolver(bare_home, "chequeout").find()
        with pytest.raises(UsageError, match="has no challenger; there are champion"):
            resolver(bare_home, alias="challenger").find()
        with pytest.raises(UsageError, match="none yet"):
            resolver(Home(tmp_path / "nowhere")).find()

    def test_changed_bytes_are_found_before_anything_is_parsed(self, bare_home, monkeypatch):
        at = resolver(bare_home)
        found = at.find()
        recipe = bare_home.artifact(found.tree_digest) / "contender.yaml"
        recipe.write_text(recipe.read_text().replace("threshold: 3.0", "threshold: 9.0"))
        monkeypatch.setattr("titleshot.registry.serving.resolver.Artifact", lambda *_: pytest.fail("parsed"))
        with pytest.raises(IntegrityError, match="it was changed since"):
            at.load(found)

    def test_an_unsigned_move_and_a_strangers_signature_are_refused(self, bare_home, tmp_path):
        ledger = Ledger(bare_home.ledger)
        at = resolver(bare_home)
        genuine = at.find()
        with pytest.raises(IntegrityError, match="signature does not fit"):
            at.load(genuine._replace(version=7))
        stranger = Home(tmp_path / "stranger")
        stranger.make()
        stranger.signing_key()
        (bare_home.keys / "promoter.pub").write_bytes((stranger.keys / "promoter.pub").read_bytes())
        with pytest.raises(IntegrityError, match="signature does not fit"):
            at.load(genuine)
        ledger.append(
            OutOfBand, "ann", name=made.NAME, alias="champion", expected=1, found=1, reason="by hand"
        )
        with pytest.raises(IntegrityError, match="is not signed"):
            at.load(at.find())

    def test_a_copy_that_is_gone_and_a_key_that_is_gone_are_named(self, bare_home):
        at = resolver(bare_home)
        found = at.find()
        bare_home.artifact(found.tree_digest).rename(bare_home.path / "elsewhere")
        with pytest.raises(IntegrityError, match="register it again"):
            at.load(found)
        (bare_home.keys / "promoter.pub").unlink()
        with pytest.raises(MalformedInput, match="no public key here"):
            at.load(found)

    def test_a_ledger_that_was_tampered_with_stops_it(self, bare_home):
        text = bare_home.ledger.read_text()
        bare_home.ledger.write_text(text.replace('"version":1', '"version":2', 1))
        with pytest.raises(IntegrityError):
            resolver(bare_home).find()


class Server(BaseHTTPRequestHandler):
    """Answers as an MLflow server does, for one registered model."""

    home: Home
    found: Found
    listing: dict[str, list[dict[str, object]]] | None
    asked: list[str]

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        type(self).asked.append(self.headers.get("Authorization", ""))
        path = parts.path.removeprefix("/base/api/2.0/")
        if path == "mlflow/registered-models/get":
            if query["name"] != made.NAME:
                self._answer({"error_code": "RESOURCE_DOES_NOT_EXIST"}, 404)
            else:
                aliases = [{"alias": "champion", "version": "1"}]
                self._answer({"registered_model": {"name": made.NAME, "aliases": aliases}})
        elif path == "mlflow/model-versions/get":
            tags = {"tree_digest": self.found.tree_digest, "signature.champion": self.found.signature}
            version = {
                "name": made.NAME,
                "version": query["version"],
                "source": self.found.source,
                "tags": [{"key": key, "value": value} for key, value in tags.items() if value],
            }
            self._answer({"model_version": version})
        elif path == "mlflow-artifacts/artifacts":
            self._answer({"files": self._listed(query["path"])})
        elif path.startswith("mlflow-artifacts/artifacts/1/run/artifacts/contender/"):
            name = urllib.parse.unquote(path.split("/contender/")[1])
            self._send((self.home.artifact(self.found.tree_digest) / name).read_bytes(), 200)
        else:
            self._send(b"<html>not here</html>", 404)

    def _listed(self, path):
        if self.listing is not None:
            return self.listing.get(path, [])
        folder = self.home.artifact(self.found.tree_digest) / path.partition("contender")[2].strip("/")
        return [{"path": one.name, "is_dir": one.is_dir()} for one in sorted(folder.iterdir())]

    def _answer(self, content, status=200):
        self._send(json.dumps(content).encode(), status)

    def _send(self, content, status):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(bare_home):
    Server.home, Server.listing, Server.asked = bare_home, None, []
    source = "mlflow-artifacts:/1/run/artifacts/contender"
    Server.found = HomeResolver(bare_home, made.NAME, "champion").find()._replace(source=source)
    running = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/base/"
    running.shutdown()
    running.server_close()
    thread.join()


def rest(server: str, home: Home, name: str = made.NAME, alias: str = "champion") -> MlflowResolver:
    return MlflowResolver(server, name, alias, public_key=home.keys / "promoter.pub", timeout_s=5)


class TestMlflow:
    def test_a_version_is_found_fetched_and_checked_over_http(self, server, bare_home):
        at = rest(server, bare_home)
        found = at.find()
        assert (found.version, found.alias, found.tree_digest) == (1, "champion", Server.found.tree_digest)
        assert at.load(found).contender.name == "window-20"

    def test_one_whose_files_are_on_this_machine_is_read_there(self, server, bare_home):
        place = bare_home.artifact(Server.found.tree_digest)
        Server.found = Server.found._replace(source=place.as_uri())
        at = rest(server, bare_home)
        assert at.load(at.find()).contender.name == "window-20"
        Server.found = Server.found._replace(source="file:///nowhere/at/all")
        with pytest.raises(Unreachable, match="--serve-artifacts"):
            at.load(at.find())
        Server.found = Server.found._replace(source="s3://bucket/contender")
        with pytest.raises(UsageError, match="--serve-artifacts"):
            at.load(at.find())

    def test_an_unknown_name_or_alias_is_answered_with_what_there_is(self, server, bare_home):
        with pytest.raises(UsageError, match="no model 'chequeout'"):
            rest(server, bare_home, "chequeout").find()
        with pytest.raises(UsageError, match="has no challenger; there are champion"):
            rest(server, bare_home, alias="challenger").find()

    def test_without_the_promoter_s_signature_nothing_is_fetched(self, server, bare_home):
        Server.found = Server.found._replace(signature=None)
        at = rest(server, bare_home)
        found = at.find()
        Server.asked.clear()
        with pytest.raises(IntegrityError, match="is not signed"):
            at.load(found)
        assert Server.asked == []

    def test_files_that_lead_out_of_the_folder_are_refused(self, server, bare_home):
        Server.listing = {"1/run/artifacts/contender": [{"path": "..", "is_dir": False}]}
        at = rest(server, bare_home)
        with pytest.raises(IntegrityError):
            at.load(at.find())

    def test_changed_bytes_are_found(self, server, bare_home):
        recipe = bare_home.artifact(Server.found.tree_digest) / "contender.yaml"
        recipe.write_text(recipe.read_text() + "\n")
        at = rest(server, bare_home)
        with pytest.raises(IntegrityError, match="it was changed since"):
            at.load(at.find())

    def test_a_server_that_is_away_or_speaks_otherwise_is_unreachable(self, server, bare_home):
        with pytest.raises(Unreachable, match="does not answer"):
            rest("http://127.0.0.1:1", bare_home).find()
        with pytest.raises(Unreachable, match="answers 404"):
            rest(server.replace("/base", ""), bare_home).find()

    def test_credentials_go_into_a_header_and_never_into_a_message(self, server, bare_home):
        at = rest(server.replace("http://", "http://ann:pa55@"), bare_home)
        at.find()
        assert Server.asked[0].startswith("Basic ")
        with pytest.raises(Unreachable) as caught:
            rest("http://ann:pa55@127.0.0.1:1", bare_home).find()
        assert "pa55" not in str(caught.value)

    @pytest.mark.parametrize("url", ["file:///etc", "server:5000", "http://"])
    def test_only_http_is_an_address(self, url, bare_home):
        with pytest.raises(UsageError, match="no http"):
            rest(url, bare_home)
