// What the pipelines compute, and what they stand on.

import {h} from './dom.js';
import {bytes, count, duration, instant, perSecond} from './format.js';
import {ended, keyOf, link, rate} from './live.js';
import {command, empty, facts, heading, mark, table} from './parts.js';

function stream(flow, one) {
  return h('article', {class: 'panel', 'data-key': one.name},
    h('h3', null, one.name),
    h('pre', {class: 'sql'}, one.sql.trim()),
    h('p', {class: 'faint'}, one.sinks.length === 0 ? 'No sink takes it.' : ['into ', one.sinks.map((sink, i) => [i > 0 && ', ',
      sink.table ? h('a', {href: link(['tables'], {sql: `SELECT * FROM ${sink.table} LIMIT 100`})}, sink.table) : sink.name])]));
}

function flowPanel(status, flow) {
  return h('section', {'data-key': `${flow.pipeline}/${flow.topic}`},
    h('h2', null, flow.pipeline, ' over ', h('a', {href: link(['topics', flow.topic])}, flow.topic)),
    facts([
      ['state', flow.fault ? mark('bad', flow.running ? 'in trouble' : 'stopped') : flow.waits_for_schema ? mark('idle', 'waits for a schema')
        : flow.running ? mark('good', 'running') : mark('idle', 'stopped')],
      ['processed', count(ended(flow))], ['rate', perSecond(rate(keyOf('flow', flow, 'ended')))],
      ['waits', flow.lag === null ? 'not known' : `${count(flow.lag)}${flow.lag > 0 ? `, ${duration(flow.lag_us)}` : ''}`],
      ['newest batch', flow.stored > 0 ? `${duration(flow.latency_us)} after acceptance` : 'none yet'],
      ['state kept', flow.groups > 0 ? `${count(flow.groups)} groups, ${bytes(flow.state_bytes)}` : 'none'],
      ['watermark', flow.watermark_us === null ? 'none' : instant(flow.watermark_us / 1000)],
    ]),
    flow.fault && h('div', {class: 'problem'}, h('strong', null, '■ ', flow.fault.message), flow.fault.hint && h('p', {class: 'remedy'}, flow.fault.hint)),
    h('div', {class: 'streams'}, flow.streams.map((one) => stream(flow, one))));
}

export function pipelines(status) {
  return [
    heading('Pipelines'),
    h('p', {class: 'lead'}, h('code', null, status.file), ' · check it: ', command(`leat check ${status.file}`)),
    status.flows.length === 0 ? empty('No pipeline runs. Start one:', command('leat up FILE')) : status.flows.map((flow) => flowPanel(status, flow)),
  ];
}

const urlOf = (address) => (address.includes('://') ? address : `http://${address}`);

export function engines(status) {
  const ok = (fault) => (fault ? mark('bad', fault.message) : mark('good', 'answers'));
  const disk = status.disk;
  return [
    heading('Engines'),
    h('p', {class: 'lead'}, 'Each role has an embedded default; a profile of the pipeline file puts a real engine in its place by a URL. ',
      'Ask all of them whether they answer: ', command(`leat doctor ${status.file}`)),
    h('div', {id: 'engines'}, table('Engines', ['role', 'engine', 'where', 'state'], [
      ['log', status.log_embedded ? 'embedded broker' : 'Kafka', status.addresses.kafka, ok(status.log_fault)],
      ['schemas', status.addresses.registry.includes('://') ? 'registry' : 'embedded registry', urlOf(status.addresses.registry), mark('idle', 'asked when needed')],
      ['staging, tables, state', 'in the data directory', status.data,
        disk ? (disk.free_bytes < disk.total_bytes * 0.15 ? mark('warn', `${bytes(disk.free_bytes)} of ${bytes(disk.total_bytes)} free`)
          : mark('good', `${bytes(disk.free_bytes)} of ${bytes(disk.total_bytes)} free`)) : mark('idle', 'not known')],
      ['console', `leat ${status.version}`, `http://${status.addresses.http}`, mark('good', `process ${status.pid}`)],
    ])),
    facts([['started', instant(status.started_us / 1000)], ['version', status.version]]),
  ];
}
