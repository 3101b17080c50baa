// Alerts: what fires, what is watched, who is told, silences.

import {h} from './dom.js';
import {duration, instant} from './format.js';
import {api, stale, use} from './live.js';
import {ask, command, empty, failure, field, heading, mark, table} from './parts.js';

const PATH = '/api/v1/alerts';
const tested = new Map();

const marks = {firing: ['bad', 'firing'], pending: ['warn', 'pending'], fine: ['good', 'fine']};
const markOf = (state) => mark(...marks[state]);

async function test(name) {
  tested.set(name, mark('idle', 'under way'));
  stale(PATH);
  try {
    await api(`${PATH}/test`, {method: 'POST', body: {receiver: name}});
    tested.set(name, mark('good', 'arrived'));
  } catch (error) {
    tested.set(name, mark('bad', error.message));
  }
  stale(PATH);
}

const silence = (rules, rule, target) => ask({
  title: 'Silence', action: 'Silence',
  body: () => [
    h('label', {class: 'field'}, h('span', null, 'Rule'), h('select', {name: 'rule'},
      h('option', {value: ''}, 'every rule'), rules.map(({name}) => h('option', {value: name, selected: name === rule}, name)))),
    field('Target begins with', 'target', {value: target ?? ''}, 'empty: all'),
    field('For', 'for', {value: '1h'}, 'such as 30 min, 1h, 2 days'),
    field('Why', 'why', {maxlength: 190}),
  ],
  run: async (values) => {
    const set = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
    await api(`${PATH}/silences`, {method: 'POST', body: set});
    stale(PATH);
  },
});

const endSilence = async (id) => {
  await api(`${PATH}/silences/${id}`, {method: 'DELETE'});
  stale(PATH);
};

const order = {firing: 0, pending: 1, fine: 2};

function now(data) {
  const all = [...data.alerts].sort((a, b) => order[a.state] - order[b.state]);
  if (all.length === 0) return empty('Nothing was looked at yet.');
  return table('Alerts', ['state', 'rule', 'target', 'value#', 'limit#', 'since', ''], all.map((one) => [
    markOf(one.state), one.rule, one.target, one.value, one.limit, instant(one.since_us / 1000),
    one.state === 'firing' && h('button', {type: 'button', onclick: () => silence(data.rules, one.rule, one.target)}, 'Silence…')]));
}

export function alerts(status) {
  const {data, error} = use(PATH, 3000);
  if (!data) return [heading('Alerts'), error ? failure(error) : empty('Asking.')];
  if (data.rules.length === 0) {
    return [heading('Alerts'), empty('No rule watches anything. Put some into the pipeline file:', h('pre', null,
      'alerts:\n  rules:\n    slow: {when: lag-time, limit: 5 min, for: 1 min}\n    disk: {when: disk-free, limit: 15%}\n' +
      '  to:\n    team: {webhook: "${secret:team_webhook}", form: slack}')), h('p', null, 'Every setting: ', command(`leat check ${status.file}`))];
  }
  return [
    heading('Alerts', h('button', {type: 'button', onclick: () => silence(data.rules)}, 'Silence…')),
    h('div', {id: 'alerts'}, now(data)),
    data.silences.length > 0 && [h('h2', null, 'Silences'), table('Silences', ['rule', 'target', 'until', 'who', 'why', ''], data.silences.map((one) => [
      one.rule ?? 'every rule', one.target ?? 'all', instant(one.until_us / 1000), one.who ?? 'no login', one.why,
      h('button', {type: 'button', onclick: () => endSilence(one.id)}, 'End')]))],
    h('h2', null, 'Receivers'),
    data.receivers.length === 0 ? empty('Nobody is told.') : table('Receivers', ['name', 'kind', 'last tried', 'outcome', ''], data.receivers.map((one) => [
      one.name, one.mail ? `mail to ${one.mail}` : one.kind, one.tried_us ? instant(one.tried_us / 1000) : 'never',
      tested.get(one.name) ?? (one.trouble ? mark('bad', one.trouble) : one.tried_us ? mark('good', 'arrived') : mark('idle', 'not yet')),
      h('button', {type: 'button', onclick: () => test(one.name)}, `Test ${one.name}`)])),
    h('h2', null, 'Rules'),
    table('Rules', ['name', 'looks at', 'limit#', 'for', 'tells'], data.rules.map((one) => [one.name, one.only ? `${one.when} of ${one.only}…` : one.when,
      one.limit, duration(one.for_us), one.to.length === 0 ? 'all receivers' : one.to.join(', ')])),
    h('h2', null, 'History'),
    data.history.length === 0 ? empty('Nothing fired since leat started.') : h('div', {id: 'alert-history'}, table('History', ['when', 'event', 'rule', 'target', 'value#'],
      data.history.map((one) => [instant(one.at_us / 1000), markOf(one.event === 'firing' ? 'firing' : 'fine'), one.rule, one.target, one.value]))),
  ];
}
