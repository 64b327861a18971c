// Keeps a page fresh: when the server tells of a change, the page is read again and the parts marked `data-live` are
// swapped. Without this script nothing is missing but the freshness.

import { tellTimes } from './times.js';

const SWAP_EVERY_MS = 1500; // a building evaluation changes many times a second; nobody reads faster than this
const SWAP_AFTER_MS = 100; // changes come in swarms
const TELL_TIME_EVERY_MS = 1000;
const main = document.querySelector('main');
const shown = new WeakMap();

async function swapParts() {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' }, cache: 'no-store' });
  if (!answer.ok) {
    throw new Error(`the page answered ${answer.status}`);
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live][id]')) {
    const next = fresh.getElementById(part.id);
    if (next !== null && next.innerHTML !== shown.get(part)) {
      shown.set(part, next.innerHTML);
      swapPart(part, next);
    }
  }
  document.title = fresh.title;
  tellTimes(document);
  document.dispatchEvent(new Event('argunix:swapped'));
}

/** Whoever stands on a link with the keyboard stays on it. */
function swapPart(part, next) {
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  part.replaceChildren(...next.childNodes);
  offerCopies(part);
  if (focused !== null) {
    part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
}

let isWanted = false;
let timer;
let swappedAt = 0;

/** At most one reading at a time, and none for a page that nobody looks at. */
function wantSwap() {
  isWanted = true;
  if (timer === undefined && !document.hidden) {
    const waitMs = Math.max(SWAP_AFTER_MS, swappedAt + SWAP_EVERY_MS - Date.now());
    timer = setTimeout(() => void swapNow(), waitMs);
  }
}

async function swapNow() {
  isWanted = false;
  swappedAt = Date.now();
  try {
    await swapParts();
  } catch {
    // The server is away for a moment: the next event, after its return, asks again.
  }
  timer = undefined;
  if (isWanted) {
    wantSwap();
  }
}

function concernsPage(data) {
  const watched = main.dataset.evaluation;
  return watched === undefined || String(JSON.parse(data).evaluation_id) === watched;
}

function follow() {
  const source = new EventSource('/api/v1/events');
  const state = document.querySelector('#live-state');
  let wasOpen = false;
  source.addEventListener('open', () => {
    state.textContent = 'live';
    state.className = 'live';
    if (wasOpen) {
      wantSwap();
    }
    wasOpen = true;
  });
  source.addEventListener('error', () => {
    state.textContent = wasOpen ? 'reconnecting' : '';
    state.className = '';
  });
  for (const name of ['repository', 'evaluation', 'jobs']) {
    source.addEventListener(name, (event) => concernsPage(event.data) && wantSwap());
  }
  // Who waits for what changes often; only a page that shows it cares.
  source.addEventListener('queue', () => document.querySelector('[data-queue]') !== null && wantSwap());
  source.addEventListener('lag', wantSwap);
  // What changes without an event: as often as the page says.
  const { every } = document.querySelector('[data-every]')?.dataset ?? {};
  if (every !== undefined) {
    setInterval(wantSwap, Number(every) * 1000);
  }
  document.addEventListener('visibilitychange', () => isWanted && wantSwap());
  document.addEventListener('argunix:stale', wantSwap);
  addEventListener('pagehide', () => source.close());
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Not allowed'; // the reader's browser says so; the text can still be marked
  }
  setTimeout(() => (button.textContent = 'Copy'), 1500);
}

function offerCopies(root) {
  if (navigator.clipboard === undefined) {
    return; // browsers have it only on https and on localhost
  }
  for (const code of root.querySelectorAll('[data-copy]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.addEventListener('click', () => void copy(code.textContent, button));
    code.after(button);
  }
}

tellTimes(document);
setInterval(() => tellTimes(document), TELL_TIME_EVERY_MS);
offerCopies(document);
if (document.querySelector('[data-live]') !== null) {
  follow();
}
