"""A server that answers with the bytes of a file, well or badly."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

from bad_inputs.kinds import bomb


class _Handler(BaseHTTPRequestHandler):
    answer: Path
    how = ""

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        body = self.answer.read_bytes() if self.answer.is_file() else b""
        status, headers = 200, {"Content-Type": "application/json"}
        match self.how.split():
            case ["status", number]:
                status, body = int(number), b'{"status":"error","errorType":"x","error":"<b>no</b>"}'
            case ["redirect", target]:
                status, headers["Location"] = 302, target
            case ["coded", coding]:
                headers["Content-Encoding"] = coding
            case ["gzip", "bomb"]:
                body, headers["Content-Encoding"] = bomb(body[:-4], 1 << 26), "gzip"
            case ["gzip", "cut"]:
                body, headers["Content-Encoding"] = gzip.compress(body * 9)[:-30], "gzip"
            case ["shorter", "than", "said"]:
                headers["Content-Length"] = str(len(body) + 100)
            case ["silent"]:
                self.close_connection = True
                return
            case ["no", "http"]:
                self.wfile.write(b"220 mail ready\r\n")
                self.close_connection = True
                return
        self.send_response(status)
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # the other side need not hear it out
            self.wfile.write(body)
        if self.how == "shorter than said":
            self.close_connection = True

    do_POST = do_GET  # noqa: N815  as http.server calls it

    def log_message(self, *_: object) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # without asking a name service for our own name


@contextmanager
def answering(file: Path, how: str) -> Iterator[str]:
    """The address of a server that answers every request with a file's bytes."""
    handler = type("Handler", (_Handler,), {"answer": file, "how": how})
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
