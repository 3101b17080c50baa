"""Apache Spark with its Connect server: 3.5 (the reference) in one process or on a standalone cluster
with two workers, and 4.2 in one process."""

import socket
import urllib.request

from .frame import PROGRAMS, Engine, fetch_jars, java, properties

SPARK3, SPARK4 = PROGRAMS / "spark-3.5.7", PROGRAMS / "spark-4.2.0"

# What Spark reaches into; its own start scripts list the same.
OPENED = """java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent
java.util.concurrent.atomic jdk.internal.ref sun.nio.ch sun.nio.cs sun.security.action sun.util.calendar""".split()

LOG4J = """rootLogger.level=warn
rootLogger.appenderRef.o.ref=o
appender.o.type=Console
appender.o.name=o
appender.o.target=SYSTEM_ERR
appender.o.layout.type=PatternLayout
appender.o.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1}: %m%n%ex
"""


def fetch_spark3():
    java(17)
    spark = "org.apache.spark"
    parts = ("spark-sql", "spark-connect", "spark-sql-kafka-0-10", "spark-avro")
    fetch_jars(SPARK3, *(f"{spark}:{part}_2.12:3.5.7" for part in parts),
               "com.datastax.spark:spark-cassandra-connector_2.12:3.5.1")  # fmt: skip


def fetch_spark4():
    java(17)
    spark = "org.apache.spark"
    parts = ("spark-sql", "spark-connect", "spark-sql-kafka-0-10")
    # Not every mirror has the Avro part of 4.2.0; that of 4.1 fits. The connector was built for 3.5;
    # beside 4.2 it needs what Scala's collections were then.
    fetch_jars(SPARK4, *(f"{spark}:{part}_2.13:4.2.0" for part in parts), f"{spark}:spark-avro_2.13:4.1.1",
               "com.datastax.spark:spark-cassandra-connector_2.13:3.5.1",
               "org.scala-lang.modules:scala-collection-compat_2.13:2.11.0",
               "org.apache.commons:commons-pool2:2.13.1")  # fmt: skip


def words(state, jars, heap, main, *arguments, **settings):
    """The command of one of Spark's processes; with dots for underscores, settings are Spark's."""
    properties(state.folder / "conf" / "log4j2.properties", LOG4J)
    return [
        java(17), *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED), f"-Xmx{heap}",
        "-XX:+UseSerialGC", *(f"-Dspark.{name.replace('_', '.')}={value}" for name, value in settings.items()),
        "-cp", f"{state.folder}/conf:{jars}/*", main, *arguments,
    ]  # fmt: skip


def start_connect(state, jars, master, heap="900m", **settings):
    command = words(
        state, jars, heap, "org.apache.spark.sql.connect.service.SparkConnectServer",
        master=master, app_name="leat-tests", driver_host="127.0.0.1", driver_bindAddress="127.0.0.1",
        ui_enabled="false", connect_grpc_binding_port=state.port(), sql_warehouse_dir=f"{state.folder}/warehouse",
        local_dir=f"{state.folder}/local", **settings,
    )  # fmt: skip
    return command, {"SPARK_LOCAL_IP": "127.0.0.1"}


def start_spark(state):
    return start_connect(state, SPARK3, "local[2]")


def start_spark4(state):
    return start_connect(state, SPARK4, "local[2]", connect_grpc_binding_address="127.0.0.1")


def connects(state):
    """Spark opens the port last."""
    with socket.create_connection(("127.0.0.1", state.port()), timeout=2):
        return True


# ---- a standalone cluster --------------------------------------------------------------------------


def home(state):
    """A worker looks for the jars of its executors below SPARK_HOME."""
    state.folder.mkdir(parents=True, exist_ok=True)
    link = state.folder / "jars"
    if not link.is_symlink():
        link.symlink_to(SPARK3)
    return {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(state.folder), "SPARK_SCALA_VERSION": "2.12"}


def start_master(state):
    command = words(
        state, SPARK3, "256m", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1",
        "--port", str(state.port()), "--webui-port", str(state.port("ui")),
        deploy_recoveryMode="FILESYSTEM", deploy_recoveryDirectory=f"{state.folder}/recovery",  # outlives a kill
    )  # fmt: skip
    return command, home(state)


def start_worker(state):
    master = state.other("spark-master")
    command = words(
        state, SPARK3, "192m", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1",
        "--port", str(state.port()), "--webui-port", str(state.port("ui")), "--cores", "1", "--memory", "640m",
        "--work-dir", f"{state.folder}/work", f"spark://127.0.0.1:{master.port()}",
    )  # fmt: skip
    return command, home(state)


def start_on_cluster(state):
    master = f"spark://127.0.0.1:{state.other('spark-master').port()}"
    return start_connect(state, SPARK3, master, "700m", executor_memory="512m", executor_cores="1", cores_max="2")


def serves_ui(state):
    with urllib.request.urlopen(f"http://127.0.0.1:{state.port('ui')}/json/", timeout=5):
        return True


CLUSTER = ("spark-master", "spark-worker1", "spark-worker2")

ENGINES = {
    "spark": Engine("Apache Spark 3.5.7, its Connect server in one process", fetch_spark3, start_spark, connects,
                    "spark://127.0.0.1:{}", in_all=True),
    "spark4": Engine("Apache Spark 4.2.0, the same", fetch_spark4, start_spark4, connects, "spark://127.0.0.1:{}"),
    "spark-master": Engine("the master of a standalone cluster of Spark 3.5.7", fetch_spark3, start_master, serves_ui),
    "spark-worker1": Engine("its first worker", fetch_spark3, start_worker, serves_ui, needs=CLUSTER[:1]),
    "spark-worker2": Engine("its second worker", fetch_spark3, start_worker, serves_ui, needs=CLUSTER[:1]),
    "spark-cluster": Engine("the Connect server on that cluster", fetch_spark3, start_on_cluster, connects,
                            "spark://127.0.0.1:{}", needs=CLUSTER),
}  # fmt: skip
