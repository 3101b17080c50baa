// Tables and topics by SQL: what there is, rows, and both as files.

import {h} from './dom.js';
import {count} from './format.js';
import {api, changed, link, setQuery, use} from './live.js';
import {command, empty, failure, heading, table} from './parts.js';

const LIMIT = 1000;
const state = {for: null, answer: null, error: null, running: false, tookMs: 0};

async function run(sql) {
  Object.assign(state, {for: sql, error: null, running: true});
  changed();
  const began = performance.now();
  try {
    state.answer = await api('/api/v1/query', {method: 'POST', body: {sql, limit: LIMIT}});
  } catch (error) {
    Object.assign(state, {answer: null, error});
  }
  Object.assign(state, {running: false, tookMs: performance.now() - began});
  changed();
}

/* ---- files -------------------------------------------------------------------------------------- */

const textOf = (value) => (value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

// A cell that a spreadsheet would take for a formula gets a quote in front (OWASP, CSV injection).
function csvCell(value) {
  const text = textOf(value);
  const harmless = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

const csv = ({columns, rows}) => [columns, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n') + '\r\n';
const json = ({columns, rows}) => JSON.stringify(rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]]))), null, 1);

function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], {type}));
  const anchor = h('a', {href: url, download: name});
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/* ---- the page ----------------------------------------------------------------------------------- */

function relations() {
  const {data, error} = use('/api/v1/relations', 10000);
  if (error) return failure(error);
  if (!data) return h('p', {class: 'faint'}, 'asking…');
  if (data.length === 0) return empty('No table and no topic yet.', command('leat up FILE'));
  return data.map((relation) => h('details', {'data-key': relation.name},
    h('summary', null, relation.name, ' ', h('span', {class: 'faint'}, relation.kind)),
    h('p', null, h('a', {href: link(['tables'], {sql: `SELECT * FROM ${nameOf(relation)} LIMIT 100`})}, 'look at its rows')),
    h('ul', null, relation.columns.map((column) => h('li', null, column.name, ' ', h('span', {class: 'faint'}, column.type))))));
}

const nameOf = (relation) => (relation.kind === 'table' || /^\w+$/.test(relation.name) ? relation.name : `\`${relation.name}\``);

function result() {
  const answer = state.answer;
  if (state.error) return failure(state.error);
  if (!answer) return state.running ? h('p', {class: 'faint'}, 'running…') : empty('Choose a table on the left, or write a query. From a terminal:', command('leat query "SELECT …"'));
  const numeric = answer.columns.map((_, i) => answer.rows.length > 0 && answer.rows.every((row) => row[i] === null || typeof row[i] === 'number'));
  return [
    h('div', {class: 'heading'}, h('p', {role: 'status'}, `${count(answer.rows.length)}${answer.more ? ' of more' : ''} rows in ${Math.round(state.tookMs)} ms`,
      answer.undecodable > 0 && h('span', {class: 'warn'}, ` ▲ ${count(answer.undecodable)} records left out that cannot be decoded`)),
    h('div', {class: 'actions'},
      h('button', {type: 'button', onclick: () => download('rows.csv', 'text/csv', csv(answer))}, 'CSV'),
      h('button', {type: 'button', onclick: () => download('rows.json', 'application/json', json(answer))}, 'JSON'))),
    answer.rows.length === 0 ? empty('No rows.') : h('div', {id: 'rows'}, table('Rows', answer.columns.map((name, i) => `${name}${numeric[i] ? '#' : ''}`),
      answer.rows.map((row) => row.map((value) => (value === null ? h('span', {class: 'faint'}, 'null') : textOf(value)))), {class: 'rows'})),
  ];
}

export function tables(status, {query}) {
  const sql = query.sql ?? '';
  if (sql && state.for !== sql && !state.running) void run(sql);
  const submit = (event, form) => {
    event.preventDefault();
    const wanted = form.querySelector('textarea').value.trim();
    if (wanted === sql) void run(wanted);
    else setQuery({sql: wanted}, true);
  };
  const key = (event, at) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event, at.form);
  };
  return [
    heading('Tables'),
    h('div', {class: 'columns'},
      h('aside', {class: 'panel relations', 'aria-label': 'Tables and topics'}, relations()),
      h('div', null,
        h('form', {class: 'sql', onsubmit: submit},
          h('label', {class: 'field'}, h('span', null, 'SQL, as Spark has it; it only reads'),
            h('textarea', {rows: 5, spellcheck: 'false', onkeydown: key, 'data-key': sql}, sql)),
          h('button', {type: 'submit', class: 'primary', disabled: state.running}, state.running ? 'running…' : 'Run'), ' ',
          h('span', {class: 'faint'}, 'Ctrl + Enter')),
        result())),
  ];
}
