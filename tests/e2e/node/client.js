// A Kafka client in JavaScript: kafkajs, with @kafkajs/confluent-schema-registry.
//
//     node client.js KAFKA REGISTRY read TOPIC COUNT        prints COUNT records as JSON lines
//     node client.js KAFKA REGISTRY write TOPIC SCHEMA      registers the Avro schema, writes the JSON
//                                                           lines of stdin
const { Kafka, logLevel } = require("kafkajs");
const { SchemaRegistry, SchemaType } = require("@kafkajs/confluent-schema-registry");

const [kafkaAddress, registryAddress, verb, topic, argument] = process.argv.slice(2);
const kafka = new Kafka({ brokers: [kafkaAddress], logLevel: logLevel.ERROR });
const registry = new SchemaRegistry({ host: `http://${registryAddress}` });

async function read(count) {
  const consumer = kafka.consumer({ groupId: "node", rebalanceTimeout: 5000 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let left = count;
  await new Promise((done) => {
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        if (left === 0) return;
        const value = await registry.decode(message.value);
        const key = message.key.toString();
        const identity = message.headers.leat && message.headers.leat.toString();
        process.stdout.write(JSON.stringify({ partition, offset: message.offset, key, identity, value }) + "\n");
        if (--left === 0) done();
      },
    });
  });
  await consumer.disconnect();
}

async function write(schema) {
  const { id } = await registry.register({ type: SchemaType.AVRO, schema }, { subject: `${topic}-value` });
  const lines = require("fs").readFileSync(0, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const producer = kafka.producer();
  await producer.connect();
  const messages = await Promise.all(
    lines.map(async ({ key, value }) => ({ key, value: await registry.encode(id, value) })),
  );
  await producer.send({ topic, messages, acks: -1 });
  await producer.disconnect();
}

(verb === "read" ? read(Number(argument)) : write(argument)).catch((error) => {
  console.error(error);
  process.exit(1);
});
