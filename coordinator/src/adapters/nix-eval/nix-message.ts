/** Nix's own words about what went wrong, as a person reads them: no colours, no lines of our expression, bounded. */
import { plainText } from '@argunix/shared/domain/plain-text';

const MAX_LENGTH = 8_000;

/** From what came on standard error after the last line of ours. Empty when Nix said nothing of an error. */
export function nixMessage(lines: readonly string[]): string {
  const clean = lines.map(plainText);
  const start = clean.findIndex((line) => /^\s*error:/.test(line));
  if (start === -1) {
    return '';
  }
  const said = withoutOurFrames(clean.slice(start)).join('\n').trim();
  // Where git was asked, only git knows why.
  const ofGit = clean.slice(0, start).findLast((line) => line.startsWith('fatal: '));
  return bounded(said.replace(/^error:\s*/, '') + (ofGit === undefined ? '' : `\n${ofGit}`));
}

/** Where a newer Nix lists what it was doing, the error itself is the last one. */
function withoutOurFrames(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => /^ {0,9}error:/.test(line));
  const own = lines
    .slice(Math.max(last, 0))
    .filter((line) => !/^\(use '--show-trace'|^\s*\(stack trace truncated/.test(line))
    .map((line) => line.replace(/^ {7}/, ''));
  const kept: string[] = [];
  let isOurs = false;
  for (const line of own) {
    if (/^\s*at «(?:string|none)/.test(line)) {
      isOurs = true;
    } else if (isOurs && !/^\s*(?:\d+)?\|/.test(line) && line.trim() !== '') {
      isOurs = false;
    }
    if (!isOurs) {
      kept.push(line);
    }
  }
  return kept;
}

function bounded(text: string): string {
  return text.length <= MAX_LENGTH
    ? text
    : `${text.slice(0, MAX_LENGTH / 2)}\n[… ${text.length - MAX_LENGTH} characters left out …]\n${text.slice(-MAX_LENGTH / 2)}`;
}
