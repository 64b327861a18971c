// Follows the log of a running job: new lines come at the end, and the view stays there until the reader scrolls up.

import { splitSgr } from './sgr.js';

const MOST_LINES = 5000; // more than that makes a phone slow; the whole log is one link away
const NEAR_END_PX = 40;

const log = document.querySelector('#log');
const toEnd = document.querySelector('#to-end');
let next = Number(log.dataset.next);
let source = log.dataset.source;
let isPinned = location.hash === '';

function scrollToEnd() {
  log.scrollTop = log.scrollHeight;
}

function drawLine({ number, derivation, phase, text }) {
  const drawn = [];
  const from = [derivation, phase].filter((part) => part !== '').join(' · ');
  if (from !== source) {
    source = from;
    if (from !== '') {
      drawn.push(element('div', 'log-source', from));
    }
  }
  const line = element('div', 'log-line');
  line.id = `L${number + 1}`;
  const anchor = element('a', 'log-number', String(number + 1));
  anchor.href = `#${line.id}`;
  const words = element('span', 'log-text');
  words.append(...splitSgr(text).map((piece) => element('span', piece.className, piece.text)));
  line.append(anchor, words);
  drawn.push(line);
  return drawn;
}

function element(name, className, text = '') {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function append(nodes) {
  document.querySelector('#log-empty')?.remove();
  log.append(...nodes);
  while (log.childElementCount > MOST_LINES) {
    log.firstElementChild.remove();
  }
  if (isPinned) {
    scrollToEnd();
  }
}

function noteGap(count) {
  append([element('div', 'log-note', `${count} lines are left out here; the whole log has them.`)]);
}

function onLines({ lines }) {
  const fresh = lines.filter((line) => line.number >= next);
  if (fresh.length > 0) {
    next = fresh.at(-1).number + 1;
    append(fresh.flatMap(drawLine));
  }
}

let events;

function follow() {
  events = new EventSource(`${log.dataset.stream}?from=${next}`);
  events.addEventListener('lines', (event) => onLines(JSON.parse(event.data)));
  events.addEventListener('lag', (event) => noteGap(JSON.parse(event.data).dropped));
  events.addEventListener('end', () => {
    events.close();
    log.removeAttribute('data-stream');
    document.dispatchEvent(new Event('argunix:stale'));
  });
}

// A job that has not begun has no stream yet: each change of the page is a reason to ask again.
document.addEventListener('argunix:swapped', () => {
  if (log.dataset.stream !== undefined && events?.readyState === EventSource.CLOSED) {
    follow();
  }
});
addEventListener('pagehide', () => events?.close());

log.addEventListener('scroll', () => {
  isPinned = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
  toEnd.hidden = isPinned;
});
toEnd.addEventListener('click', () => {
  isPinned = true;
  scrollToEnd();
});

if (isPinned) {
  scrollToEnd();
}
if (log.dataset.stream !== undefined) {
  follow();
}
