// Lines over time, from the history that leat keeps. Gaps are gaps.

import {h} from './dom.js';
import {compact, timeOfDay} from './format.js';

const WIDTH = 600;
const HEIGHT = 150;
const LEFT = 46;
const BOTTOM = 20;
const TOP = 8;

export const spans = [['15m', '15 min'], ['1h', '1 hour'], ['6h', '6 hours'], ['24h', '24 hours']];

function niceTop(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value);
}

// Runs of numbers between gaps, as the points of polylines.
function runs(values, x, y) {
  const found = [];
  let run = null;
  values.forEach((value, i) => {
    if (value === null) {
      run = null;
      return;
    }
    if (!run) found.push(run = []);
    run.push(`${x(i).toFixed(1)},${y(value).toFixed(1)}`);
  });
  return found.map((points) => (points.length === 1 ? [points[0], points[0]] : points).join(' '));
}

const hover = new Map(); // title -> index of the step under the pointer

// lines: [{name, values, kind: 1..4}], all of one length; `show` makes the text of a value.
export function chart(title, history, lines, show = compact, redraw = () => {}) {
  const steps = Math.max(1, ...lines.map((line) => line.values.length));
  const known = lines.flatMap((line) => line.values.filter((v) => v !== null));
  const top = niceTop(Math.max(0, ...known));
  const x = (i) => LEFT + (WIDTH - LEFT - 6) * (steps === 1 ? 0 : i / (steps - 1));
  const y = (value) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value / top);
  const at = (i) => new Date((history.from_us + i * history.step_us) / 1000);
  const marked = hover.get(title);
  const shown = marked !== undefined && marked < steps ? marked : null;
  const newest = (line) => line.values.findLast((v) => v !== null) ?? null;
  const label = `${title}: ${lines.map((line) => `${line.name} now ${show(newest(line))}, at most ` +
    `${show(Math.max(0, ...line.values.filter((v) => v !== null)))}`).join('; ')}`;
  const move = (event, svg) => {
    const box = svg.getBoundingClientRect();
    const place = (event.clientX - box.left) / box.width * WIDTH;
    hover.set(title, Math.max(0, Math.min(steps - 1, Math.round((place - LEFT) / (WIDTH - LEFT - 6) * (steps - 1)))));
    redraw();
  };
  return h('figure', {class: 'chart'},
    h('figcaption', null, h('strong', null, title),
      h('span', {class: 'legend'}, lines.map((line) => h('span', {class: `key line${line.kind}`},
        `${line.name} `, h('b', null, show(shown === null ? newest(line) : line.values[shown])))),
      h('span', {class: 'faint'}, shown === null ? 'now' : timeOfDay(at(shown))))),
    known.length === 0
      ? h('p', {class: 'empty'}, 'Nothing recorded in this time yet; it fills up from now on.')
      : h('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label, onpointermove: move,
        onpointerleave: () => {
          hover.delete(title);
          redraw();
        }},
      [0, 0.5, 1].map((part) => [
        h('line', {class: 'grid', x1: LEFT, x2: WIDTH - 6, y1: y(top * part), y2: y(top * part)}),
        h('text', {x: LEFT - 6, y: y(top * part) + 4, 'text-anchor': 'end'}, show(top * part)),
      ]),
      [0, 0.25, 0.5, 0.75, 1].map((part) => h('text', {
        x: x(part * (steps - 1)), y: HEIGHT - 4, 'text-anchor': part === 0 ? 'start' : part === 1 ? 'end' : 'middle',
      }, timeOfDay(at(Math.round(part * (steps - 1))), false))),
      lines.map((line) => runs(line.values, x, y).map((points) =>
        h('polyline', {class: `line line${line.kind}`, points}))),
      shown !== null && h('line', {class: 'cursor', x1: x(shown), x2: x(shown), y1: TOP, y2: HEIGHT - BOTTOM})));
}

export function spark(values, label) {
  const top = Math.max(1e-9, ...values.filter((v) => v !== null));
  const points = runs(values, (i) => i * 100 / Math.max(1, values.length - 1), (v) => 22 - 20 * v / top);
  return h('svg', {class: 'spark', viewBox: '0 0 100 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': label},
    points.map((run) => h('polyline', {points: run})));
}
