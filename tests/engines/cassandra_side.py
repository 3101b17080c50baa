"""Cassandra as the Python driver sees it, which shares no code with leat; and TLS in front of a server that has none."""

import contextlib
import socket
import ssl
import subprocess
import threading
import urllib.parse

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import WhiteListRoundRobinPolicy
from cassandra.query import dict_factory

DRIVER_S = 60


@contextlib.contextmanager
def session(url):
    at = urllib.parse.urlsplit(url)
    auth = PlainTextAuthProvider(at.username, at.password) if at.username else None
    profile = ExecutionProfile(
        WhiteListRoundRobinPolicy([at.hostname]), row_factory=dict_factory, request_timeout=DRIVER_S
    )
    cluster = Cluster([at.hostname], port=at.port, auth_provider=auth,
                      execution_profiles={EXEC_PROFILE_DEFAULT: profile})  # fmt: skip
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def empty(url):
    """No keyspace but the system's own."""
    with session(url) as cql:
        for found in cql.execute("SELECT keyspace_name FROM system_schema.keyspaces"):
            name = found["keyspace_name"]
            if name != "system" and not name.startswith("system_"):
                cql.execute(f'DROP KEYSPACE "{name}"')


def rows(url, table):
    with session(url) as cql:
        return list(cql.execute(f"SELECT * FROM {table}"))


def certificate(folder):
    """A key and a certificate for the name "cassandra.example", by openssl; signed by itself."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=cassandra.example",
         "-addext", "subjectAltName=DNS:cassandra.example", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


class TlsFront:
    """Takes TLS off and passes the bytes on."""

    def __init__(self, url, key, cert):
        at = urllib.parse.urlsplit(url)
        self.target = (at.hostname, at.port)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"cassandra://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        with contextlib.suppress(OSError):
            client = self.context.wrap_socket(plain, server_side=True)
            server = socket.create_connection(self.target)
            threading.Thread(target=self.carry, args=(server, client), daemon=True).start()
            self.carry(client, server)

    @staticmethod
    def carry(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()
