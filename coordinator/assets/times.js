// Says how long ago and for how long, as src/adapters/http/durations.ts does, while time goes by.

export function tellTimes(root) {
  for (const time of root.querySelectorAll('time[data-ago], time[data-in]')) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const said = time.dataset.in === undefined ? ago(seconds) : ahead(-seconds);
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

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];

/** As formatAgo of the server. */
function ago(seconds) {
  if (seconds < 5) {
    return 'just now';
  }
  const [unit, size] = UNITS.find((one) => seconds >= one[1]);
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

/** As formatIn of the server. */
function ahead(exact) {
  const seconds = Math.ceil(exact);
  if (seconds <= 0) {
    return 'now';
  }
  const [unit, size] = UNITS.find((one) => seconds >= one[1]);
  return `in ${Math.ceil(seconds / size)} ${unit}`;
}
