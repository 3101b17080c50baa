// What several pages show: marks, tables, empty states, dialogs, JSON.

import {h, show} from './dom.js';
import {changed} from './live.js';

/* ---- states: a shape and a word beside the colour ------------------------------------------------ */

const marks = {good: '●', idle: '○', warn: '▲', bad: '■'};

export const mark = (kind, word) =>
  h('span', {class: `mark ${kind}`}, h('span', {'aria-hidden': 'true'}, marks[kind]), ` ${word}`);

const verdicts = {
  OK: ['good', 'keeps up'],
  WARN: ['warn', 'falls behind'],
  REWIND: ['warn', 'went back'],
  STALL: ['bad', 'does not move'],
  STOP: ['bad', 'has no consumer'],
};

export function verdict(name) {
  const [kind, words] = verdicts[name] ?? ['idle', 'not known'];
  return h('span', {title: words}, mark(kind, name ?? 'not known'));
}

export const verdictWords = (name) => verdicts[name]?.[1] ?? 'not known yet';

/* ---- blocks ------------------------------------------------------------------------------------- */

export const empty = (text, ...more) => h('p', {class: 'empty'}, text, ' ', more);
export const command = (text) => h('code', {class: 'command'}, text);

export const failure = (error) =>
  h('div', {class: 'problem', role: 'alert'}, h('strong', null, h('span', {'aria-hidden': 'true'}, '■ '), 'It did not work'),
    h('pre', null, error.message), error.hint && h('p', {class: 'remedy'}, error.hint));

// `heads`: 'name', or 'name#' for a column of numbers. A row is an array, or {cells, ...attributes}.
export function table(label, heads, rows, attributes) {
  const numeric = (i) => (heads[i].endsWith('#') ? 'number' : null);
  return h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label},
    h('table', attributes,
      h('thead', null, h('tr', null, heads.map((head, i) =>
        h('th', {class: numeric(i), scope: 'col'}, head.replace('#', '') || h('span', {class: 'hidden'}, 'actions'))))),
      h('tbody', null, rows.map((row) => {
        const {cells, ...rest} = Array.isArray(row) ? {cells: row} : row;
        return h('tr', rest, cells.map((cell, i) => h('td', {class: numeric(i)}, cell)));
      }))));
}

export const facts = (entries) =>
  h('dl', {class: 'facts'}, entries.filter(Boolean).map(([word, value]) =>
    h('div', null, h('dt', null, word), h('dd', null, value))));

export const tabs = (label, entries, chosen, linkOf) =>
  h('nav', {class: 'tabs', 'aria-label': label}, entries.map(([id, words]) =>
    h('a', {href: linkOf(id), 'aria-current': id === chosen ? 'page' : null}, words)));

export const heading = (title, ...more) => h('div', {class: 'heading'}, h('h1', null, title), more);

export const choice = (label, value, entries, onchange) =>
  h('label', {class: 'field'}, h('span', null, label),
    h('select', {onchange: (event, at) => onchange(at.value)}, entries.map(([id, words]) =>
      h('option', {value: id, selected: id === value}, words))));

/* ---- dialogs ------------------------------------------------------------------------------------ */

// ask({title, body: (form) => nodes, action: 'Create', run: async (values) => ..., danger}). `run` may
// return nodes to show instead of closing; it may throw what is then shown.
let open = null;

export function ask(dialog) {
  open = {...dialog, busy: false, error: null, answer: null, opener: document.activeElement};
  drawDialog();
  document.querySelector('#dialogs dialog').showModal();
}

export function closeDialog() {
  const opener = open?.opener;
  open = null;
  document.querySelector('#dialogs dialog')?.close();
  drawDialog();
  opener?.focus?.();
}

async function submit(event, form) {
  event.preventDefault();
  const mine = open;
  mine.values = Object.fromEntries(new FormData(form));
  mine.busy = true;
  mine.error = null;
  drawDialog();
  try {
    const answer = await mine.run(mine.values, mine);
    if (open !== mine) return;
    if (answer) mine.answer = answer;
    else closeDialog();
  } catch (error) {
    mine.error = error;
  }
  mine.busy = false;
  drawDialog();
  changed();
}

function drawDialog() {
  show(document.getElementById('dialogs'), open && h('dialog', {'data-key': open.title, 'aria-labelledby': 'dialog-title',
    onclose: () => open && closeDialog()},
    h('form', {onsubmit: submit, method: 'dialog', novalidate: true},
      h('h2', {id: 'dialog-title'}, open.title),
      open.body(open),
      open.answer,
      open.error && failure(open.error),
      h('div', {class: 'actions'},
        h('button', {type: 'button', onclick: closeDialog}, open.answer && !open.again ? 'Close' : 'Cancel'),
        (!open.answer || open.again) && h('button', {type: 'submit', class: open.danger ? 'danger' : 'primary', disabled: open.busy},
          open.busy ? 'working…' : open.answer && open.again ? open.again : open.action)))));
}

export const field = (label, name, attributes = {}, hint) =>
  h('label', {class: 'field'}, h('span', null, label), h('input', {name, autocomplete: 'off', spellcheck: 'false', ...attributes}),
    hint && h('small', null, hint));

export const area = (label, name, value, rows = 8) =>
  h('label', {class: 'field'}, h('span', null, label), h('textarea', {name, rows, spellcheck: 'false'}, value));

/* ---- JSON --------------------------------------------------------------------------------------- */

// Text of JSON, indented without touching its tokens (numbers keep their digits), with a class each.
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|(true|false|null)|([{}[\],])/g;
const JSON_SHOWN = 300000;

export function prettyJson(text) {
  const out = [];
  let depth = 0;
  let follows = '';
  const line = () => `\n${'  '.repeat(depth)}`;
  if (text.length > JSON_SHOWN) return [text];
  for (const [token, string, colon, number, word, sign] of text.matchAll(TOKEN)) {
    if (sign === '}' || sign === ']') {
      depth--;
      if (follows !== '{' && follows !== '[') out.push(line());
      out.push(sign);
    } else {
      if (follows === '{' || follows === '[') out.push(line());
      if (sign === ',') out.push(',', line());
      else if (sign) {
        out.push(sign);
        depth++;
      } else if (string !== undefined) {
        out.push(h('span', {class: colon ? 'name' : 'string'}, string), colon ? ': ' : '');
      } else out.push(h('span', {class: number !== undefined ? 'num' : 'word'}, number ?? word ?? token));
    }
    follows = sign ?? 'value';
  }
  return out;
}

export const prettyText = (text) => h('pre', null, prettyJson(text)).textContent;

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // no permission: the text can still be selected
  }
}
