// Does data flow, where does it wait, what broke, and what to do.

import {h} from './dom.js';
import {bytes, compact, count, duration, perSecond, plural} from './format.js';
import {changed, ended, keyOf, link, live, rate, setQuery, use} from './live.js';
import {chart, spans} from './chart.js';
import {command, empty, heading, mark, tabs} from './parts.js';

/* ---- problems ----------------------------------------------------------------------------------- */

const pageOf = {
  group: (problem) => [link(['groups', problem.name]), 'the group'],
  flow: (problem) => problem.cause === 'records-refused' ? [link(['dead']), 'the dead letters'] : [link(['pipelines']), 'the pipeline'],
};

export function problems(status) {
  return h('section', {id: 'problems', 'aria-label': 'Problems', 'aria-live': 'polite'}, status.problems.map((problem) => {
    const [href, words] = pageOf[problem.kind]?.(problem) ?? [];
    const severe = problem.severity === 'error';
    return h('article', {class: severe ? 'problem' : 'problem warning', 'data-cause': problem.cause},
      h('strong', null, h('span', {'aria-hidden': 'true'}, severe ? '■ ' : '▲ '), problem.title),
      h('p', null, problem.message),
      h('p', {class: 'remedy'}, h('b', null, 'What to do: '), problem.hint),
      href && h('a', {href}, `See ${words}`));
  }));
}

/* ---- the flow ----------------------------------------------------------------------------------- */

const trouble = (status, ...tests) => status.problems.find((problem) => problem.severity === 'error' && tests.some((test) => test(problem)));

function sourceState(source, now) {
  const until = source.until_us && source.until_us > now ? ` for ${duration(source.until_us - now)}` : '';
  switch (source.state) {
  case 'fetching': return mark('good', 'fetching');
  case 'waiting': return mark('idle', until ? `next in ${duration(source.until_us - now)}` : 'waiting');
  case 'rate-limited': return mark('warn', `rate limit${until}`);
  case 'retrying': return mark('bad', `failed ${source.failures}×, again${until.replace(' for ', ' in ')}`);
  case 'disk-full': return mark('bad', 'paused: disk is full');
  case 'failed': return mark('bad', `failed${until.replace(' for ', ', again in ')}`);
  case 'ended': return mark('idle', 'at its end');
  default: return mark('idle', source.state);
  }
}

function flowState(flow) {
  if (flow.waits_for_schema) return mark('idle', 'waits for a schema');
  if (flow.fault) return mark('bad', flow.running ? 'in trouble' : 'stopped');
  if (!flow.running) return mark('idle', 'stopped');
  return flow.lag > 0 ? mark('good', 'processing') : mark('idle', 'up to date');
}

// What goes from one part to the next: a rate, and what waits there, in records and in time.
function edge(perSec, lag, lagUs, what, broken) {
  const moving = perSec > 0;
  const words = lag > 0 ? `${compact(lag)} wait${lagUs > 0 ? ` · ${duration(lagUs)}` : ''}` : lag === 0 ? 'nothing waits' : '';
  return h('div', {class: `edge${moving ? ' moving' : ''}${broken ? ' broken' : ''}`},
    h('span', {class: 'rate'}, perSecond(perSec)),
    h('svg', {viewBox: '0 0 100 12', preserveAspectRatio: 'none', 'aria-hidden': 'true'},
      h('line', {x1: 0, y1: 6, x2: 92, y2: 6}), h('polygon', {points: '90,2 100,6 90,10'})),
    broken ? h('span', {class: 'bad'}, '■ blocked') : h('span', {class: lag > 0 ? 'warn' : 'faint', title: what}, words));
}

// Long names break behind dots and underscores.
const breakable = (name) => name.split(/(?<=[._-])/).flatMap((part, i) => (i > 0 ? [h('wbr'), part] : [part]));

function card(kind, name, broken, href, ...children) {
  return h('article', {class: broken ? 'card trouble' : 'card'},
    h('p', {class: 'kind'}, kind), h('h3', null, href ? h('a', {href}, breakable(name)) : breakable(name)), children);
}

const big = (n, words) => h('p', {class: 'big'}, count(n), words && h('small', null, ` ${words}`));

function sourceCards(source, status) {
  const now = status.now_us;
  const capture = source.capture;
  const broken = trouble(status, (p) => p.kind === 'source' && p.name === source.name);
  const blocked = trouble(status, (p) => p.kind === 'capture' && p.name === source.name);
  return [
    card('source', source.name, broken, null,
      big(source.fetched, 'fetched'),
      h('p', null, sourceState(source, now)),
      h('p', {class: 'faint'}, source.fetched_at_us
        ? `newest page ${duration(Math.max(0, now - source.fetched_at_us))} ago` : 'nothing fetched yet',
      `, ${plural(source.requests, 'request')}`),
      source.address && h('p', {class: 'faint address', title: source.address}, source.address)),
    edge(rate(keyOf('source', source, 'accepted')), null, null, '', broken),
    card('staging', 'accepted rows', blocked, null,
      big(source.accepted, ''),
      h('p', null, capture.fault ? mark('bad', capture.state)
        : mark(capture.state === 'sending' ? 'good' : 'idle', `capture ${capture.state}`)),
      h('p', {class: 'faint'}, `${count(source.unchanged)} unchanged, `,
        source.dead > 0 ? h('a', {href: '#/dead', class: 'bad'}, `■ ${count(source.dead)} refused`) : 'none refused')),
    edge(rate(keyOf('source', source, 'logged')), capture.lag, capture.lag_us, 'staged, and not yet in the topic', blocked),
  ];
}

function topicCard(name, status) {
  const topic = status.topics.find((t) => t.name === name);
  return card('topic', name, status.log_fault, link(['topics', name]),
    topic ? [
      big(topic.records, 'records'),
      h('p', {class: 'faint'}, `${plural(topic.partitions.length, 'partition')}${topic.size_bytes === null ? '' : `, ${bytes(topic.size_bytes)}`}`),
      h('p', {class: 'faint'}, `${perSecond(rate(`topic/${name}/in`))} in`),
    ] : h('p', {class: 'faint'}, status.log_embedded ? 'not there yet' : `on ${status.addresses.kafka}`));
}

function streamBranch(flow, stream, broken) {
  return h('div', {class: 'branch'},
    card('stream', stream.name, broken, '#/pipelines',
      h('p', null, flowState(flow)),
      h('details', null, h('summary', null, 'SQL'), h('pre', null, stream.sql.trim()))),
    edge(rate(keyOf('flow', flow, 'ended')), null, null, '', broken),
    h('div', {class: 'sinks'}, stream.sinks.length === 0
      ? card('table', 'none', false, null, h('p', {class: 'faint'}, 'no sink takes this stream'))
      : stream.sinks.map((sink) => card('table', sink.table ?? sink.name, broken?.cause === 'sink-refuses',
        sink.table && link(['tables'], {sql: `SELECT * FROM ${sink.table} LIMIT 100`}),
        sink.table && h('p', {class: 'faint'}, 'look at its rows')))));
}

function fates(flow, now) {
  const part = (n, words, href) => [href && n > 0 ? h('a', {href, class: 'bad'}, `■ ${count(n)} ${words}`) : `${count(n)} ${words}`];
  const items = [part(flow.stored, 'stored'), part(flow.filtered, 'filtered'), part(flow.late, 'late'), part(flow.dead, 'dead', '#/dead'),
    flow.stored > 0 && [`newest batch stored ${duration(flow.latency_us)} after acceptance`],
    flow.groups > 0 && [`${plural(flow.groups, 'group')} in ${bytes(flow.state_bytes)} of state`],
    flow.watermark_us !== null && [`watermark ${duration(Math.max(0, now - flow.watermark_us))} behind`]].filter(Boolean);
  return h('p', {class: 'fates faint'}, items.map((item, i) => [i > 0 && ' · ', item]));
}

function lane(status, flow) {
  const source = status.sources.find((s) => s.pipeline === flow.pipeline && s.topic === flow.topic);
  const broken = trouble(status, (p) => p.kind === 'flow' && p.name === flow.topic);
  return [
    h('div', {class: 'lane'},
      source && sourceCards(source, status),
      topicCard(flow.topic, status),
      edge(rate(keyOf('flow', flow, 'ended')), flow.lag, flow.lag_us, 'in the topic, and not yet stored', broken),
      h('div', {class: 'branches'}, flow.streams.length === 0
        ? card('stream', 'none', false, null, h('p', {class: 'faint'}, flow.waits_for_schema
          ? 'the first fetched page brings the schema' : 'no stream reads this topic'))
        : flow.streams.map((stream) => streamBranch(flow, stream, broken)))),
    fates(flow, status.now_us),
  ];
}

export function flows(status) {
  const names = [...new Set(status.flows.map((flow) => flow.pipeline))];
  if (names.length === 0) return empty('No pipeline runs. Start one:', command('leat up FILE'));
  return names.map((name) => [
    names.length > 1 && h('h3', null, name),
    status.flows.filter((flow) => flow.pipeline === name).map((flow) => lane(status, flow)),
  ]);
}

/* ---- the sum ------------------------------------------------------------------------------------ */

function sumLine(left, right, inFlight) {
  const term = ([word, n]) => h('span', {class: 'term'}, h('b', null, count(n)), h('span', null, word));
  const total = right.reduce((sum, [, n]) => sum + n, 0) + inFlight;
  const all = inFlight > 0 ? [...right, ['in flight', inFlight]] : right;
  return h('p', {class: 'sum'}, term(left),
    h('span', {class: 'sign'}, total === left[1] ? '=' : '≈'),
    all.map((entry, i) => [i > 0 && h('span', {class: 'sign'}, '+'), term(entry)]),
    total === left[1] ? mark('good', inFlight > 0 ? 'true so far' : 'true') : mark('warn', 'moving'));
}

export function sums(status) {
  const t = status.totals;
  return [
    sumLine(['fetched', t.fetched], [['accepted', t.accepted - t.foreign], ['unchanged', t.unchanged], ['refused', t.refused]], 0),
    sumLine(['accepted', t.accepted],
      [['stored', t.stored], ['filtered', t.filtered], ['late', t.late], ['dead', t.dead]], t.in_flight),
  ];
}

/* ---- charts ------------------------------------------------------------------------------------- */

// The same counter of all parts, added step by step.
function added(history, kind, counter) {
  const lines = Object.entries(history.series).filter(([name]) => name.startsWith(`${kind}/`) && name.endsWith(`/${counter}`));
  const steps = Math.max(0, ...lines.map(([, values]) => values.length));
  return Array.from({length: steps}, (_, i) => lines.reduce((sum, [, values]) =>
    values[i] === null ? sum : (sum ?? 0) + values[i], null));
}

function charts(span) {
  const {data, error} = use(`/api/v1/history?span=${span}`, 5000);
  if (!data) return h('p', {class: 'faint'}, error ? error.message : 'reading the past…');
  return h('div', {class: 'charts'},
    chart('Records a second', data, [
      {name: 'fetched', values: added(data, 'source', 'fetched'), kind: 1},
      {name: 'into topics', values: added(data, 'source', 'logged'), kind: 2},
      {name: 'processed', values: added(data, 'flow', 'ended'), kind: 3},
    ], compact, changed),
    chart('Records that wait', data, [
      {name: 'in staging', values: added(data, 'source', 'lag'), kind: 1},
      {name: 'in topics', values: added(data, 'flow', 'lag'), kind: 3},
    ], compact, changed));
}

export function overview(status, {query}) {
  const span = query.span ?? '1h';
  return [
    heading('Overview'),
    problems(status),
    h('section', {'aria-labelledby': 'flow-title'}, h('h2', {id: 'flow-title'}, 'Flow'), h('div', {id: 'flow'}, flows(status))),
    h('section', {'aria-labelledby': 'sum-title'}, h('h2', {id: 'sum-title'}, 'The sum: nothing lost, nothing twice'),
      h('div', {id: 'sum', class: 'panel'}, sums(status))),
    h('section', {'aria-labelledby': 'past-title'},
      h('div', {class: 'heading'}, h('h2', {id: 'past-title'}, 'The last hours'),
        tabs('Time shown', spans, span, (id) => link([], {...query, span: id}))),
      charts(span)),
  ];
}
