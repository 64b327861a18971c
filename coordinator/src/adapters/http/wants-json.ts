/** Whether an Accept header prefers JSON to a page (RFC 9110 §12.5.1): only when it names JSON; `*\/*` is no wish. */
export function wantsJson(accept: string | undefined): boolean {
  const json = qualityOf(accept, 'application/json');
  return json > 0 && json >= qualityOf(accept, 'text/html');
}

/** Browsers name HTML; programs that name nothing are better off with JSON errors and plain text logs. */
export function wantsHtml(accept: string | undefined): boolean {
  return qualityOf(accept, 'text/html') > 0 && !wantsJson(accept);
}

function qualityOf(accept: string | undefined, type: string): number {
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim());
    if (name === type) {
      const quality = Number(parameters.find((part) => part.startsWith('q='))?.slice(2) ?? '1');
      return Number.isNaN(quality) ? 0 : quality;
    }
  }
  return 0;
}
