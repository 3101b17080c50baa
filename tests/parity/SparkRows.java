import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;

/**
 * Queries in, rows out: each line of the input is a JSON text with SQL, each line of the output what
 * Spark says to it: {"names", "types", "rows"} or {"error", "message"}. Spark's jars bring a compiler
 * (Janino), so that no JDK is needed to run this.
 */
public class SparkRows {
    static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        SparkSession spark = SparkSession.builder().getOrCreate();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.writeValueAsString(answer(spark, JSON.readTree(line).asText())));
        }
        spark.stop();
    }

    static ObjectNode answer(SparkSession spark, String query) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            Dataset frame = spark.sql(query);
            ArrayNode names = answer.putArray("names");
            ArrayNode types = answer.putArray("types");
            StructField[] fields = frame.schema().fields();
            for (int i = 0; i < fields.length; i++) {
                names.add(fields[i].name());
                types.add(fields[i].dataType().catalogString());
            }
            List found = frame.collectAsList();
            ArrayNode rows = answer.putArray("rows");
            for (int i = 0; i < found.size(); i++) {
                rows.add(tree(found.get(i)));
            }
            return answer;
        } catch (Throwable failure) {
            ObjectNode error = JSON.createObjectNode();
            error.put("error", failure instanceof AnalysisException ? "query" : "row");
            error.put("message", String.valueOf(failure.getMessage()));
            return error;
        }
    }

    /** A value as JSON: rows and arrays are lists, maps lists of pairs, everything exact is a text. */
    static JsonNode tree(Object value) {
        if (value == null) {
            return JSON.nullNode();
        }
        if (value instanceof Row) {
            ArrayNode list = JSON.createArrayNode();
            for (int i = 0; i < ((Row) value).length(); i++) {
                list.add(tree(((Row) value).get(i)));
            }
            return list;
        }
        if (value instanceof scala.collection.Map) {
            ArrayNode list = JSON.createArrayNode();
            scala.collection.Iterator pairs = ((scala.collection.Map) value).iterator();
            while (pairs.hasNext()) {
                scala.Tuple2 pair = (scala.Tuple2) pairs.next();
                list.add(JSON.createArrayNode().add(tree(pair._1())).add(tree(pair._2())));
            }
            return list;
        }
        if (value instanceof scala.collection.Seq) {
            ArrayNode list = JSON.createArrayNode();
            scala.collection.Iterator items = ((scala.collection.Seq) value).iterator();
            while (items.hasNext()) {
                list.add(tree(items.next()));
            }
            return list;
        }
        if (value instanceof Boolean) {
            return JSON.getNodeFactory().booleanNode(((Boolean) value).booleanValue());
        }
        if (value instanceof byte[]) {
            return JSON.getNodeFactory().textNode(Base64.getEncoder().encodeToString((byte[]) value));
        }
        if (value instanceof BigDecimal) {
            return JSON.getNodeFactory().textNode(((BigDecimal) value).toPlainString());
        }
        if (value instanceof Instant) {
            Instant time = (Instant) value;
            String text = time.atOffset(java.time.ZoneOffset.UTC).toLocalDateTime()
                .format(java.time.format.DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"));
            return JSON.getNodeFactory().textNode(text);
        }
        return JSON.getNodeFactory().textNode(value.toString());
    }
}
