"""Who may use the console: login, roles, tokens, the audit log, TLS, and commands beside a leat that asks for a login."""

import datetime
import json
import os
import ssl
import stat
import subprocess
import urllib.error
import urllib.request

import pytest
from leat import ANY_PORTS, BINARY, USERS, WAIT_S, leat, wait_until

ONCE = ["--set", 'sources.random_users.schedule="@once"']
PASSWORD = "correct horse battery"


def add_user(users, name, role, password=PASSWORD):
    done = subprocess.run([BINARY, "user", "add", name, "--role", role, "--users", users], input=password + "\n",
                          capture_output=True, text=True, timeout=WAIT_S)  # fmt: skip
    assert done.returncode == 0, done.stderr


def add_token(users, name, role):
    ended = leat("token", "add", name, "--role", role, "--users", users)
    assert ended.code == 0, ended.stderr
    return ended.stdout.strip()


@pytest.fixture
def users(tmp_path):
    """A file with somebody of each role."""
    path = tmp_path / "users.txt"
    for role in ("viewer", "operator", "admin"):
        add_user(path, f"the_{role}", role)
    return path


class Client:
    def __init__(self, process, scheme="http", context=None):
        self.base = f"{scheme}://{process.addresses()['http']}"
        self.context = context
        self.cookie = None

    def ask(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            headers["Cookie"] = self.cookie
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S, context=self.context) as reply:
                return reply.status, reply.headers, reply.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read().decode()

    def code(self, method, path, body=None, **headers):
        return self.ask(method, path, body, **headers)[0]

    def login(self, name, password=PASSWORD):
        status, headers, body = self.ask("POST", "/api/v1/session", {"user": name, "password": password})
        if status == 200:
            self.cookie = headers["Set-Cookie"].split(";")[0]
        return status, headers, json.loads(body)


TOPIC = {"name": "made", "partitions": 1}
# What each role may, from the least on: method, path, body.
ASKED = {
    "anyone": [("GET", "/", None), ("GET", "/livez", None), ("GET", "/readyz", None), ("GET", "/api/v1/session", None)],
    "viewer": [("GET", "/api/v1/status", None), ("GET", "/metrics", None), ("GET", "/api/v1/dead", None),
               ("POST", "/api/v1/query", {"sql": "SELECT 1 AS one FROM users_created LIMIT 1"})],
    "operator": [("POST", "/api/v1/dead/retry", {}), ("POST", "/api/v1/topics/users_created/records", {"value": "1"})],
    "admin": [("GET", "/api/v1/audit", None), ("POST", "/api/v1/topics", TOPIC), ("DELETE", "/api/v1/topics/made", None)],
}  # fmt: skip
ROLES = list(ASKED)


def test_each_role_may_what_the_table_says(api, up, users):
    process = up("--users", users, *ONCE, url=api.url)
    admin = Client(process)
    admin.login("the_admin")
    wait_until(lambda: json.loads(admin.ask("GET", "/api/v1/status")[2])["totals"]["stored"] == 500, "500 users")
    for own, role in enumerate(ROLES):
        client = Client(process)
        if role != "anyone":
            status, headers, who = client.login(f"the_{role}")
            assert (status, who) == (200, {"login": True, "user": f"the_{role}", "role": role})
            assert "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"]
        for needed, wanted in enumerate(ROLES):
            for method, path, body in ASKED[wanted]:
                code = client.code(method, path, body)
                if own >= needed:
                    assert code in (200, 201, 204), (role, method, path, code)
                else:
                    assert code == (401 if role == "anyone" else 403), (role, method, path, code)
    entries = json.loads(admin.ask("GET", "/api/v1/audit?limit=1000")[2])
    told = [(entry["who"], entry["method"], entry["path"], entry["status"]) for entry in reversed(entries)]
    assert ("the_viewer", "POST", "/api/v1/topics", 403) in told
    assert ("the_operator", "POST", "/api/v1/dead/retry", 200) in told
    assert ("the_admin", "DELETE", "/api/v1/topics/made", 204) in told or ("the_admin", "DELETE", "/api/v1/topics/made", 200) in told
    assert PASSWORD not in json.dumps(entries) and '"value"' not in json.dumps(entries)
    made = next(entry for entry in entries if entry["path"] == "/api/v1/topics" and entry["who"] == "the_admin")
    assert json.loads(made["body"]) == TOPIC
    lines = (process.data / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in reversed(lines)] == entries


def test_a_change_needs_the_own_page(up, api, users):
    client = Client(up("--users", users, *ONCE, url=api.url))
    client.login("the_admin")
    assert client.code("POST", "/api/v1/dead/retry", {}, Origin="http://evil.example") == 403
    assert client.code("POST", "/api/v1/session", {"user": "a", "password": "b"}, Sec_Fetch_Site="cross-site") == 403


def test_logout_wrong_passwords_and_a_user_who_is_taken_out(up, api, users):
    client = Client(up("--users", users, *ONCE, url=api.url))
    assert client.login("the_viewer")[0] == 200
    kept = client.cookie
    assert client.ask("DELETE", "/api/v1/session")[1]["Set-Cookie"].endswith("Max-Age=0")
    assert client.code("GET", "/api/v1/status") == 401
    client.login("the_viewer")
    assert client.cookie != kept and client.code("GET", "/api/v1/sources") in (200, 503)
    assert leat("user", "remove", "the_viewer", "--users", users).code == 0
    assert client.code("GET", "/api/v1/sources") == 401
    for name in ("the_admin", "nobody"):
        codes = [client.login(name, "wrong wrong wrong")[0] for _ in range(6)]
        assert codes[:5] == [401] * 5
        assert codes[5] == 429 or client.login(name, "wrong wrong wrong")[0] in (401, 429)
    status, headers, _ = client.login("the_admin")
    assert status in (200, 429) and (status == 200 or int(headers["Retry-After"]) >= 1)


def test_tokens(up, api, users):
    token = add_token(users, "prometheus", "viewer")
    assert token not in users.read_text() and stat.S_IMODE(users.stat().st_mode) == 0o600
    process = up("--users", users, *ONCE, url=api.url)
    client = Client(process)
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.code("GET", "/metrics", **bearer) == 200
    assert client.code("POST", "/api/v1/dead/retry", {}, **bearer) == 403
    assert client.code("GET", "/metrics", Authorization="Bearer leat_" + "0" * 64) == 401
    listed = [json.loads(line) for line in leat("user", "list", "--json", "--users", users).stdout.splitlines()]
    assert {"kind": "token", "name": "prometheus", "role": "viewer", "until": ""} in listed
    later = add_token(users, "later", "operator")  # a running leat takes it
    assert client.code("POST", "/api/v1/dead/retry", {}, Authorization=f"Bearer {later}") == 200


def commands_work(process):
    """Those that talk to the running leat."""
    data = process.data
    wait_until(lambda: leat("health", data=data).code == 0, "ready")
    assert json.loads(leat("top", "--json", data=data).stdout)["pid"] == process.process.pid
    ended = leat("ingest", USERS, "random_users", "--limit", "3", data=data)
    assert ended.code == 0 and ended.sum["new"] == 3, ended.stderr
    assert leat("dead", "retry", "--all", data=data).code == 0


def test_commands_beside_it_use_the_token_of_the_data_directory(up, api, users):
    process = up("--users", users, *ONCE, url=api.url)
    process.addresses()
    token = process.data / "token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    commands_work(process)
    secret = token.read_text()
    token.write_text("leat_wrong\n")
    assert leat("top", "--json", data=process.data).code != 0
    assert leat("top", "--json", data=process.data, env=dict(os.environ, LEAT_TOKEN=secret.strip())).code == 0
    assert process.stop().code == 0
    assert not token.exists()


def certificate(folder):
    """A certificate of nobody, for another name than the one that is connected to."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=leat.example",
                    "-addext", "subjectAltName=DNS:leat.example,IP:127.0.0.1"], check=True, capture_output=True)  # fmt: skip
    text = open(USERS).read().replace("user.avsc", os.path.join(os.path.dirname(USERS), "user.avsc"))
    (folder / "tls.yaml").write_text(text + "\nconsole:\n  users: users.txt\n  tls: {certificate: cert.pem, key: key.pem}\n")
    return folder / "tls.yaml"


def test_tls_from_the_pipeline_file(up, api, users, tmp_path):
    file = certificate(tmp_path)
    process = up(*ONCE, url=api.url, files=[file])
    client = Client(process, "https", ssl.create_default_context(cafile=tmp_path / "cert.pem"))
    assert client.login("the_admin")[0] == 200
    assert client.cookie.startswith("__Host-leat_session=")
    assert client.code("GET", "/api/v1/audit") == 200
    with pytest.raises(urllib.error.URLError):  # an authority that nobody knows
        Client(process, "https", ssl.create_default_context()).code("GET", "/livez")
    old = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.raises(urllib.error.URLError):
        Client(process, "https", old).code("GET", "/livez")
    assert f"https://{process.addresses()['http']}/" in process.stderr
    commands_work(process)


def test_mistakes_in_the_files_are_told_before_anything_listens(tmp_path, api, users):
    file = certificate(tmp_path)
    for spoil, told in (("key.pem", "private key"), ("cert.pem", "no certificate"), ("users.txt", "users.txt:1")):
        kept = (tmp_path / spoil).read_text()
        (tmp_path / spoil).write_text("rubbish\n")
        ended = leat("up", file, "--limit", "1", *ANY_PORTS, data=tmp_path / "data", env=dict(os.environ, RANDOMUSER_URL=api.url))
        assert ended.code == 78 and told in ended.stderr, ended.stderr
        (tmp_path / spoil).write_text(kept)
    assert leat("user", "add", "a b", "--users", users).code == 64
    assert leat("user", "add", "bob", "--role", "king", "--users", users).code == 64


def test_off_loopback_only_with_a_login(up, api, users, tmp_path):
    elsewhere = ["--http", "0.0.0.0:0"]
    options = ["--kafka", "127.0.0.1:0", "--registry", "127.0.0.1:0", "--limit", "1", *ONCE]
    environment = dict(os.environ, RANDOMUSER_URL=api.url)
    refused = leat("up", USERS, *options, *elsewhere, data=tmp_path / "a", env=environment)
    assert refused.code == 78 and "not loopback" in refused.stderr and "leat user add" in refused.stderr
    process = up(*elsewhere, "--users", users, *ONCE, url=api.url)
    client = Client(process)
    assert client.code("GET", "/api/v1/status") == 401
    assert client.login("the_viewer")[0] == 200
    assert "in the clear" in process.stderr
    refused = leat("up", USERS, *options, "--http", "127.0.0.1:0", "--registry", "0.0.0.0:0", "--users", users, data=tmp_path / "b",
                   env=environment)  # fmt: skip
    assert refused.code == 78 and "--registry" in refused.stderr  # which has none


def test_without_users_nothing_asks(up, api):
    process = up(*ONCE, url=api.url)
    client = Client(process)
    assert json.loads(client.ask("GET", "/api/v1/session")[2]) == {"login": False, "user": None, "role": "admin"}
    assert client.code("POST", "/api/v1/session", {"user": "a", "password": "b"}) == 409
    assert client.code("POST", "/api/v1/dead/retry", {}) == 200
    entry = json.loads(client.ask("GET", "/api/v1/audit")[2])[0]
    assert (entry["who"], entry["path"], entry["status"]) == (None, "/api/v1/dead/retry", 200)
    at = datetime.datetime.fromisoformat(entry["at"].replace("Z", "+00:00"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()) < WAIT_S
    assert not (process.data / "token").exists()


@pytest.mark.slow
def test_a_person_logs_in_and_out(up, api, users, visit):
    page = visit(up("--users", users, *ONCE, url=api.url))
    page.sees("Log in", "leat user add")
    page.fill("Name", "the_viewer")
    page.fill("Password", "wrong wrong wrong")
    page.click("Log in", within="#main")
    page.sees("the name or the password is wrong")
    page.fill("Password", PASSWORD)
    page.click("Log in", within="#main")
    page.sees("500 stored", within="#flow")
    page.click("Log out the_viewer", within="#rail")
    page.sees("Log in")
    assert page.count("#flow") == 0
