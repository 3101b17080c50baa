// Registers two versions of a schema, sends records through the broker and reads them back.
// Arguments: registry URL, broker, topic. Prints one JSON object.

const { Kafka, logLevel } = require('kafkajs')
const { SchemaRegistry, SchemaType, COMPATIBILITY } = require('@kafkajs/confluent-schema-registry')

const [host, broker, topic] = process.argv.slice(2)
const subject = `${topic}-value`

const schemaOf = (...fields) => ({
  type: SchemaType.AVRO,
  schema: JSON.stringify({ type: 'record', name: 'Person', namespace: 'example', fields }),
})
const id = { name: 'id', type: 'int' }
const name = { name: 'name', type: ['null', 'string'], default: null }
const text = { name: 'id', type: 'string' }

async function refusal(work) {
  try {
    await work
    return null
  } catch (error) {
    return error.message
  }
}

async function readBack(kafka, registry, count) {
  const consumer = kafka.consumer({ groupId: topic })
  const found = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise((resolve, reject) => {
    consumer.run({
      eachMessage: async ({ message }) => {
        found.push(await registry.decode(message.value))
        if (found.length === count) resolve()
      },
    }).catch(reject)
  })
  await consumer.disconnect()
  return found
}

async function main() {
  const registry = new SchemaRegistry({ host })
  const first = await registry.register(schemaOf(id), { subject })
  const second = await registry.register(schemaOf(id, name), { subject })
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const messages = [
    { key: 'a', value: await registry.encode(first.id, { id: 1 }) },
    { key: 'b', value: await registry.encode(second.id, { id: 2, name: 'Größe 水' }) },
    { key: 'c', value: await registry.encode(second.id, { id: 3, name: null }) },
  ]
  await producer.send({ topic, messages })
  await producer.disconnect()
  const fresh = new SchemaRegistry({ host }) // one that has seen no schema yet
  console.log(JSON.stringify({
    ids: [first.id, second.id],
    latest: await fresh.getLatestSchemaId(subject),
    again: (await fresh.register(schemaOf(id), { subject })).id,
    found: await readBack(kafka, fresh, messages.length),
    incompatible: await refusal(registry.register(schemaOf(text), { subject })),
    otherLevel: await refusal(registry.register(schemaOf(id), { subject, compatibility: COMPATIBILITY.FULL })),
    unknown: await refusal(fresh.getSchema(999999)),
  }))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
