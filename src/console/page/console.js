// The status page. One server-sent stream brings a snapshot a second; each is drawn as a tree of
// elements and laid over the one that stands. Names and messages come from outside and are only ever
// set as text.

const SVG = 'http://www.w3.org/2000/svg';
const RATE_SECONDS = 5;
const HISTORY = 120;

/* ---- elements -------------------------------------------------------------------------------- */

function h(tag, attributes, ...children) {
  const svg = tag === 'svg' || tag === 'polyline';
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value);
    }
  }
  for (const child of children.flat(9)) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child);
    }
  }
  return element;
}

// Makes `old` look like `wanted` and leaves alone what is equal: focus, selection and what a reader
// has unfolded stay.
function morph(old, wanted) {
  if (old.nodeType !== wanted.nodeType || old.nodeName !== wanted.nodeName) {
    old.replaceWith(wanted);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  for (const {name} of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  }
  for (const {name, value} of wanted.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, [...wanted.childNodes]);
}

function morphChildren(old, wanted) {
  const present = [...old.childNodes];
  wanted.forEach((child, i) => {
    if (i < present.length) morph(present[i], child);
    else old.append(child);
  });
  present.slice(wanted.length).forEach((child) => child.remove());
}

function show(id, ...children) {
  const wanted = h('div', null, ...children);
  morphChildren(document.getElementById(id), [...wanted.childNodes]);
}

/* ---- words and numbers ----------------------------------------------------------------------- */

const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const short = new Intl.NumberFormat('en', {maximumSignificantDigits: 3, notation: 'compact'});

const count = (n) => (n === null || n === undefined ? '–' : whole.format(n));
const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1024 && unit + 1 < units.length) {
    n /= 1024;
    unit++;
  }
  return `${unit === 0 ? n : n.toFixed(1)} ${units[unit]}`;
}

function duration(us) {
  const s = us / 1e6;
  if (s < 0.001) return `${Math.round(us)} µs`;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 120) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}

const two = (n) => String(n).padStart(2, '0');
const localTime = (d) => `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;

function instant(us) {
  const date = new Date(us / 1000);
  return h('time', {datetime: date.toISOString(), title: `${date.toISOString()} (UTC)`},
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${localTime(date)}`);
}

/* ---- rates from one snapshot to the next ----------------------------------------------------- */

const past = []; // {at, values: Map of key to number}

const keyOf = (kind, thing, counter) => JSON.stringify([kind, thing.pipeline, thing.name ?? thing.topic, counter]);

function remember(status) {
  const values = new Map();
  for (const source of status.sources) {
    values.set(keyOf('source', source, 'fetched'), source.fetched);
    values.set(keyOf('source', source, 'accepted'), source.accepted);
    values.set(keyOf('source', source, 'logged'), source.accepted - source.capture.lag);
  }
  for (const flow of status.flows) {
    values.set(keyOf('flow', flow, 'ended'), ended(flow));
  }
  past.push({at: status.now_us, values});
  if (past.length > HISTORY) past.shift();
}

const ended = (flow) => flow.stored + flow.filtered + flow.late + flow.dead;

function rateBetween(from, to, key) {
  const a = from?.values.get(key);
  const b = to?.values.get(key);
  const seconds = (to?.at - from?.at) / 1e6;
  return a === undefined || b === undefined || !(seconds > 0) ? null : Math.max(0, (b - a) / seconds);
}

function rate(key) {
  const newest = past.at(-1);
  const from = past.find((p) => newest.at - p.at <= RATE_SECONDS * 1e6 + 5e5);
  return from === newest ? null : rateBetween(from, newest, key);
}

const rateText = (perSecond) =>
  perSecond === null ? '…/s' : `${perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : short.format(perSecond)}/s`;

function spark(key, label) {
  const rates = past.slice(1).map((p, i) => rateBetween(past[i], p, key) ?? 0);
  const top = Math.max(1, ...rates);
  const points = rates.map((r, i) =>
    `${((HISTORY - rates.length + i) * 100 / HISTORY).toFixed(1)},${(25 - 24 * r / top).toFixed(1)}`);
  return h('svg', {class: 'spark', viewBox: '0 0 100 26', preserveAspectRatio: 'none', role: 'img',
    'aria-label': `${label}, last two minutes, at most ${rateText(top)}`},
    h('polyline', {points: points.join(' ')}));
}

/* ---- the flow -------------------------------------------------------------------------------- */

const marks = {good: '●', idle: '○', warn: '▲', bad: '■'};

function mark(kind, word) {
  return h('span', {class: kind === 'idle' ? 'faint' : kind}, `${marks[kind]} ${word}`);
}

function sourceState(source, now) {
  const until = source.until_us && source.until_us > now ? ` for ${duration(source.until_us - now)}` : '';
  switch (source.state) {
  case 'fetching': return mark('good', 'fetching');
  case 'waiting': return mark('idle', until ? `next fetch in ${duration(source.until_us - now)}` : 'waiting');
  case 'rate-limited': return mark('warn', `rate limit${until}`);
  case 'retrying': return mark('bad', `failed ${source.failures}×, tries again${until.replace(' for ', ' in ')}`);
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

function edge(perSecond, lag, what) {
  const moving = perSecond > 0;
  return h('div', {class: moving ? 'edge moving' : 'edge'},
    h('span', null, rateText(perSecond)),
    h('span', {class: 'arrow', 'aria-hidden': 'true'}, '⟶'),
    lag === null || lag === undefined ? h('span') :
      h('span', {class: lag > 0 ? 'warn' : 'faint', title: what},
        lag > 0 ? `▲ lag ${count(lag)}` : 'lag 0'));
}

function card(kind, name, trouble, ...children) {
  return h('article', {class: trouble ? 'card trouble' : 'card'},
    h('p', {class: 'kind'}, kind), h('h3', null, name), children);
}

function sourceCards(source, now) {
  const capture = source.capture;
  return [
    card('SOURCE', source.name, source.fault,
      h('p', {class: 'big'}, count(source.fetched)),
      h('p', null, `fetched in ${plural(source.requests, 'request', 'requests')}`),
      h('p', null, sourceState(source, now)),
      h('p', {class: 'faint'}, source.fetched_at_us
        ? `newest page ${duration(Math.max(0, now - source.fetched_at_us))} ago` : 'nothing fetched yet'),
      source.address && h('p', {class: 'faint'}, source.address),
      spark(keyOf('source', source, 'fetched'), 'fetched')),
    edge(rate(keyOf('source', source, 'accepted')), null),
    card('STAGING', 'accepted', capture.fault,
      h('p', {class: 'big'}, count(source.accepted)),
      h('p', null, `${count(source.unchanged)} unchanged`),
      h('p', {class: source.dead > 0 ? 'bad' : null}, `${source.dead > 0 ? '■ ' : ''}${count(source.dead)} refused`),
      h('p', null, capture.fault ? mark('bad', capture.state)
        : mark(capture.state === 'sending' ? 'good' : 'idle', `capture ${capture.state}`))),
    edge(rate(keyOf('source', source, 'logged')), capture.lag, 'staged, and not yet in the topic'),
  ];
}

function topicCard(name, status) {
  const topic = status.topics.find((t) => t.name === name);
  return card('TOPIC', name, false,
    topic ? [
      h('p', {class: 'big'}, count(topic.records)),
      h('p', null, `records in ${plural(topic.partitions.length, 'partition', 'partitions')}`),
      h('p', {class: 'faint'}, bytes(topic.size_bytes)),
    ] : h('p', {class: 'faint'}, status.log_embedded ? 'not there yet' : `on ${status.addresses.kafka}`));
}

function streamBranch(flow, stream) {
  return h('div', {class: 'branch'},
    card('STREAM', stream.name, flow.fault,
      h('p', null, flowState(flow)),
      h('details', null, h('summary', null, 'SQL'), h('pre', null, stream.sql.trim()))),
    edge(rate(keyOf('flow', flow, 'ended')), null),
    h('div', {class: 'tables'}, stream.sinks.length === 0
      ? card('TABLE', 'none', false, h('p', {class: 'faint'}, 'no sink takes this stream'))
      : stream.sinks.map((sink) => card('TABLE', sink.table ?? sink.name, false,
        sink.table && h('p', null, 'query it:'),
        sink.table && h('p', null, h('code', null, `leat query "SELECT * FROM ${sink.table}"`))))));
}

function fateLine(flow, now) {
  return h('p', {class: 'faint'},
    `${count(flow.stored)} stored, ${count(flow.filtered)} filtered, ${count(flow.late)} late, ` +
    `${count(flow.dead)} dead`,
    flow.stored > 0 && `; newest batch stored ${duration(flow.latency_us)} after acceptance`,
    flow.groups > 0 && `; ${plural(flow.groups, 'group', 'groups')} in ${bytes(flow.state_bytes)} of state`,
    flow.watermark_us !== null && `; watermark ${duration(Math.max(0, now - flow.watermark_us))} behind`);
}

function lane(status, flow) {
  const source = status.sources.find((s) => s.pipeline === flow.pipeline && s.topic === flow.topic);
  return [
    h('div', {class: 'lane'},
      source && sourceCards(source, status.now_us),
      topicCard(flow.topic, status),
      edge(rate(keyOf('flow', flow, 'ended')), flow.lag, 'in the topic, and not yet stored'),
      h('div', {class: 'branches'}, flow.streams.length === 0
        ? card('STREAM', 'none', false, h('p', {class: 'faint'}, flow.waits_for_schema
          ? 'the first fetched page brings the schema' : 'no stream reads this topic'))
        : flow.streams.map((stream) => streamBranch(flow, stream)))),
    fateLine(flow, status.now_us),
  ];
}

function drawFlow(status) {
  const pipelines = [...new Set(status.flows.map((flow) => flow.pipeline))];
  show('flow', pipelines.length === 0
    ? h('p', {class: 'empty'}, 'No pipeline runs. Start one: ', h('code', null, 'leat up FILE'))
    : pipelines.map((name) => [
      pipelines.length > 1 && h('h3', null, name),
      status.flows.filter((flow) => flow.pipeline === name).map((flow) => lane(status, flow)),
    ]));
}

/* ---- the rest -------------------------------------------------------------------------------- */

function drawState(status) {
  const words = {running: ['good', 'running'], draining: ['warn', 'draining'], failed: ['bad', 'failed']};
  const [kind, word] = words[status.state] ?? ['idle', status.state];
  const troubled = status.problems.length;
  show('state', kind === 'good' && troubled > 0
    ? mark('bad', plural(troubled, 'problem', 'problems')) : mark(kind, word));
  show('file', status.file, ` · up ${duration(status.now_us - status.started_us)}`);
  document.title = `${troubled > 0 ? '■ ' : ''}leat · ${status.flows[0]?.pipeline ?? 'no pipeline'}`;
}

const kinds = {source: 'Source', capture: 'Staging of', flow: 'Streams over', process: 'leat'};

function drawProblems(status) {
  show('problems', status.problems.map((problem) => h('div', {class: 'notice'},
    h('strong', null, `■ ${kinds[problem.kind] ?? problem.kind} ${problem.name ?? ''}`),
    problem.message,
    problem.hint && h('span', {class: 'hint'}, `→ ${problem.hint}`))));
}

function sumLine(left, right, inFlight) {
  const term = ([word, n]) => h('span', {class: 'term'}, h('b', null, count(n)), h('span', null, word));
  const total = right.reduce((sum, [, n]) => sum + n, 0) + inFlight;
  const all = inFlight > 0 ? [...right, ['in flight', inFlight]] : right;
  return h('p', {class: 'sum'}, term(left),
    h('span', {class: 'sign'}, total === left[1] ? '=' : '≈'),
    all.map((entry, i) => [i > 0 && h('span', {class: 'sign'}, '+'), term(entry)]),
    total === left[1] ? mark('good', inFlight > 0 ? 'true so far' : 'true') : mark('warn', 'moving'));
}

function drawSum(status) {
  const t = status.totals;
  const staged = t.accepted - t.foreign;
  show('sum',
    sumLine(['fetched', t.fetched], [['accepted', staged], ['unchanged', t.unchanged], ['dead', t.refused]], 0),
    sumLine(['accepted', t.accepted],
      [['stored', t.stored], ['filtered', t.filtered], ['late', t.late], ['dead', t.dead]], t.in_flight));
}

function table(heads, rows) {
  const numeric = (head) => (head.endsWith('#') ? 'number' : null);
  return h('div', {class: 'scroll'}, h('table', null,
    h('thead', null, h('tr', null, heads.map((head) =>
      h('th', {class: numeric(head), scope: 'col'}, head.replace('#', ''))))),
    h('tbody', null, rows.map((row) => h('tr', null, row.map((cell, i) =>
      h('td', {class: numeric(heads[i])}, cell)))))));
}

function drawTopics(status) {
  show('topics', status.topics.length === 0
    ? h('p', {class: 'empty'},
      status.log_embedded ? 'No topic yet. List them: ' : 'A server of its own has them. List them: ',
      h('code', null, `kcat -b ${status.addresses.kafka} -L`))
    : table(['topic', 'partitions#', 'records#', 'size#', 'offsets'], status.topics.map((topic) => [
      topic.name, count(topic.partitions.length), count(topic.records), bytes(topic.size_bytes),
      topic.partitions.slice(0, 12).map((p) => `${p.partition}: ${p.log_start}–${p.high_watermark}`).join(' · ') +
        (topic.partitions.length > 12 ? ' · …' : ''),
    ])));
}

function drawGroups(status) {
  const topic = status.topics[0]?.name ?? status.flows[0]?.topic ?? 'TOPIC';
  show('groups', status.groups.length === 0
    ? h('p', {class: 'empty'}, status.log_embedded
      ? 'No consumer group yet. Any Kafka client makes one: ' : 'The server of the log has them. Read as one: ',
      h('code', null, `kcat -b ${status.addresses.kafka} -G my-group ${topic}`))
    : table(['group', 'state', 'members#', 'lag#'], status.groups.map((group) => [
      group.id, group.state, count(group.members),
      group.lag > 0 ? h('span', {class: 'warn'}, `▲ ${count(group.lag)}`) : '0',
    ])));
}

// A kind of letters, tried again by the queries of now.
function retryButton(letter) {
  const filter = JSON.stringify({hop: letter.hop, name: letter.name, reason: letter.reason});
  return [h('button', {type: 'button', 'data-retry': filter}, 'try again'),
    h('p', {class: 'faint', role: 'status'}, retryResults.get(filter) ?? '')];
}

const retryResults = new Map();

async function retry(filter) {
  retryResults.set(filter, 'trying…');
  try {
    const reply = await fetch('/api/v1/dead/retry',
      {method: 'POST', headers: {'Content-Type': 'application/json'}, body: filter});
    const answer = await reply.json();
    retryResults.set(filter, reply.ok
      ? `${count(answer.resolved)} of ${count(answer.tried)} passed` : answer.error.message);
  } catch {
    retryResults.set(filter, 'no answer from leat');
  }
  deadSeen = null;
}

document.addEventListener('click', (event) => {
  const filter = event.target.dataset?.retry;
  if (filter) void retry(filter);
});

/* Letters are asked for only when their number changed: most of the time there are none. */
let deadSeen = null;
let deadLetters = [];

async function drawDead(status) {
  const t = status.totals;
  if (t.dead + t.refused !== deadSeen) {
    deadSeen = t.dead + t.refused;
    try {
      const reply = await fetch('/api/v1/dead?limit=1000');
      if (reply.ok) deadLetters = await reply.json();
      else deadSeen = null;
    } catch {
      deadSeen = null;
    }
  }
  if (t.dead + t.refused === 0 && deadLetters.length === 0) {
    show('dead', h('p', {class: 'empty'}, mark('good', 'none'),
      '. A record that cannot be taken, decoded or stored is kept and counted here.'));
    return;
  }
  const kinds = new Map();
  for (const letter of deadLetters) {
    const key = JSON.stringify([letter.hop, letter.pipeline, letter.name, letter.reason]);
    const kind = kinds.get(key) ?? {n: 0};
    kinds.set(key, {n: kind.n + 1, last: letter});
  }
  show('dead',
    h('p', null, `${count(t.refused)} refused at the source, ${count(t.dead)} by a stream or a table.`),
    kinds.size > 0 && table(['hop', 'at', 'reason', 'kept#', 'newest', ''], [...kinds.values()].map(({n, last}) => [
      last.hop, last.name, last.reason, count(n),
      h('div', null, last.message, h('p', {class: 'faint'}, last.place ?? '', ' ', last.at_us && instant(last.at_us)),
        h('details', null, h('summary', null, last.raw_hex ? 'raw bytes' : 'raw record'),
          h('pre', null, (last.raw ?? last.raw_hex ?? '').slice(0, 2000)))),
      last.hop === 'source'
        ? h('span', {class: 'faint'}, 'tried when its source brings it again') : h('div', null, retryButton(last)),
    ])),
    h('p', {class: 'empty'}, 'List them all, and try them again once the cause is mended: ',
      h('code', null, 'leat dead list'), ' ', h('code', null, 'leat dead retry')));
}

// An address of ours is HOST:PORT, of another's server a URL.
const urlOf = (address) => (address.includes('://') ? address : `http://${address}`);

function drawAbout(status) {
  const entry = (word, value) => h('div', null, h('dt', null, word), h('dd', null, value));
  show('about', h('dl', null,
    entry('version', status.version), entry('kafka', status.addresses.kafka),
    entry('registry', urlOf(status.addresses.registry)), entry('console', `http://${status.addresses.http}`),
    entry('data', status.data), entry('pid', String(status.pid)), entry('started', instant(status.started_us))),
  h('p', {class: 'links'}, h('a', {href: '/metrics'}, 'metrics'), ' · ',
    h('a', {href: '/api/v1/status'}, 'status as JSON'), ' · ',
    h('a', {href: '/api/v1/openapi.json'}, 'API')));
}

function draw(status) {
  remember(status);
  drawState(status);
  drawProblems(status);
  drawFlow(status);
  drawSum(status);
  drawTopics(status);
  drawGroups(status);
  drawAbout(status);
  void drawDead(status);
  document.body.dataset.ready = 'true';
}

/* ---- the stream ------------------------------------------------------------------------------ */

let lastSeen = Date.now();

function listen() {
  const events = new EventSource('/api/v1/events');
  events.addEventListener('status', (event) => {
    lastSeen = Date.now();
    draw(JSON.parse(event.data));
  });
  // Too slow, or a tab that slept: come back with a fresh snapshot.
  events.addEventListener('dropped', () => {
    events.close();
    setTimeout(listen, 1000);
  });
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

function tick() {
  const now = new Date();
  show('clock', `${localTime(now)} local · ${now.toISOString().slice(11, 19)} UTC`);
  const silent = Date.now() - lastSeen;
  if (silent > 4000) {
    show('state', mark('bad', `no word from leat for ${duration(silent * 1000)}`));
    document.title = '■ leat · no contact';
  }
}

listen();
tick();
setInterval(tick, 1000);
