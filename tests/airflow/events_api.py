"""An API with dates: one event an hour, of the interval that is asked for."""

import datetime
import http.server
import json
import threading
import urllib.parse

HOUR = datetime.timedelta(hours=1)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        begin, end = (datetime.datetime.fromisoformat(query[n].replace("Z", "+00:00")) for n in ("from", "to"))
        self.server.asked.append((begin, end))
        events, at = [], begin
        while at < end:
            events.append({"id": at.isoformat(), "at": at.isoformat()})
            at += HOUR
        body = json.dumps({"events": events}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class EventsApi:
    def __init__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.asked = []
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def asked(self):
        """The intervals, in the order of the requests."""
        return list(self._server.asked)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
