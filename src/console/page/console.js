// The frame: rail, top bar, keyboard, and which page is shown.

import {h, show} from './dom.js';
import {clock, duration, plural, timeOfDay} from './format.js';
import {changed, forgetUnused, go, here, link, listen, live} from './live.js';
import {command, mark} from './parts.js';
import {alerts} from './alerts.js';
import {dead} from './dead.js';
import {groups} from './groups.js';
import {drawLogin, leave, lookUp, session} from './login.js';
import {overview} from './overview.js';
import {engines, pipelines} from './pipelines.js';
import {schemas} from './schemas.js';
import {tables} from './tables.js';
import {topics} from './topics.js';

const pages = [
  {id: '', words: 'Overview', key: 'o', icon: 'M3 12h5l3-7 4 14 3-7h3', view: overview},
  {id: 'pipelines', words: 'Pipelines', key: 'p', icon: 'M4 6h6v4H4zM14 14h6v4h-6zM7 10v6h7', view: pipelines},
  {id: 'topics', words: 'Topics', key: 't', icon: 'M4 6h16M4 12h16M4 18h10', view: topics},
  {id: 'groups', words: 'Groups', key: 'g', icon: 'M12 5v14M5 9l7-4 7 4M5 15l7 4 7-4', view: groups},
  {id: 'schemas', words: 'Schemas', key: 's', icon: 'M8 4H5v16h3M16 4h3v16h-3M9 12h6', view: schemas},
  {id: 'dead', words: 'Dead letters', key: 'd', icon: 'M4 6h16v12H4zM4 7l8 6 8-6', view: dead},
  {id: 'tables', words: 'Tables', key: 'q', icon: 'M4 5h16v14H4zM4 10h16M10 5v14', view: tables},
  {id: 'alerts', words: 'Alerts', key: 'a', icon: 'M12 4a5 5 0 0 0-5 5v4l-2 3h14l-2-3V9a5 5 0 0 0-5-5M10 19h4', view: alerts},
  {id: 'engines', words: 'Engines', key: 'e', icon: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 3v3M12 18v3M3 12h3M18 12h3', view: engines},
];

const current = () => pages.find((page) => page.id === (here().parts[0] ?? '')) ?? null;

/* ---- light and dark ----------------------------------------------------------------------------- */

const themes = ['auto', 'light', 'dark'];
let theme = localStorage.getItem('leat.theme') ?? 'auto';

function applyTheme() {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function nextTheme() {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  localStorage.setItem('leat.theme', theme);
  applyTheme();
  changed();
}

function toggleUtc() {
  clock.utc = !clock.utc;
  localStorage.setItem('leat.utc', String(clock.utc));
  changed();
}

/* ---- frame -------------------------------------------------------------------------------------- */

function badge(id) {
  const status = live.status;
  if (id === '' && status.problems.length > 0) {
    const severe = status.problems.some((problem) => problem.severity === 'error');
    return h('span', {class: `badge ${severe ? 'bad' : 'warn'}`, title: 'problems'}, String(status.problems.length));
  }
  const dead = status.totals.dead + status.totals.refused;
  if (id === 'dead' && dead > 0) return h('span', {class: 'badge warn', title: 'refused records'}, dead > 999 ? '999+' : String(dead));
  return null;
}

function drawRail() {
  const page = current();
  show(document.getElementById('rail'),
    h('a', {class: 'brand', href: '#/'}, h('img', {src: '/page/icon.svg', alt: '', width: 26, height: 26}), 'leat'),
    pages.map(({id, words, key, icon}) => h('a', {href: `#/${id}`, 'aria-current': page?.id === id ? 'page' : null, title: `g ${key}`},
      h('svg', {viewBox: '0 0 24 24', 'aria-hidden': 'true'}, h('path', {d: icon})),
      h('span', {class: 'words'}, words), live.status && badge(id))),
    h('div', {class: 'foot'}, h('a', {href: '/api/v1/openapi.json'}, 'API'), h('a', {href: '/metrics'}, 'Metrics'),
      session.user && h('button', {type: 'button', id: 'leave', onclick: leave, title: `role ${session.role}`}, `Log out ${session.user}`)));
}

function stateMark() {
  const silent = Date.now() - live.heardAt;
  if (silent > 4000) return mark('bad', `no word from leat for ${duration(silent * 1000)}`);
  const status = live.status;
  if (!status) return mark('idle', 'connecting');
  const severe = status.problems.filter((problem) => problem.severity === 'error').length;
  if (status.state === 'running' && severe > 0) return mark('bad', plural(severe, 'problem'));
  if (status.state === 'running' && status.problems.length > 0) return mark('warn', plural(status.problems.length, 'warning'));
  const [kind, word] = {running: ['good', 'running'], draining: ['warn', 'draining'], failed: ['bad', 'failed']}[status.state] ??
    ['idle', status.state];
  return mark(kind, word);
}

function drawTop() {
  const now = new Date();
  const status = live.status;
  show(document.getElementById('top'),
    h('p', {id: 'state', role: 'status'}, stateMark()),
    h('p', {id: 'file', class: 'faint'}, status && `${status.file} · up ${duration(status.now_us - status.started_us)}`),
    h('form', {class: 'search', role: 'search', onsubmit: search},
      h('input', {id: 'search', type: 'search', placeholder: 'Go to a topic, group, table…  ( / )', 'aria-label': 'Go to',
        autocomplete: 'off', list: 'places', oninput: jump}),
      h('datalist', {id: 'places'}, places().map((place) => h('option', {value: place.words})))),
    h('button', {type: 'button', id: 'clock', onclick: toggleUtc, title: 'local or UTC'},
      `${timeOfDay(now)} ${clock.utc ? 'UTC' : 'local'}`),
    h('button', {type: 'button', id: 'theme', onclick: nextTheme, title: 'auto, light or dark'}, `${theme} colours`),
    h('button', {type: 'button', id: 'help-button', onclick: help, 'aria-label': 'Help'}, '?'));
}

/* ---- search ------------------------------------------------------------------------------------- */

function places() {
  const status = live.status;
  if (!status) return [];
  return [
    ...pages.map((page) => ({words: page.words, hash: `#/${page.id}`})),
    ...status.topics.map((topic) => ({words: `topic ${topic.name}`, hash: link(['topics', topic.name])})),
    ...status.groups.map((group) => ({words: `group ${group.id}`, hash: link(['groups', group.id])})),
    ...status.flows.flatMap((flow) => flow.streams).flatMap((stream) => stream.sinks).filter((sink) => sink.table)
      .map((sink) => ({words: `table ${sink.table}`, hash: link(['tables'], {sql: `SELECT * FROM ${sink.table} LIMIT 100`})})),
  ];
}

function visit(place, input) {
  location.hash = place.hash;
  input.value = '';
  input.blur();
}

function search(event, form) {
  event.preventDefault();
  const input = form.querySelector('input');
  const text = input.value.trim().toLowerCase();
  const found = text && (places().find((place) => place.words.toLowerCase() === text) ??
    places().find((place) => place.words.toLowerCase().includes(text)));
  if (found) visit(found, input);
}

// A place that was picked from the list comes as one input event.
function jump(event, input) {
  const place = places().find((candidate) => candidate.words === input.value);
  if (place && (event.inputType === 'insertReplacementText' || event.inputType === undefined)) visit(place, input);
}

/* ---- keyboard ----------------------------------------------------------------------------------- */

let helpOpen = false;

function help() {
  helpOpen = !helpOpen;
  drawHelp();
  if (helpOpen) document.getElementById('help').showModal();
}

function drawHelp() {
  let place = document.getElementById('help-place');
  if (!place) {
    place = h('div', {id: 'help-place'});
    document.body.append(place);
  }
  const keys = [['/', 'search'], ['?', 'this help'], ['↑ ↓', 'move in a table'], ['Enter', 'open'],
    ['Esc', 'close'], ...pages.map((page) => [`g ${page.key}`, page.words])];
  show(place, helpOpen && h('dialog', {id: 'help', 'aria-labelledby': 'help-title', onclose: () => {
    helpOpen = false;
    drawHelp();
  }},
  h('form', {method: 'dialog'},
    h('h2', {id: 'help-title'}, 'Keys'),
    h('dl', {class: 'keys'}, keys.map(([key, words]) => h('div', null, h('dt', null, h('kbd', null, key)), h('dd', null, words)))),
    h('p', null, 'The same from a terminal: ', command('leat --help')),
    h('div', {class: 'actions'}, h('button', {class: 'primary'}, 'Close')))));
}

let goKey = 0;

function moveInTable(event) {
  const links = [...document.querySelectorAll('#main tbody a.row')];
  if (links.length === 0) return;
  const at = links.indexOf(document.activeElement);
  const next = event.key === 'ArrowDown' ? Math.min(links.length - 1, at + 1) : Math.max(0, at - 1);
  links[next].focus();
  event.preventDefault();
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.target.matches?.('input, textarea, select')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  const page = Date.now() - goKey < 1200 ? pages.find((candidate) => candidate.key === event.key) : null;
  goKey = event.key === 'g' ? Date.now() : 0;
  if (page) go([page.id].filter(Boolean));
  else if (event.key === '/') {
    event.preventDefault();
    document.getElementById('search').focus();
  } else if (event.key === '?') help();
  else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') moveInTable(event);
});

/* ---- drawing ------------------------------------------------------------------------------------ */

let drawn = '';

function draw() {
  drawRail();
  drawTop();
  const page = current();
  const main = document.getElementById('main');
  if (!drawLogin(main) && live.status) {
    const where = here().parts.join('/');
    show(main, page ? page.view(live.status, here())
      : h('p', {class: 'empty'}, 'There is no such page. ', h('a', {href: '#/'}, 'Overview')));
    if (drawn !== where) {
      if (drawn !== '') window.scrollTo(0, 0);
      drawn = where;
    }
    const severe = live.status.problems.some((problem) => problem.severity === 'error');
    const silent = Date.now() - live.heardAt > 4000;
    document.title = silent ? '■ leat · no contact'
      : `${severe ? '■ ' : ''}${page?.words ?? 'leat'} · leat`;
    document.body.dataset.ready = 'true';
  }
  forgetUnused();
}

applyTheme();
live.draw = draw;
live.refused = lookUp;
addEventListener('hashchange', changed);
listen();
lookUp();
draw();
setInterval(changed, 1000);
