// Schemas of the registry: versions side by side, and a new one that is checked before it is saved.

import {h} from './dom.js';
import {api, changed, link, setQuery, stale, use} from './live.js';
import {ask, command, empty, failure, facts, heading, mark, prettyText, table} from './parts.js';

function list() {
  const {data, error} = use('/api/v1/schemas', 10000);
  if (error) return [heading('Schemas'), failure(error)];
  if (!data) return [heading('Schemas'), h('p', {class: 'faint'}, 'asking the registry…')];
  const subjects = Map.groupBy ? Map.groupBy(data, (version) => version.subject)
    : data.reduce((map, version) => map.set(version.subject, [...(map.get(version.subject) ?? []), version]), new Map());
  return [
    heading('Schemas', h('div', {class: 'actions'}, h('button', {type: 'button', class: 'primary', onclick: () => edit('', '')}, 'New subject…'))),
    subjects.size === 0
      ? empty('No schema is registered yet. Register one:', command('leat schema register clicks-value clicks.avsc'))
      : table('Subjects', ['subject', 'type', 'versions#', 'newest id#'], [...subjects].map(([subject, versions]) => [
        h('a', {class: 'row', href: link(['schemas', subject])}, subject), versions.at(-1).type,
        String(versions.length), String(Math.max(...versions.map((version) => version.id)))])),
  ];
}

/* ---- saving ------------------------------------------------------------------------------------- */

function edit(subject, text) {
  let checked = null;
  ask({
    title: subject ? `New version of ${subject}` : 'New subject',
    body: () => [
      !subject && h('label', {class: 'field'}, h('span', null, 'Subject'), h('input', {name: 'subject', placeholder: 'TOPIC-value', autocomplete: 'off'})),
      h('label', {class: 'field'}, h('span', null, 'Avro schema'), h('textarea', {name: 'schema', rows: 18, spellcheck: 'false'}, text)),
    ],
    action: 'Check',
    again: 'Register it',
    run: async (values, dialog) => {
      const name = subject || values.subject;
      const save = checked === values.schema;
      const answer = await api(`/api/v1/schemas/${encodeURIComponent(name)}`, {method: 'POST', body: {schema: values.schema, check: !save}});
      if (save) {
        dialog.again = null;
        stale('/api/v1/schemas');
        return h('p', null, mark('good', `registered with id ${answer.id}`));
      }
      checked = answer.compatible ? values.schema : null;
      dialog.again = answer.compatible ? 'Register it' : 'Check again';
      return answer.compatible ? h('p', null, mark('good', 'it could be registered now'))
        : h('div', null, mark('bad', 'the compatibility level forbids it'), h('pre', null, answer.message));
    },
  });
}

/* ---- side by side ------------------------------------------------------------------------------- */

// Lines that both have, by the longest common subsequence; texts of schemas are short.
function pair(before, after) {
  const a = before.split('\n');
  const b = after.split('\n');
  if (a.length * b.length > 4e6) return a.map((line, i) => ['', line, b[i] ?? '']);
  const width = b.length + 1;
  const best = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      best[i * width + j] = a[i] === b[j] ? best[(i + 1) * width + j + 1] + 1
        : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    }
  }
  const rows = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) rows.push(['same', a[i++], b[j++]]);
    else if (j === b.length || (i < a.length && best[(i + 1) * width + j] >= best[i * width + j + 1])) rows.push(['gone', a[i++], null]);
    else rows.push(['new', null, b[j++]]);
  }
  return rows;
}

const sign = {same: ' ', gone: '−', new: '+'};

function compare(older, newer) {
  const rows = pair(older ? prettyText(older.text) : '', prettyText(newer.text));
  return h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Versions side by side'}, h('table', {class: 'diff'},
    h('thead', null, h('tr', null, h('th', {scope: 'col'}, older ? `version ${older.version}` : 'nothing'),
      h('th', {scope: 'col'}, `version ${newer.version}`))),
    h('tbody', null, rows.map(([kind, left, right]) => h('tr', {class: kind},
      h('td', null, left === null ? '' : `${kind === 'gone' ? sign.gone : ' '} ${left}`),
      h('td', null, right === null ? '' : `${kind === 'new' ? sign.new : ' '} ${right}`))))));
}

function one(subject, query) {
  const {data, error} = use(`/api/v1/schemas/${encodeURIComponent(subject)}`, 10000);
  const head = h('p', {class: 'crumbs'}, h('a', {href: '#/schemas'}, 'Schemas'));
  if (error) return [head, heading(subject), failure(error)];
  if (!data) return [head, heading(subject), h('p', {class: 'faint'}, 'asking the registry…')];
  const versions = [...data.versions].sort((a, b) => a.version - b.version);
  const newer = versions.find((version) => String(version.version) === query.version) ?? versions.at(-1);
  const older = versions.find((version) => String(version.version) === query.against) ?? versions[versions.indexOf(newer) - 1] ?? null;
  const options = versions.map((version) => [String(version.version), `version ${version.version}, id ${version.id}`]);
  const select = (label, value, onchange) => h('label', {class: 'field'}, h('span', null, label),
    h('select', {onchange: (event, at) => onchange(at.value)}, options.map(([id, words]) => h('option', {value: id, selected: id === value}, words))));
  return [
    head,
    heading(subject, h('div', {class: 'actions'},
      h('button', {type: 'button', class: 'primary', onclick: () => edit(subject, prettyText(versions.at(-1).text))}, 'New version…'))),
    facts([['compatibility', data.compatibility || 'not known'], ['versions', String(versions.length)], ['newest id', String(versions.at(-1).id)]]),
    versions.length > 1 && h('div', {class: 'toolbar'},
      select('Compare', String(older?.version ?? ''), (value) => setQuery({against: value})),
      select('with', String(newer.version), (value) => setQuery({version: value}))),
    compare(versions.length > 1 ? older : newer, newer),
  ];
}

export const schemas = (status, {parts, query}) => (parts.length > 1 ? one(parts[1], query) : list());
