// Keeps a page fresh: when the server tells of a change, the page is read again and the parts marked `data-live` are
// swapped. Without this script nothing is missing but the freshness.

const SWAP_EVERY_MS = 1500; // a building evaluation changes many times a second; nobody reads faster than this
const SWAP_AFTER_MS = 100; // changes come in swarms
const TELL_TIME_EVERY_MS = 1000;
const main = document.querySelector('main');
const shown = new WeakMap();

function tellTimes(root) {
  for (const time of root.querySelectorAll('time[data-ago]')) {
    const said = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== said) {
      time.textContent = said;
    }
  }
  for (const span of root.querySelectorAll('[data-since]')) {
    span.textContent = duration(
      Math.max(0, Math.floor((Date.now() - Date.parse(span.dataset.since)) / 1000)),
    );
  }
}

/** As formatDuration of the server, for what goes on. */
function duration(seconds) {
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const units = seconds < 3600 ? ['min', 60, 's', 1] : ['h', 3600, 'min', 60];
  const [large, size, small, smallSize] = units;
  return `${Math.floor(seconds / size)} ${large} ${Math.floor((seconds % size) / smallSize)} ${small}`;
}

/** As formatAgo of the server. */
function ago(seconds) {
  if (seconds < 5) {
    return 'just now';
  }
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ];
  const [unit, size] = units.find((one) => seconds >= one[1]);
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

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
    timer = setTimeout(
      async () => {
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
      },
      Math.max(SWAP_AFTER_MS, swappedAt + SWAP_EVERY_MS - Date.now()),
    );
  }
}

function concernsPage(data) {
  const watched = main.dataset.evaluation;
  const changes = JSON.parse(data);
  return watched === undefined || changes.some((change) => String(change.evaluation_id) === watched);
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
  source.addEventListener('changes', (event) => concernsPage(event.data) && wantSwap());
  source.addEventListener('lag', wantSwap);
  document.addEventListener('visibilitychange', () => isWanted && wantSwap());
  document.addEventListener('argunix:stale', wantSwap);
  addEventListener('pagehide', () => source.close());
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
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = 'Copied';
      setTimeout(() => (button.textContent = 'Copy'), 1500);
    });
    code.after(button);
  }
}

tellTimes(document);
setInterval(() => tellTimes(document), TELL_TIME_EVERY_MS);
offerCopies(document);
if (document.querySelector('[data-live]') !== null) {
  follow();
}
