import com.datastax.driver.core.BatchStatement;
import com.datastax.driver.core.BoundStatement;
import com.datastax.driver.core.Cluster;
import com.datastax.driver.core.ConsistencyLevel;
import com.datastax.driver.core.PoolingOptions;
import com.datastax.driver.core.HostDistance;
import com.datastax.driver.core.PreparedStatement;
import com.datastax.driver.core.ResultSetFuture;
import com.datastax.driver.core.Session;
import com.datastax.driver.core.Statement;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Semaphore;

/** The rows of cassandra_bench.c by the Java driver that comes with Cassandra, prepared and asynchronous: one
 * statement a row, or unlogged batches of that many. Prints rows a second; a tenth of the rows warms the JVM up first. */
public class CassandraPeer {
    static final int TEXTS = 11, TEXT_BYTES = 40;

    public static void main(String[] words) throws Exception {
        int port = Integer.parseInt(words[1]), rows = Integer.parseInt(words[2]);
        int batch = Integer.parseInt(words[3]), inFlight = Integer.parseInt(words[4]);
        PoolingOptions pool = new PoolingOptions().setMaxRequestsPerConnection(HostDistance.LOCAL, 4096);
        try (Cluster cluster = Cluster.builder().addContactPoint(words[0]).withPort(port).withPoolingOptions(pool)
                 .withoutJMXReporting().build();
             Session session = cluster.connect()) {
            StringBuilder columns = new StringBuilder("id"), marks = new StringBuilder("?"), types = new StringBuilder();
            for (int i = 1; i <= TEXTS; i++) {
                columns.append(", text_").append(i);
                types.append(", text_").append(i).append(" text");
                marks.append(", ?");
            }
            session.execute("CREATE TABLE IF NOT EXISTS bench.peer (id uuid PRIMARY KEY" + types + ")");
            PreparedStatement insert = session.prepare(
                "INSERT INTO bench.peer (" + columns + ") VALUES (" + marks + ") USING TIMESTAMP ?");
            insert.setConsistencyLevel(ConsistencyLevel.LOCAL_QUORUM);
            write(session, insert, rows / 10, batch, inFlight);
            System.out.printf("%.0f%n", write(session, insert, rows, batch, inFlight));
        }
    }

    static double write(Session session, PreparedStatement insert, int rows, int batch, int inFlight) throws Exception {
        Semaphore room = new Semaphore(inFlight);
        Random random = new Random();
        String[] texts = new String[1000];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = random.ints(TEXT_BYTES, 'A', 'A' + 32)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
        }
        long begin = System.nanoTime();
        for (int row = 0; row < rows; row += batch) {
            Statement statement = batch == 1 ? bind(insert, random, texts) : null;
            if (batch > 1) {
                BatchStatement many = new BatchStatement(BatchStatement.Type.UNLOGGED);
                for (int i = 0; i < batch; i++) {
                    many.add(bind(insert, random, texts));
                }
                statement = many.setConsistencyLevel(ConsistencyLevel.LOCAL_QUORUM);
            }
            room.acquire();
            ResultSetFuture done = session.executeAsync(statement);
            done.addListener(room::release, Runnable::run);
        }
        room.acquire(inFlight);
        return rows * 1e9 / (System.nanoTime() - begin);
    }

    static BoundStatement bind(PreparedStatement insert, Random random, String[] texts) {
        BoundStatement bound = insert.bind().setUUID(0, new UUID(random.nextLong(), random.nextLong()));
        for (int i = 1; i <= TEXTS; i++) {
            bound.setString(i, texts[random.nextInt(texts.length)]);
        }
        return bound.setLong(TEXTS + 1, System.currentTimeMillis() * 1000);
    }
}
