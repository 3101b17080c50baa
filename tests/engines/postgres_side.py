"""What tests over PostgreSQL share: psql, databases of their own, and a proxy that cuts connections."""

import json
import socket
import subprocess
import threading
import urllib.parse

PSQL_S = 30


def psql(url, text):
    """Runs SQL by PostgreSQL's own client; the last statement's answer as text."""
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url], input=text, capture_output=True, text=True,
                          timeout=PSQL_S)  # fmt: skip
    assert done.returncode == 0, f"{text}: {done.stderr}"
    return done.stdout.strip()


def rows(url, query):
    return json.loads(psql(url, f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) AS q"))


def database(url, name):
    """A fresh database beside the one of `url`."""
    psql(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    psql(url, f'CREATE DATABASE "{name}"')
    return url.rpartition("/")[0] + "/" + name


class Proxy:
    """Passes bytes on to PostgreSQL. `drop(data)` is asked of what the server says: if true, the client never
    hears it and both sides are cut."""

    def __init__(self, url, drop=lambda data: False):
        self.drop, self.cuts = drop, 0
        parts = urllib.parse.urlsplit(url)
        self.target = (parts.hostname, parts.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{self.listener.getsockname()[1]}").geturl()
        self.open = set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            pair = (client, server)
            self.open.add(pair)
            threading.Thread(target=self.carry, args=(client, server, pair, False), daemon=True).start()
            threading.Thread(target=self.carry, args=(server, client, pair, True), daemon=True).start()

    def carry(self, source, target, pair, answers):
        try:
            while data := source.recv(65536):
                if answers and self.drop(data):
                    self.cuts += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        self.cut(pair)

    def cut(self, pair):
        self.open.discard(pair)
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def cut_all(self):
        for pair in list(self.open):
            self.cut(pair)

    def close(self):
        self.listener.close()
        self.cut_all()
