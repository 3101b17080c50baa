// Dead letters: what was refused, why, its bytes, and another try.

import {h} from './dom.js';
import {bytes, count, instant} from './format.js';
import {api, changed, link, stale, use} from './live.js';
import {command, empty, failure, heading, mark, prettyJson, table} from './parts.js';

const results = new Map();

async function retry(key, body) {
  results.set(key, 'trying…');
  changed();
  try {
    const answer = await api('/api/v1/dead/retry', {method: 'POST', body});
    results.set(key, `${count(answer.resolved)} of ${count(answer.tried)} passed`);
  } catch (error) {
    results.set(key, error.message);
  }
  stale('/api/v1/dead');
}

function retryButton(key, body, words) {
  return h('span', {class: 'retry'}, h('button', {type: 'button', onclick: () => retry(key, body)}, words),
    h('span', {class: 'faint', role: 'status'}, results.get(key) ?? ''));
}

const isJson = (text) => /^\s*[{[]/.test(text);

// Bytes as rows of sixteen with their characters beside them.
function hexDump(hex) {
  const lines = [];
  for (let at = 0; at < Math.min(hex.length, 4096); at += 32) {
    const pairs = hex.slice(at, at + 32).match(/../g) ?? [];
    const text = pairs.map((pair) => parseInt(pair, 16)).map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${(at / 2).toString(16).padStart(6, '0')}  ${pairs.join(' ').padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}

function letter(one) {
  const key = `${one.store}/${one.id}`;
  return h('details', {class: 'letter', 'data-key': key},
    h('summary', null, h('b', null, one.message), ' ', h('span', {class: 'faint'}, one.place ?? '', ' ', one.at_us && instant(one.at_us / 1000))),
    h('div', {class: 'panel'},
      h('p', {class: 'faint'}, `${one.store} letter ${one.id}, ${bytes(one.raw_bytes)}, tried again ${one.retries}×`,
        one.topic && [', from ', h('a', {href: link(['topics', one.topic], {mode: 'offset', from: one.offset, partition: one.partition})},
          `${one.topic}, partition ${one.partition}, offset ${one.offset}`)],
        one.topic && [', ', h('a', {href: link(['schemas', `${one.topic}-value`])}, 'its schema')]),
      h('pre', {class: 'json'}, one.raw === undefined ? hexDump(one.raw_hex) : isJson(one.raw) ? prettyJson(one.raw) : one.raw),
      one.hop === 'source' ? h('p', {class: 'faint'}, 'It is tried when its source brings it again.')
        : retryButton(key, {store: one.store, id: one.id}, 'Try this one again')));
}

export function dead(status) {
  const {data, error} = use('/api/v1/dead?limit=1000', 5000);
  const t = status.totals;
  const kinds = new Map();
  for (const one of data ?? []) {
    const key = JSON.stringify([one.hop, one.pipeline, one.name, one.reason]);
    kinds.set(key, [one, ...(kinds.get(key) ?? [])]);
  }
  return [
    heading('Dead letters'),
    h('p', {class: 'lead'}, 'A record that cannot be taken, decoded or stored is kept and counted here; the others go on.'),
    error && failure(error),
    h('div', {id: 'dead'},
      t.dead + t.refused === 0 && kinds.size === 0 ? empty(mark('good', 'none'), '. They would also show with:', command('leat dead list')) : [
        h('p', null, `${count(t.refused)} refused at the source, ${count(t.dead)} by a stream or a table.`),
        [...kinds].map(([key, letters]) => h('section', {class: 'panel reason', 'data-key': key},
          h('div', {class: 'heading'}, h('h2', null, letters[0].reason, h('small', null, ` at ${letters[0].hop} ${letters[0].name}`)),
            h('span', null, `${count(letters.length)} kept`),
            letters[0].hop === 'source' ? h('span', {class: 'faint'}, 'tried when its source brings it again')
              : retryButton(key, {hop: letters[0].hop, name: letters[0].name, reason: letters[0].reason}, 'Try all of these again')),
          letters.slice(0, 50).map(letter),
          letters.length > 50 && h('p', {class: 'faint'}, `and ${count(letters.length - 50)} more: `, command('leat dead list')))),
      ]),
  ];
}
