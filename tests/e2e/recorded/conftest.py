"""A server of prepared replies, as a source sees an API that changes between two polls."""

import http.server
import threading

import pytest


class Replies(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = b""
        self.requests = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/feed"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_):
        pass


@pytest.fixture
def replies():
    """Gives `body` to everyone who asks."""
    server = Replies()
    yield server
    server.shutdown()
    server.server_close()
