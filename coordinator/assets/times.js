// Says how long ago and for how long, as src/adapters/http/durations.ts does, while time goes by.

export function tellTimes(root) {
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
