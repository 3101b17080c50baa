// What the pages look at: the snapshot that one server-sent stream brings each second, answers of the
// API, and where the reader is. `changed` draws again.

export const live = {
  status: null,
  past: [], // {at, values}: counters of the last two minutes, for rates
  heardAt: Date.now(),
  draw: () => {},
  refused: () => {}, // the stream ended for good: perhaps a login is needed
};

let waiting = false;

export function changed() {
  if (waiting) return;
  waiting = true;
  queueMicrotask(() => {
    waiting = false;
    live.draw();
  });
}

/* ---- rates ------------------------------------------------------------------------------------ */

const RATE_SECONDS = 10;
const PAST = 120;

export const ended = (flow) => flow.stored + flow.filtered + flow.late + flow.dead;
export const keyOf = (kind, thing, counter) =>
  [kind, thing.pipeline, thing.name ?? thing.topic, counter].join('/');

function remember(status) {
  const values = new Map();
  for (const source of status.sources) {
    values.set(keyOf('source', source, 'fetched'), source.fetched);
    values.set(keyOf('source', source, 'accepted'), source.accepted);
    values.set(keyOf('source', source, 'logged'), source.accepted - source.capture.lag);
  }
  for (const flow of status.flows) values.set(keyOf('flow', flow, 'ended'), ended(flow));
  for (const topic of status.topics) {
    values.set(`topic/${topic.name}/in`, topic.partitions.reduce((sum, p) => sum + p.high_watermark, 0));
  }
  live.past.push({at: status.now_us, values});
  if (live.past.length > PAST) live.past.shift();
}

// Per second over the last few; null while only one snapshot is known.
export function rate(key) {
  const newest = live.past.at(-1);
  const from = live.past.find((p) => newest.at - p.at <= RATE_SECONDS * 1e6 + 5e5);
  if (!newest || from === newest) return null;
  const a = from.values.get(key);
  const b = newest.values.get(key);
  const seconds = (newest.at - from.at) / 1e6;
  return a === undefined || b === undefined || !(seconds > 0) ? null : Math.max(0, (b - a) / seconds);
}

/* ---- the stream ------------------------------------------------------------------------------- */

export function listen() {
  const events = new EventSource('/api/v1/events');
  events.addEventListener('status', (event) => {
    live.heardAt = Date.now();
    live.status = JSON.parse(event.data);
    remember(live.status);
    changed();
  });
  // Too slow, or a tab that slept: come back with a fresh snapshot.
  events.addEventListener('dropped', () => {
    events.close();
    setTimeout(listen, 1000);
  });
  events.addEventListener('error', async () => {
    if (events.readyState !== EventSource.CLOSED) return;
    const {login, user} = (await live.refused()) ?? {};
    if (!login || user) setTimeout(listen, 2000);
  });
}

/* ---- the API ---------------------------------------------------------------------------------- */

export class ApiError extends Error {
  constructor(error, status) {
    super(error.message);
    this.hint = error.hint;
    this.status = status;
  }
}

export async function api(path, {method = 'GET', body, signal} = {}) {
  let reply;
  try {
    reply = await fetch(path, {
      method,
      signal,
      headers: body === undefined ? {} : {'Content-Type': 'application/json'},
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (failure) {
    if (failure.name === 'AbortError') throw failure;
    throw new ApiError({message: 'no answer from leat', hint: 'look whether it still runs'}, 0);
  }
  const text = await reply.text();
  let answer;
  try {
    answer = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ApiError({message: `leat answered ${reply.status} with something that is no JSON`}, reply.status);
  }
  if (reply.status === 401 && path !== '/api/v1/session') live.refused();
  if (!reply.ok) throw new ApiError(answer.error ?? {message: `leat answered ${reply.status}`}, reply.status);
  return answer;
}

// Lines of JSON as they come.
export async function* lines(path, signal) {
  const reply = await fetch(path, {signal});
  if (!reply.ok) {
    const answer = await reply.json();
    throw new ApiError(answer.error, reply.status);
  }
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const line of parts) yield JSON.parse(line);
  }
}

// An answer that a page shows: {data, error}, asked for when it is first used and then again every
// `everyMs` while it is used.
const answers = new Map();

export function use(path, everyMs = Infinity) {
  let entry = answers.get(path);
  if (!entry) {
    entry = {data: null, error: null, askedAt: 0, asking: false};
    answers.set(path, entry);
  }
  entry.usedAt = Date.now();
  if (!entry.asking && Date.now() - entry.askedAt >= (entry.askedAt === 0 ? 0 : everyMs)) {
    entry.asking = true;
    entry.askedAt = Date.now();
    api(path).then(
      (data) => Object.assign(entry, {data, error: null}),
      (error) => Object.assign(entry, {error}),
    ).finally(() => {
      entry.asking = false;
      changed();
    });
  }
  return entry;
}

// What was asked before is asked again at its next use.
export function stale(prefix) {
  for (const [path, entry] of answers) {
    if (path.startsWith(prefix)) entry.askedAt = 0;
  }
  changed();
}

export function forgetUnused() {
  for (const [path, entry] of answers) {
    if (!entry.asking && Date.now() - entry.usedAt > 10000) answers.delete(path);
  }
}

/* ---- where the reader is: #/topics/users_created?tab=records ------------------------------------ */

export function here() {
  const [path, query = ''] = location.hash.slice(1).split('?');
  return {
    parts: path.split('/').filter(Boolean).map(decodeURIComponent),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

export function link(parts, query = {}) {
  const set = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  const text = new URLSearchParams(set).toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

// Changes some of the query and leaves the rest; a new step in the history only if asked for.
export function setQuery(change, step = false) {
  const {parts, query} = here();
  const target = link(parts, {...query, ...change});
  if (step) location.hash = target;
  else {
    history.replaceState(null, '', target);
    changed();
  }
}

export const go = (parts, query) => {
  location.hash = link(parts, query);
};
