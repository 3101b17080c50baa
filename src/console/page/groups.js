// Consumer groups: who keeps up, by how much not, and moving them.

import {h} from './dom.js';
import {compact, count, duration, perSecond, plural} from './format.js';
import {api, changed, go, here, link, setQuery, stale, use} from './live.js';
import {chart, spans, spark} from './chart.js';
import {ask, command, empty, facts, failure, field, heading, mark, table, tabs, verdict, verdictWords} from './parts.js';

const lagText = (group) => (group.lag > 0
  ? h('span', {class: group.verdict === 'OK' ? null : 'warn'}, count(group.lag)) : '0');

const topicsOf = (group) => [...new Set(group.offsets.map((offset) => offset.topic))];

function list(status, query) {
  const {data} = use('/api/v1/history?span=1h&prefix=group/', 10000);
  const wanted = (query.filter ?? '').toLowerCase();
  const shown = status.groups.filter((group) => group.id.toLowerCase().includes(wanted));
  const order = ['STOP', 'STALL', 'REWIND', 'WARN'];
  const rank = (group) => (order.indexOf(group.verdict) + 5) % 5;
  shown.sort((a, b) => rank(b) - rank(a) || b.lag - a.lag || (a.id < b.id ? -1 : 1));
  return [
    heading('Consumer groups'),
    h('p', {class: 'lead'}, 'Clients that read topics. leat’s own queries are no groups: they keep their place with their results.'),
    status.groups.length > 0 && h('div', {class: 'toolbar'}, h('label', {class: 'field'}, h('span', null, 'Filter'),
      h('input', {type: 'search', value: query.filter ?? '', oninput: (event, input) => setQuery({filter: input.value})}))),
    shown.length === 0
      ? empty(status.groups.length > 0 ? 'No group has this in its name.' : 'No consumer group yet. Any Kafka client makes one:',
        status.groups.length === 0 && command(`kcat -b ${status.addresses.kafka} -G my-group ${status.topics[0]?.name ?? 'TOPIC'}`))
      : h('div', {id: 'groups'}, table('Consumer groups', ['group', 'verdict', 'state', 'members#', 'reads', 'lag#', 'in time#', 'lag, last hour'],
        shown.map((group) => [
          h('a', {class: 'row', href: link(['groups', group.id])}, group.id),
          verdict(group.verdict), group.state, count(group.members), topicsOf(group).join(', ') || '–',
          lagText(group), group.lag > 0 ? duration(group.lag_us) : '–',
          data?.series[`group/${group.id}/lag`] ? spark(data.series[`group/${group.id}/lag`], `lag of ${group.id} in the last hour`) : '',
        ]))),
  ];
}

/* ---- moving ------------------------------------------------------------------------------------- */

function moveTable(answer) {
  return h('div', {class: 'preview'},
    h('p', null, answer.applied ? mark('good', 'moved') : mark('idle', 'this is where it would go; nothing is changed yet')),
    table('Where the group would go on', ['topic', 'partition#', 'from#', 'to#', 'records#'], answer.moves.map((move) => [
      move.topic, String(move.partition), count(move.from), count(move.to),
      move.from === null ? '–' : `${move.to > move.from ? `skips ${count(move.to - move.from)}`
        : move.to < move.from ? `reads ${count(move.from - move.to)} again` : 'stays'}`,
    ])));
}

// First where it would go; then, with the same values, the move.
function reset(group) {
  let previewed = null;
  ask({
    title: `Move ${group.id}`,
    body: () => [
      h('p', null, 'The group must have no members. First you see where each partition would go on.'),
      field('To', 'to', {required: true, value: 'beginning'}, 'beginning, end, an offset, -10 for the last ten, a time, or -1h'),
      field('Topic', 'topic', {list: 'group-topics'}, 'empty: those that the group reads'),
      h('datalist', {id: 'group-topics'}, topicsOf(group).map((topic) => h('option', {value: topic}))),
    ],
    action: 'Preview',
    again: 'Move it',
    run: async (values, dialog) => {
      const wanted = JSON.stringify(values);
      const apply = previewed === wanted;
      const answer = await api(`/api/v1/groups/${encodeURIComponent(group.id)}/reset`,
        {method: 'POST', body: {to: values.to, topic: values.topic || null, apply}});
      previewed = apply ? null : wanted;
      if (apply) dialog.again = null;
      return moveTable(answer);
    },
  });
}

function remove(group) {
  ask({
    title: `Delete ${group.id}`,
    danger: true,
    action: 'Delete',
    body: () => h('p', null, `Its ${plural(group.offsets.length, 'committed offset')} go for ever. A consumer of this name would begin anew.`),
    run: async () => {
      await api(`/api/v1/groups/${encodeURIComponent(group.id)}`, {method: 'DELETE'});
      go(['groups']);
    },
  });
}

/* ---- one group ---------------------------------------------------------------------------------- */

const explain = {
  OK: 'Its lag was 0 within the last half minute, or falls.',
  WARN: 'It moves, but its lag has not fallen for half a minute: more comes than it takes.',
  STALL: 'It has members, and records wait, but no offset moved for half a minute. Often one record that it cannot process, or a call that hangs.',
  STOP: 'Records wait, and it has no member. Start its consumer, or delete the group if nobody needs it.',
  REWIND: 'An offset went back. If nobody reset it, its consumers commit something else than what they read.',
};

function one(status, id, query) {
  const group = status.groups.find((candidate) => candidate.id === id);
  const span = query.span ?? '1h';
  const {data, error} = use(`/api/v1/groups/${encodeURIComponent(id)}`, 3000);
  const past = use(`/api/v1/history?span=${span}&prefix=${encodeURIComponent(`group/${id}/`)}`, 5000).data;
  if (!group) {
    return [heading(id), empty('There is no such group now.', h('a', {href: '#/groups'}, 'All groups'))];
  }
  const series = (name) => past?.series[`group/${id}/${name}`] ?? [];
  return [
    h('p', {class: 'crumbs'}, h('a', {href: '#/groups'}, 'Consumer groups')),
    heading(id, h('div', {class: 'actions'},
      h('button', {type: 'button', onclick: () => reset(group)}, 'Move…'),
      h('button', {type: 'button', class: 'danger', onclick: () => remove(group)}, 'Delete…'))),
    h('div', {class: `panel verdict-${group.verdict ?? 'OK'}`}, h('p', {class: 'verdict'}, verdict(group.verdict), ` ${verdictWords(group.verdict)}`),
      h('p', {class: 'faint'}, explain[group.verdict] ?? 'Looked at for less than half a minute.')),
    facts([['state', group.state], ['lag', plural(group.lag, 'record')], ['in time', group.lag > 0 ? duration(group.lag_us) : 'none'],
      ['members', count(group.members)], data?.assignor && ['assignor', data.assignor]]),
    h('div', {class: 'heading'}, h('h2', null, 'Lag over time'),
      tabs('Time shown', spans, span, (value) => link(['groups', id], {...query, span: value}))),
    past && h('div', {class: 'charts'},
      chart('Lag', past, [{name: 'records', values: series('lag'), kind: 3}], compact, changed),
      chart('Records a second', past, [{name: 'arrive', values: series('end'), kind: 1}, {name: 'consumed', values: series('consumed'), kind: 2}], compact, changed)),
    h('h2', null, 'Partitions'),
    group.offsets.length === 0 ? empty('It has committed nothing yet.')
      : table('Partitions', ['topic', 'partition#', 'verdict', 'committed#', 'end#', 'lag#'], group.offsets.map((offset) => [
        h('a', {href: link(['topics', offset.topic], {partition: offset.partition, from: offset.committed})}, offset.topic),
        String(offset.partition), verdict(offset.verdict), count(offset.committed),
        offset.high_watermark < 0 ? h('span', {class: 'warn'}, '▲ gone') : count(offset.high_watermark), count(offset.lag),
      ])),
    h('h2', null, 'Members'),
    error ? failure(error) : !data ? h('p', {class: 'faint'}, 'asking…')
      : data.members.length === 0 ? empty('No consumer is connected.')
        : table('Members', ['client', 'host', 'id'], data.members.map((member) => [member.client, member.host, member.id])),
  ];
}

export function groups(status, {parts, query}) {
  return parts.length > 1 ? one(status, parts[1], query) : list(status, query);
}
