// Words and numbers.

import {h} from './dom.js';

const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const short = new Intl.NumberFormat('en', {maximumSignificantDigits: 3, notation: 'compact'});

export const count = (n) => (n === null || n === undefined ? '–' : whole.format(n));
export const compact = (n) => (n === null || n === undefined ? '–' : short.format(n));
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many ?? `${one}s`}`;

export function bytes(n) {
  if (n === null || n === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1024 && unit + 1 < units.length) {
    n /= 1024;
    unit++;
  }
  return `${unit === 0 ? n : n.toFixed(1)} ${units[unit]}`;
}

export function duration(us) {
  if (us === null || us === undefined) return '–';
  const s = us / 1e6;
  if (s < 0.001) return `${Math.round(us)} µs`;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 120) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}

export const perSecond = (rate) =>
  rate === null || rate === undefined ? '…/s'
    : `${rate > 0 && rate < 10 ? rate.toFixed(1) : short.format(rate)}/s`;

/* ---- time: local or UTC, as the reader chose ---------------------------------------------------- */

export const clock = {utc: localStorage.getItem('leat.utc') === 'true'};

const two = (n) => String(n).padStart(2, '0');

function fields(date) {
  return clock.utc
    ? [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(),
      date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds()]
    : [date.getFullYear(), date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(),
      date.getSeconds(), date.getMilliseconds()];
}

export function timeOfDay(date, seconds = true) {
  const [, , , hour, minute, second] = fields(date);
  return `${two(hour)}:${two(minute)}${seconds ? `:${two(second)}` : ''}`;
}

// A time in ms as an element; what no calendar holds is shown as the number it is.
export function instant(ms, withMillis = false) {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return String(ms);
  const [year, month, day, hour, minute, second, milli] = fields(date);
  return h('time', {datetime: date.toISOString(), title: `${date.toISOString()} (UTC)`},
    `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}` +
    (withMillis ? `.${String(milli).padStart(3, '0')}` : ''));
}
