// The message browser: pages from a place, the live tail, a search over the whole topic, one record.

import {h} from './dom.js';
import {bytes, count, instant, plural} from './format.js';
import {api, changed, lines, link, setQuery} from './live.js';
import {area, ask, choice, command, copyText, empty, failure, field, mark, prettyJson, prettyText} from './parts.js';

const modes = [['newest', 'newest first'], ['beginning', 'from the beginning'], ['offset', 'from an offset'], ['time', 'from a time'],
  ['key', 'with a key'], ['sql', 'matching SQL'], ['live', 'as they come']];
const SHOWN = 500; // of a tail or search; older ones give way
const TEXT_SHOWN = 500000; // characters of one value; a copy takes all

const state = {for: null, records: [], older: null, progress: null, end: null, error: null, loading: false, abort: null, open: null};

export function leaveRecords() {
  state.abort?.abort();
  Object.assign(state, {for: null, abort: null, records: [], open: null});
}

/* ---- asking ------------------------------------------------------------------------------------- */

const base = (name) => `/api/v1/topics/${encodeURIComponent(name)}`;
const search = (entries) => new URLSearchParams(Object.entries(entries).filter(([, value]) => value !== '' && value !== undefined)).toString();

function fromOf(query) {
  if (query.mode === 'time') return query.time ? new Date(`${query.time}Z`).toISOString() : 'beginning';
  return query.mode === 'offset' ? query.from || 'beginning' : query.mode === 'beginning' ? 'beginning' : undefined;
}

async function readPage(name, query, before) {
  const mine = new AbortController();
  state.abort?.abort();
  Object.assign(state, {abort: mine, loading: true, error: null});
  try {
    const answer = await api(`${base(name)}/records?${search({
      from: fromOf(query), before, partition: query.partition, form: query.form, limit: query.limit || 50})}`, {signal: mine.signal});
    state.records = before ? [...state.records, ...answer.records] : answer.records;
    state.older = answer.older ?? null;
  } catch (error) {
    if (error.name === 'AbortError') return;
    state.error = error;
  }
  state.loading = false;
  changed();
}

function take(line, newestFirst) {
  if (line.record) {
    state.records = newestFirst ? [line.record, ...state.records].slice(0, SHOWN) : [...state.records, line.record].slice(0, SHOWN);
  } else if (line.progress) state.progress = line.progress;
  else if (line.end) {
    state.progress = line.end;
    state.end = line.end.reason;
    if (line.end.error) state.error = new Error(line.end.error);
  }
}

async function readStream(name, query) {
  const mine = new AbortController();
  const live = query.mode === 'live';
  state.abort?.abort();
  Object.assign(state, {abort: mine, loading: true, error: null, progress: null, end: null, records: [], older: null});
  try {
    const path = `${base(name)}/scan?${search({
      follow: live ? 'true' : undefined, where: query.mode === 'sql' || live ? query.where : undefined,
      key: query.mode === 'key' ? query.key : undefined, partition: query.partition, form: query.form,
      limit: live ? 100000 : query.limit || 200})}`;
    for await (const line of lines(path, mine.signal)) {
      take(line, live);
      changed();
    }
  } catch (error) {
    if (error.name === 'AbortError') {
      if (state.abort === mine) Object.assign(state, {loading: false, end: 'stopped'});
      changed();
      return;
    }
    state.error = error;
  }
  state.loading = false;
  changed();
}

const streams = (query) => ['key', 'sql', 'live'].includes(query.mode);
const isReady = (query) => (query.mode === 'sql' ? query.where : query.mode === 'key' ? query.key : true);

// Reads when the reader asks for something else than what is shown, or the first record has come.
function follow(name, topic, query) {
  const wanted = JSON.stringify([name, !streams(query) && topic.records === 0, query.mode, query.from, query.time, query.key, query.where, query.partition, query.form, query.limit, query.at]);
  if (state.for === wanted) return;
  state.abort?.abort();
  Object.assign(state, {for: wanted, records: [], older: null, progress: null, end: null, error: null, loading: false, open: null});
  if (!isReady(query)) return;
  void (streams(query) ? readStream(name, query) : readPage(name, query));
}

/* ---- one record --------------------------------------------------------------------------------- */

const identity = (record) => `${record.partition}:${record.offset}`;

function value(shown, whole) {
  if (shown.form === 'null') return h('span', {class: 'faint'}, whole ? 'null: a delete' : 'null');
  if (!whole) return shown.text.slice(0, 300);
  const rest = shown.text.length - TEXT_SHOWN;
  const text = rest > 0 ? shown.text.slice(0, TEXT_SHOWN) : shown.form === 'text' || shown.form === 'hex' ? shown.text : prettyJson(shown.text);
  return [h('pre', {class: 'json'}, text),
    rest > 0 && h('p', {class: 'warn'}, `▲ ${count(rest)} characters more; a copy takes all`)];
}

const formOf = (shown) => `${shown.form}${shown.schema ? `, schema ${shown.schema}` : ''}, ${bytes(shown.bytes)}`;

async function showAll(name, record) {
  const answer = await api(`${base(name)}/records?${search({from: record.offset, partition: record.partition, limit: 1, value_bytes: '16 MiB',
    form: state.wholeForm ?? 'auto'})}`);
  state.open = answer.records[0] ?? record;
  changed();
}

function asForm(name, form) {
  state.wholeForm = form;
  void showAll(name, state.open);
}

function drawer(name) {
  const record = state.open;
  if (!record) return null;
  const close = () => {
    state.open = null;
    changed();
  };
  const copyable = record.value.form === 'json' || record.value.form === 'avro' ? prettyText(record.value.text) : record.value.text ?? '';
  return h('aside', {class: 'drawer', 'aria-label': 'Record', onkeydown: (event) => event.key === 'Escape' && close()},
    h('div', {class: 'heading'}, h('h2', null, `Partition ${record.partition}, offset ${count(record.offset)}`),
      h('button', {type: 'button', onclick: close, 'aria-label': 'Close the record'}, '✕')),
    h('p', {class: 'faint'}, instant(record.timestamp_ms, true)),
    h('h3', null, 'Key ', h('small', {class: 'faint'}, formOf(record.key))), value(record.key, true),
    h('h3', null, 'Value ', h('small', {class: 'faint'}, formOf(record.value))),
    h('div', {class: 'toolbar'},
      ['auto', 'text', 'hex'].map((form) => h('button', {type: 'button', 'aria-pressed': String((state.wholeForm ?? 'auto') === form),
        onclick: () => asForm(name, form)}, form)),
      h('button', {type: 'button', onclick: () => copyText(copyable)}, 'Copy')),
    record.value.cut && h('p', {class: 'warn'}, '▲ Only the beginning is shown. ',
      h('button', {type: 'button', onclick: () => showAll(name, record)}, 'Show all of it')),
    value(record.value, true),
    h('h3', null, 'Headers'),
    record.headers.length === 0 ? h('p', {class: 'faint'}, 'none')
      : h('dl', {class: 'headers'}, record.headers.map((header) => h('div', null, h('dt', null, header.name), h('dd', null, value(header.value, false))))));
}

/* ---- the list ----------------------------------------------------------------------------------- */

function openRecord(record) {
  state.wholeForm = null;
  state.open = state.open && identity(state.open) === identity(record) ? null : record;
  changed();
}

function rows() {
  return h('div', {class: 'scroll', role: 'region', tabindex: '0', 'aria-label': 'Records'},
    h('table', {class: 'records'},
      h('thead', null, h('tr', null, h('th', {scope: 'col', class: 'number'}, 'part.'), h('th', {scope: 'col', class: 'number'}, 'offset'),
        h('th', {scope: 'col'}, 'time'), h('th', {scope: 'col'}, 'key'), h('th', {scope: 'col'}, 'value'))),
      h('tbody', null, state.records.map((record) =>
        h('tr', {class: state.open && identity(state.open) === identity(record) ? 'open' : null, onclick: () => openRecord(record)},
          h('td', {class: 'number'}, String(record.partition)),
          h('td', {class: 'number'}, h('a', {class: 'row', href: location.hash, onclick: (event) => {
            event.preventDefault();
            openRecord(record);
          }}, String(record.offset))),
          h('td', {class: 'time'}, instant(record.timestamp_ms, true)),
          h('td', {class: 'cut'}, value(record.key, false)),
          h('td', {class: 'cut value'}, value(record.value, false)))))));
}

function progress(query) {
  const at = state.progress;
  if (!at && !state.loading) return null;
  const live = query.mode === 'live';
  const part = at && at.total > 0 ? 100 * at.read / at.total : 0;
  const words = !at ? 'reading…' : live ? `${plural(at.matched, 'record')} since the tail began`
    : `${count(at.matched)} found in ${count(at.read)} of ${count(at.total)} records`;
  const ends = {done: mark('good', 'whole topic searched'), limit: mark('warn', 'stopped at the limit'), stopped: mark('idle', 'stopped'),
    failed: mark('bad', 'failed')};
  return h('div', {class: 'progress', role: 'status'},
    !live && h('progress', {max: 100, value: part.toFixed(1), 'aria-label': 'part of the topic that was searched'}),
    h('span', null, words), ' ', state.end ? ends[state.end] : live ? mark('good', 'live') : null,
    state.loading && h('button', {type: 'button', onclick: () => state.abort?.abort()}, live ? 'Pause' : 'Cancel'),
    live && !state.loading && h('button', {type: 'button', onclick: () => setQuery({at: Date.now()})}, 'Go on'));
}

function toolbar(topic, query, info) {
  const mode = query.mode ?? 'newest';
  const submit = (event, form) => {
    event.preventDefault();
    setQuery({...Object.fromEntries(new FormData(form)), at: Date.now()}, false);
  };
  const input = (label, name, attributes) => h('label', {class: 'field grow'}, h('span', null, label),
    h('input', {name, autocomplete: 'off', spellcheck: 'false', value: query[name] ?? '', ...attributes}));
  const columns = info?.schema ? 'columns of the schema, and _key, _offset, _partition, _accepted_at' : 'value LIKE \'%error%\'';
  return h('form', {class: 'toolbar', onsubmit: submit},
    choice('Records', mode, modes, (chosen) => setQuery({mode: chosen === 'newest' ? '' : chosen, at: ''})),
    choice('Partition', query.partition ?? '', [['', 'all'], ...topic.partitions.map((p) => [String(p.partition), String(p.partition)])],
      (chosen) => setQuery({partition: chosen})),
    choice('Shown as', query.form ?? '', [['', 'decoded'], ['text', 'text'], ['hex', 'hex']], (chosen) => setQuery({form: chosen})),
    mode === 'offset' && input('Offset, or -10 for the last ten', 'from', {placeholder: '0'}),
    mode === 'time' && input('Time (UTC)', 'time', {type: 'datetime-local', step: 1}),
    mode === 'key' && input('Key', 'key', {}),
    (mode === 'sql' || mode === 'live') && input(mode === 'sql' ? 'WHERE' : 'WHERE (optional)', 'where', {placeholder: columns}),
    mode !== 'newest' && mode !== 'beginning' && h('button', {type: 'submit', class: 'primary'}, mode === 'live' ? 'Follow' : 'Search'),
    (mode === 'newest' || mode === 'beginning') && h('button', {type: 'button', onclick: () => setQuery({at: Date.now()})}, 'Again'));
}

export function records(name, topic, query, info) {
  follow(name, topic, query);
  const nothing = query.mode === 'live' && state.loading ? empty('Waiting for what comes.') : state.loading || !isReady(query) ? null
    : topic.records === 0 ? empty('No record yet. Write one here, or:', command(`leat produce ${name}`))
      : state.error ? null : empty('No record here.');
  return h('div', {class: state.open ? 'with-drawer' : null},
    h('div', null,
      toolbar(topic, query, info),
      state.error && failure(state.error),
      streams(query) && progress(query),
      state.records.length === 0 ? nothing : rows(),
      state.older && h('p', null, h('button', {type: 'button', disabled: state.loading,
        onclick: () => readPage(name, query, state.older)}, state.loading ? 'reading…' : 'Older'))),
    drawer(name));
}

/* ---- writing ------------------------------------------------------------------------------------ */

export function produce(name, info) {
  ask({
    title: `Write to ${name}`,
    action: 'Write',
    body: () => [
      field('Key', 'key', {}, 'empty: none'),
      h('label', {class: 'field'}, h('span', null, 'As'), h('select', {name: 'format'},
        [['json', 'JSON'], ...(info?.schema ? [['avro', `Avro, by schema ${info.schema.id}`]] : []), ['text', 'text'], ['hex', 'hexadecimal'],
          ['null', 'null: a delete']].map(([id, words]) => h('option', {value: id}, words)))),
      area('Value', 'value', '{}', 10),
    ],
    run: async (values) => {
      await api(`${base(name)}/records`, {method: 'POST', body: {
        key: values.key || null, value: values.value, format: values.format}});
      setQuery({at: Date.now()});
    },
  });
}
