// Who you are. With a users file leat asks for a login before it shows anything.

import {h, show} from './dom.js';
import {ApiError, api, changed, listen, live} from './live.js';

export const session = {login: false, user: null, role: 'admin'};

let open = false;
let failed = null;
let busy = false;

async function enter(event, form) {
  event.preventDefault();
  const {user, password} = Object.fromEntries(new FormData(form));
  busy = true;
  failed = null;
  changed();
  try {
    Object.assign(session, await api('/api/v1/session', {method: 'POST', body: {user, password}}));
    open = false;
    form.reset();
    listen();
  } catch (error) {
    failed = error instanceof ApiError ? error.message : String(error);
  }
  busy = false;
  changed();
}

export async function leave() {
  await api('/api/v1/session', {method: 'DELETE'});
  location.reload();
}

// Asks who we are; the form stands there if that is nobody.
export async function lookUp() {
  try {
    Object.assign(session, await api('/api/v1/session'));
  } catch {
    return null; // no contact: the top bar says so
  }
  const needed = session.login && session.user === null;
  if (needed && !open) live.status = null;
  open = needed;
  changed();
  return session;
}

// True while the form is what the page shows.
export function drawLogin(main) {
  if (!open) return false;
  show(main, h('form', {class: 'login panel', 'data-key': 'login', onsubmit: enter},
    h('h1', null, 'Log in'),
    h('label', {class: 'field'}, h('span', null, 'Name'),
      h('input', {name: 'user', autocomplete: 'username', required: true, maxlength: 63})),
    h('label', {class: 'field'}, h('span', null, 'Password'),
      h('input', {name: 'password', type: 'password', autocomplete: 'current-password', required: true, maxlength: 1024})),
    h('p', {class: failed ? 'problem' : 'faint', role: 'alert'}, failed ? `■ ${failed}` : 'Users are made by leat user add.'),
    h('div', {class: 'actions'}, h('button', {type: 'submit', class: 'primary', disabled: busy}, busy ? 'looking…' : 'Log in'))));
  document.body.dataset.ready = 'true';
  return true;
}
