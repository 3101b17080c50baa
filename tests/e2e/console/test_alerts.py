"""Alerts: rules of the file fire, receivers are told by webhook, in Slack's form and by mail; silences, tests, the page."""

import email
import email.policy
import http.server
import json
import socketserver
import threading
import urllib.request

import pytest
from leat import WAIT_S, leat, wait_until

PIPELINE = """\
version: 1
pipeline: watched
sources:
  numbers:
    file: {path: numbers.jsonl, follow: true}
    key: id
    schedule: "@every 1s"
    topic: {name: numbers}
streams:
  parsed: {sql: "SELECT id, CAST(n AS INT) AS n FROM numbers"}
sinks:
  parsed: {from: parsed, table: parsed, key: [id]}
alerts:
  rules:
    "dead <b>": {when: dead-letters, limit: 0, for: 0s, resolve: 0s}
    old: {when: freshness, limit: 100 days}
  to:
    hook: {webhook: "${HOOK}/a/secret"}
    team: {webhook: "${HOOK}/slack/secret", form: slack}
    mail: {mail: ops@example.org, server: "${SMTP}", from: leat@example.org}
"""


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))
        self.send_response(self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs that is in a hurry."""

    def handle(self):
        self.wfile.write(b"220 test ESMTP\r\n")
        while line := self.rfile.readline():
            verb = line.split()[0].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    assert line.endswith(b"\r\n")
                    lines.append(line[1:] if line.startswith(b".") else line)
                self.server.got.append(email.message_from_bytes(b"".join(lines), policy=email.policy.default))
            self.wfile.write(b"250 fine\r\n" if verb != b"QUIT" else b"221 bye\r\n")
            if verb == b"QUIT":
                return


@pytest.fixture
def serve():
    """serve(handler) listens in a thread; what came is in `got`."""
    servers = []

    def start(handler):
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler, bind_and_activate=True)
        server.daemon_threads = True
        server.got = []
        server.answer = 200
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def watched(serve, up, tmp_path):
    """A pipeline with a dead letter: leat, the hooks' server, the mail server."""
    hook, smtp = serve(Hook), serve(Smtp)
    (tmp_path / "numbers.jsonl").write_text('{"id": "a", "n": "1"}\n')
    (tmp_path / "watched.yaml").write_text(PIPELINE)
    process = up(
        files=[tmp_path / "watched.yaml"],
        environment={
            "HOOK": f"http://127.0.0.1:{hook.server_address[1]}",
            "SMTP": f"smtp://127.0.0.1:{smtp.server_address[1]}",
        },
    )
    base = f"http://{process.addresses()['http']}"
    return process, base, hook, smtp


def ask(base, path="/api/v1/alerts", body=None, method=None):
    headers = {"Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=WAIT_S) as reply:
        return json.load(reply)


def state_of(base, rule):
    return {alert["state"] for alert in ask(base)["alerts"] if alert["rule"] == rule}


def spoil(process, base, identity):
    """A record that cannot be read, once the rule has seen how things were before."""
    wait_until(lambda: state_of(base, "dead <b>") == {"fine"}, "a first look", 120)
    with (process.data.parent / "numbers.jsonl").open("a") as file:
        file.write(json.dumps({"id": identity, "n": "x"}) + "\n")
    wait_until(lambda: state_of(base, "dead <b>") == {"firing"}, "the alert", 120)


def test_all_receivers_are_told_once(watched):
    process, base, hook, smtp = watched
    spoil(process, base, "b")
    wait_until(lambda: len(hook.got) == 2 and smtp.got, "the receivers", 120)
    told = dict(hook.got)
    plain = told["/a/secret"]
    assert (plain["status"], plain["rule"], plain["target"], plain["value"]) == ("firing", "dead <b>", "watched", "1")
    assert told["/slack/secret"] == {"text": "[FIRING] dead &lt;b&gt;: dead-letters of watched is 1, limit 0"}
    mail = smtp.got[0]
    assert mail["Subject"] == "[FIRING] dead <b>: dead-letters of watched is 1, limit 0"
    assert (mail["From"], mail["To"]) == ("leat@example.org", "ops@example.org")
    assert mail["Date"].datetime is not None and "value   1" in mail.get_content()
    found = ask(base)
    assert [event["event"] for event in found["history"]] == ["firing"]
    assert "secret" not in json.dumps(found)
    assert {receiver["name"]: receiver["kind"] for receiver in found["receivers"]} == {"hook": "webhook", "team": "slack", "mail": "mail"}
    listed = leat("alert", "list", data=process.data)
    assert "firing" in listed.stdout and "dead <b>" in listed.stdout
    assert process.stop().code == 0
    assert "secret" not in process.stderr


def test_tests_and_silences(watched):
    process, base, hook, smtp = watched
    assert leat("alert", "test", "mail", data=process.data).code == 0
    assert smtp.got[0]["Subject"].startswith("[TEST]")
    assert leat("alert", "test", "nobody", data=process.data).code != 0
    hook.answer = 500
    refused = leat("alert", "test", "hook", data=process.data)
    assert refused.code != 0 and "the webhook answered 500" in refused.stderr
    hook.answer = 200
    hook.got.clear()
    smtp.got.clear()
    silenced = leat("alert", "silence", "dead <b>", "--for", "1h", "--why", "a test", data=process.data)
    assert "silence" in silenced.stdout, silenced.stderr
    spoil(process, base, "c")
    silence = ask(base)["silences"][0]
    assert (silence["rule"], silence["why"], hook.got, smtp.got) == ("dead <b>", "a test", [], [])
    assert ask(base, f"/api/v1/alerts/silences/{silence['id']}", method="DELETE")["silences"] == []
    wait_until(lambda: len(hook.got) == 2 and smtp.got, "what was held back", 120)


def test_mistakes_are_found_by_check(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(PIPELINE.replace("limit: 0,", "limit: much,").replace("${HOOK}", "http://h").replace("${SMTP}", "smtp://h"))
    (tmp_path / "numbers.jsonl").write_text("")
    ended = leat("check", file)
    assert ended.code == 78 and "alerts.rules" in ended.stderr + ended.stdout and "no number" in ended.stderr + ended.stdout


@pytest.mark.slow
def test_the_page(watched, visit):
    process, base, hook, _ = watched
    spoil(process, base, "d")
    page = visit(process, "alerts")
    page.sees("firing", "dead <b>", "watched", within="#alerts")
    page.sees("mail to ops@example.org", "all receivers", "dead-letters")
    wait_until(lambda: len(hook.got) >= 2, "the receivers", 120)
    page.click("Test team")
    page.sees("arrived")
    page.click("Silence…", within="#alerts")
    page.fill("Why", "<i>because</i>", within="dialog")
    page.click("Silence", within="dialog .actions")
    page.sees("<i>because</i>", "Silences")
    page.click("End")
    wait_until(lambda: "Silences" not in page.text(), "no silence", 120)
    assert page.count("#main b, #main i") == 0
