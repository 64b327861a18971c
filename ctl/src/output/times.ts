/** Times as people read them; the wire has RFC 3339. */
export function formatAge(time: string | null, now: number): string {
  if (time === null) {
    return '-';
  }
  return `${formatSpan(Math.max(0, now - Date.parse(time)))} ago`;
}

function formatSpan(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60),
  ];
  if (days > 0) {
    return `${days} d`;
  }
  if (hours > 0) {
    return `${hours} h ${minutes % 60} min`;
  }
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** From its start to its end, or until now while it runs. */
export function formatDuration(startedAt: string | null, finishedAt: string | null, now: number): string {
  if (startedAt === null) {
    return '-';
  }
  const end = finishedAt === null ? now : Date.parse(finishedAt);
  return formatSpan(Math.max(0, end - Date.parse(startedAt)));
}
