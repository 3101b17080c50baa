"""Apache Cassandra 5.0: one node, one with passwords, and two more that make the first a ring of three."""

import struct

from .frame import PROGRAMS, Engine, exchange_at, fetch_jars, java, properties

PROGRAM = PROGRAMS / "cassandra-5.0.9"
RING = 3
LOG = """<configuration><appender name="O" class="ch.qos.logback.core.ConsoleAppender"><encoder>
<pattern>%-5level %date{HH:mm:ss.SSS} [%thread] %F:%L - %msg%n</pattern></encoder></appender>
<root level="INFO"><appender-ref ref="O"/></root></configuration>"""

# What the server reaches into; its own scripts hold the same list for each Java.
EXPORTS = """java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch java.base/java.lang.ref
java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server
java.rmi/sun.rmi.transport.tcp java.sql/java.sql jdk.unsupported/sun.misc jdk.attach/sun.tools.attach
jdk.compiler/com.sun.tools.javac.file""".split()
OPENS = """java.lang.module jdk.internal.loader jdk.internal.ref jdk.internal.reflect jdk.internal.math
jdk.internal.module jdk.internal.util.jar sun.nio.ch java.io java.nio java.lang java.lang.reflect java.util
java.util.concurrent java.util.concurrent.atomic java.math""".split()


def fetch():
    fetch_jars(PROGRAM, "org.apache.cassandra:cassandra-all:5.0.9")


def settings(state, node, first, passwords):
    """One token a node, at even distances, and no bootstrap: a ring of three is there at once. A commit
    log that is synced before the answer: what was acknowledged outlives a kill."""
    folder = state.folder
    role = "Password" if passwords else "AllowAll"
    return properties(
        folder / "cassandra.yaml", "cluster_name: leat", "num_tokens: 1",
        f"initial_token: '{-(2**63) + (node - 1) * (2**64 // RING)}'", "auto_bootstrap: false",
        "partitioner: org.apache.cassandra.dht.Murmur3Partitioner", "endpoint_snitch: SimpleSnitch",
        "seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, "
        f'parameters: [{{seeds: "127.0.0.1:{first.port("storage")}"}}]}}]',
        f"listen_address: 127.0.0.{node}", f"rpc_address: 127.0.0.{node}",
        f"storage_port: {first.port('storage')}", f"native_transport_port: {first.port()}",
        f"authenticator: {role}Authenticator", f"authorizer: {'Cassandra' if passwords else 'AllowAll'}Authorizer",
        "role_manager: CassandraRoleManager", "commitlog_sync: group", "commitlog_sync_group_window: 5ms",
        *(f"{what}: {folder}/data/{what}" for what in
          ("commitlog_directory", "cdc_raw_directory", "hints_directory", "saved_caches_directory")),
        f"data_file_directories: [{folder}/data/sstables]",
    )  # fmt: skip


def start_node(node, passwords=False):
    def start(state):
        first = state if node == 1 else state.other("cassandra")
        yaml = settings(state, node, first, passwords)
        properties(state.folder / "logback.xml", LOG)
        (state.folder / "tmp").mkdir(exist_ok=True)
        words = [
            *(f"--add-exports={name}=ALL-UNNAMED" for name in EXPORTS),
            *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENS),
            "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
            "--add-opens=jdk.compiler/com.sun.tools.javac=ALL-UNNAMED",
            "-Xms512m", "-Xmx512m", "-Xss512k", "-XX:+UseG1GC", "-XX:MaxDirectMemorySize=256m",
            "-XX:+ExitOnOutOfMemoryError", f"-javaagent:{next(PROGRAM.glob('jamm-*.jar'))}",
            "-Djdk.attach.allowAttachSelf=true", "-Djava.net.preferIPv4Stack=true",
            f"-Djava.io.tmpdir={state.folder}/tmp", "-Dio.netty.tryReflectionSetAccessible=true",
            f"-Dlogback.configurationFile={state.folder}/logback.xml", f"-Dcassandra.config=file://{yaml}",
            f"-Dcassandra.storagedir={state.folder}/data", f"-Dcassandra.jmx.local.port={state.port('jmx')}",
            "-Dcassandra.skip_wait_for_gossip_to_settle=0", f"-Dcassandra.ring_delay_ms={100 if node == 1 else 2000}",
            "-Dcassandra.superuser_setup_delay_ms=0", "-cp", f"{PROGRAM}/*",
            "org.apache.cassandra.service.CassandraDaemon",
        ]  # fmt: skip
        return [java(11), *words], {}

    return start


def ready_node(node):
    def ready(state):
        """Whether it answers OPTIONS with SUPPORTED."""
        first = state if node == 1 else state.other("cassandra")
        answer = exchange_at(f"127.0.0.{node}", first.port(), struct.pack(">BBhBi", 4, 0, 0, 5, 0), 9)
        return answer[:1] == b"\x84" and answer[4:5] == b"\x06"

    return ready


ENGINES = {
    "cassandra": Engine("Apache Cassandra 5.0.9, one node", fetch, start_node(1), ready_node(1),
                        address="cassandra://127.0.0.1:{}", in_all=True),
    "cassandra-auth": Engine("the same with passwords: cassandra, cassandra", fetch, start_node(1, passwords=True),
                             ready_node(1), address="cassandra://cassandra:cassandra@127.0.0.1:{}"),
    "cassandra-2": Engine("a second node for `cassandra`, at 127.0.0.2", fetch, start_node(2), ready_node(2),
                          address="127.0.0.2", needs=("cassandra",)),
    "cassandra-3": Engine("a third one, at 127.0.0.3", fetch, start_node(3), ready_node(3),
                          address="127.0.0.3", needs=("cassandra",)),
}  # fmt: skip
