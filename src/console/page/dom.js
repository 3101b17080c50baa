// Elements, and laying a newly made tree over the one that stands. Names and payloads come from
// outside and are only ever set as text or as attributes of our own choosing.

const SVG = 'http://www.w3.org/2000/svg';
const svgTags = new Set(['svg', 'path', 'polyline', 'polygon', 'line', 'rect', 'circle', 'text', 'g', 'title']);
const handlers = Symbol('handlers');

// h('button', {class: 'x', onclick: run}, 'text', [more]). Attributes that are null or false are left
// out; functions are handlers of the event that their name says.
export function h(tag, attributes, ...children) {
  const element = svgTags.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') (element[handlers] ??= {})[name.slice(2)] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(9)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

// One listener for all: the nearest element with a handler for the event gets it.
for (const type of ['click', 'input', 'change', 'submit', 'keydown', 'pointermove', 'pointerleave', 'toggle', 'close']) {
  document.addEventListener(type, (event) => {
    for (let at = event.target; at && at !== document; at = at.parentNode) {
      const run = at[handlers]?.[type];
      if (run && (type !== 'pointerleave' || at === event.target)) {
        run(event, at);
        return;
      }
    }
  }, true);
}

// Makes `old` look like `wanted` and leaves alone what is equal: focus, selection, scrolling and what
// a reader has typed or unfolded stay. An element with another data-key is another thing.
function morph(old, wanted) {
  if (old.nodeType !== wanted.nodeType || old.nodeName !== wanted.nodeName ||
      old.dataset?.key !== wanted.dataset?.key) {
    old.replaceWith(wanted);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  old[handlers] = wanted[handlers];
  for (const {name} of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  }
  for (const {name, value} of wanted.attributes) {
    if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
      if (name === 'value' && old !== document.activeElement) old.value = value;
    }
  }
  if (old.nodeName !== 'TEXTAREA') morphChildren(old, [...wanted.childNodes]);
}

function morphChildren(old, wanted) {
  const present = [...old.childNodes];
  wanted.forEach((child, i) => {
    if (i < present.length) morph(present[i], child);
    else old.append(child);
  });
  present.slice(wanted.length).forEach((child) => child.remove());
}

export function show(root, ...children) {
  const wanted = h('div', null, ...children);
  morphChildren(root, [...wanted.childNodes]);
}
