// Topics: what there is, and making, changing and removing them.

import {h} from './dom.js';
import {bytes, compact, count, duration, perSecond, plural} from './format.js';
import {api, changed, go, link, rate, setQuery, stale, use} from './live.js';
import {chart, spans, spark} from './chart.js';
import {ask, area, command, empty, facts, failure, field, heading, prettyJson, table, tabs, verdict} from './parts.js';
import {leaveRecords, produce, records} from './records.js';

const settingsHint = 'one a line, as Kafka names them: retention.ms=86400000';

// "name=value" lines to an object.
function settingsOf(text) {
  const lines = text.split('\n').map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(lines.map((line) => {
    const at = line.indexOf('=');
    if (at < 1) throw new Error(`"${line}" is not name=value`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  }));
}

function create() {
  ask({
    title: 'New topic',
    action: 'Create',
    body: () => [
      field('Name', 'name', {required: true, autofocus: true}),
      field('Partitions', 'partitions', {type: 'number', min: 1, placeholder: 'the log’s default'}),
      area(`Settings (${settingsHint})`, 'configs', '', 3),
    ],
    run: async (values) => {
      await api('/api/v1/topics', {method: 'POST', body: {
        name: values.name, partitions: values.partitions ? Number(values.partitions) : null, configs: settingsOf(values.configs)}});
      go(['topics', values.name]);
    },
  });
}

function change(name, present) {
  ask({
    title: `Change ${name}`,
    action: 'Change',
    body: () => [
      field('Partitions', 'partitions', {type: 'number', min: present.partitions.length, value: present.partitions.length},
        'can only grow; keys then go to other partitions'),
      area(`Settings (${settingsHint}; nothing behind the = takes the default)`, 'configs',
        present.configs.filter((config) => config.is_own).map((config) => `${config.name}=${config.value ?? ''}`).join('\n'), 5),
    ],
    run: async (values) => {
      const partitions = Number(values.partitions);
      await api(`/api/v1/topics/${encodeURIComponent(name)}`, {method: 'PATCH', body: {
        partitions: partitions > present.partitions.length ? partitions : null, configs: settingsOf(values.configs)}});
      stale(`/api/v1/topics/${encodeURIComponent(name)}`);
    },
  });
}

function remove(name, records) {
  ask({
    title: `Delete ${name}`,
    action: 'Delete',
    danger: true,
    body: () => [
      h('p', null, `${plural(records, 'record')} go for ever.`),
      field(`Write the name of the topic to confirm`, 'confirm', {autofocus: true}),
    ],
    run: async (values) => {
      if (values.confirm !== name) throw new Error(`that is not "${name}"`);
      await api(`/api/v1/topics/${encodeURIComponent(name)}`, {method: 'DELETE'});
      go(['topics']);
    },
  });
}

const readersOf = (status, topic) => [
  ...status.flows.filter((flow) => flow.topic === topic && flow.streams.length > 0).map((flow) => flow.pipeline),
  ...status.groups.filter((group) => group.offsets.some((offset) => offset.topic === topic)).map((group) => group.id),
];

function list(status, query) {
  const {data} = use('/api/v1/history?span=1h&prefix=topic/', 10000);
  const wanted = (query.filter ?? '').toLowerCase();
  const own = (topic) => !topic.name.startsWith('__') || query.internal === 'yes';
  const shown = status.topics.filter((topic) => own(topic) && topic.name.toLowerCase().includes(wanted));
  shown.sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    heading('Topics', h('div', {class: 'actions'}, h('button', {type: 'button', class: 'primary', onclick: create}, 'New topic…'))),
    status.topics.length > 0 && h('div', {class: 'toolbar'}, h('label', {class: 'field'}, h('span', null, 'Filter'),
      h('input', {type: 'search', value: query.filter ?? '', oninput: (event, input) => setQuery({filter: input.value})})),
    status.topics.some((topic) => topic.name.startsWith('__')) && h('label', {class: 'check'},
      h('input', {type: 'checkbox', checked: query.internal === 'yes',
        onchange: (event, input) => setQuery({internal: input.checked ? 'yes' : ''})}), 'the broker’s own')),
    shown.length === 0
      ? empty(status.topics.length > 0 ? 'No topic has this in its name.' : 'No topic yet. Make one here, or:',
        status.topics.length === 0 && command('leat topic create clicks --partitions 3'))
      : h('div', {id: 'topics'}, table('Topics', ['topic', 'records#', 'in#', 'size#', 'partitions#', 'read by', 'in, last hour'],
        shown.map((topic) => [
          h('a', {class: 'row', href: link(['topics', topic.name])}, topic.name),
          count(topic.records), perSecond(rate(`topic/${topic.name}/in`)), bytes(topic.size_bytes), count(topic.partitions.length),
          readersOf(status, topic.name).join(', ') || h('span', {class: 'faint'}, 'nobody'),
          data?.series[`topic/${topic.name}/in`] ? spark(data.series[`topic/${topic.name}/in`], `records a second into ${topic.name}`) : '',
        ]))),
  ];
}

/* ---- one topic ---------------------------------------------------------------------------------- */

function partitionsTab(topic) {
  const most = Math.max(1, ...topic.partitions.map((p) => p.high_watermark - p.log_start));
  return table('Partitions', ['partition#', 'first offset#', 'end offset#', 'records#', 'share', 'size#'], topic.partitions.map((p) => [
    String(p.partition), count(p.log_start), count(p.high_watermark), count(p.high_watermark - p.log_start),
    h('svg', {class: 'bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', role: 'img', 'aria-label': 'share of the fullest'},
      h('rect', {width: (100 * (p.high_watermark - p.log_start) / most).toFixed(1), height: 8})),
    bytes(p.size_bytes),
  ]));
}

function settingsTab(name, answer) {
  if (answer.error) return failure(answer.error);
  if (!answer.data) return h('p', {class: 'faint'}, 'asking…');
  return [
    h('div', {class: 'toolbar'}, h('button', {type: 'button', onclick: () => change(name, answer.data)}, 'Change…')),
    table('Settings', ['setting', 'value', 'from'], answer.data.configs.map((config) => [
      config.name, config.value ?? h('span', {class: 'faint'}, 'not shown'),
      config.is_own ? h('b', null, 'this topic') : h('span', {class: 'faint'}, config.is_default ? 'default' : 'broker'),
    ])),
  ];
}

function schemaTab(answer) {
  if (answer.error) return failure(answer.error);
  if (!answer.data) return h('p', {class: 'faint'}, 'asking…');
  const schema = answer.data.schema;
  return schema
    ? [h('p', null, h('a', {href: link(['schemas', schema.subject])}, schema.subject), `, version ${schema.version}, id ${schema.id}`),
      h('pre', {class: 'json panel'}, prettyJson(schema.text))]
    : empty('No schema is registered for its values. Register one:', command(`leat schema register ${answer.data.name}-value FILE`));
}

function readersTab(status, name) {
  const groups = status.groups.filter((group) => group.offsets.some((offset) => offset.topic === name));
  const flows = status.flows.filter((flow) => flow.topic === name && flow.streams.length > 0);
  return [
    flows.length > 0 && table('Pipelines', ['pipeline', 'streams', 'waits#', 'in time#'], flows.map((flow) => [
      h('a', {href: '#/pipelines'}, flow.pipeline), flow.streams.map((stream) => stream.name).join(', '),
      count(flow.lag), flow.lag > 0 ? duration(flow.lag_us) : '–'])),
    groups.length > 0 && table('Groups', ['group', 'verdict', 'lag here#'], groups.map((group) => [
      h('a', {class: 'row', href: link(['groups', group.id])}, group.id), verdict(group.verdict),
      count(group.offsets.filter((offset) => offset.topic === name).reduce((sum, offset) => sum + offset.lag, 0))])),
    flows.length + groups.length === 0 && empty('Nobody reads it. Read it:', command(`kcat -b ${status.addresses.kafka} -t ${name} -C -o beginning`)),
  ];
}

function one(status, name, query) {
  const topic = status.topics.find((candidate) => candidate.name === name);
  if (!topic) {
    return [heading(name), empty('There is no such topic now.', h('a', {href: '#/topics'}, 'All topics'))];
  }
  const tab = query.tab ?? 'records';
  const answer = use(`/api/v1/topics/${encodeURIComponent(name)}`, 30000);
  if (tab !== 'records') leaveRecords();
  const span = query.span ?? '1h';
  const past = tab === 'rate' && use(`/api/v1/history?span=${span}&prefix=${encodeURIComponent(`topic/${name}/`)}`, 5000).data;
  return [
    h('p', {class: 'crumbs'}, h('a', {href: '#/topics'}, 'Topics')),
    heading(name, h('div', {class: 'actions'},
      h('button', {type: 'button', class: 'primary', onclick: () => produce(name, answer.data)}, 'Produce…'),
      h('button', {type: 'button', class: 'danger', onclick: () => remove(name, topic.records)}, 'Delete…'))),
    facts([['records', count(topic.records)], ['in', perSecond(rate(`topic/${name}/in`))],
      topic.size_bytes !== null && ['size', bytes(topic.size_bytes)], ['partitions', count(topic.partitions.length)],
      ['schema', answer.data?.schema ? `${answer.data.schema.subject} v${answer.data.schema.version}` : 'none']]),
    tabs('Parts of the topic', [['records', 'Records'], ['rate', 'Rate'], ['partitions', 'Partitions'], ['settings', 'Settings'],
      ['schema', 'Schema'], ['readers', 'Readers']], tab, (id) => link(['topics', name], id === 'records' ? {} : {tab: id})),
    h('div', {class: 'tab', 'data-key': `${name}/${tab}`},
      tab === 'records' && records(name, topic, query, answer.data),
      tab === 'rate' && past && [
        tabs('Time shown', spans, span, (id) => link(['topics', name], {tab, span: id})),
        h('div', {class: 'charts'},
          chart('Records a second', past, [{name: 'in', values: past.series[`topic/${name}/in`] ?? [], kind: 1}], compact, changed),
          chart('Size', past, [{name: 'on disk', values: past.series[`topic/${name}/size_bytes`] ?? [], kind: 2}], bytes, changed))],
      tab === 'partitions' && partitionsTab(topic),
      tab === 'settings' && settingsTab(name, answer),
      tab === 'schema' && schemaTab(answer),
      tab === 'readers' && readersTab(status, name)),
  ];
}

export function topics(status, {parts, query}) {
  if (parts.length > 1) return one(status, parts[1], query);
  leaveRecords();
  return list(status, query);
}
