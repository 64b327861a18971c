/** One line as it is stored: `ms\tderivation\tphase\ttext`. Text keeps every byte but newlines; colours too. */
import type { LogLine } from '@argunix/shared/domain/log-line';
import type { NumberedLine } from '../../ports/log-store.ts';

/** Longer texts are cut into lines of this many characters: memory is bounded by lines, and browsers stay alive. */
const MAX_TEXT = 64 * 1024;
const MAX_NAME = 200;
const PLAIN_NAME = /^[ -~]{0,200}$/;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\0-\x1f\x7f]/g;
const TAB = 9;
const NEWLINE = 10;

/** What the store makes of a line that came: well-formed, on one line, of bounded length. */
export function cleanLines(line: Omit<LogLine, 'atMs'>, atMs: number): readonly LogLine[] {
  const derivation = cleanName(line.derivation);
  const phase = cleanName(line.phase);
  const text = cleanText(line.text);
  if (text.length <= MAX_TEXT) {
    return [{ atMs, derivation, phase, text }];
  }
  const lines: LogLine[] = [];
  for (let start = 0; start < text.length; ) {
    const end = cutBefore(text, start + MAX_TEXT);
    lines.push({ atMs, derivation, phase, text: text.slice(start, end) });
    start = end;
  }
  return lines;
}

export function toStoredLine({ atMs, derivation, phase, text }: LogLine): string {
  return `${atMs}\t${derivation}\t${phase}\t${text}\n`;
}

/** The lines of a stored text from number `from` on, about `maxBytes` of them, at least one where there is one. */
export function parseStoredLines(
  { first, text }: { readonly first: number; readonly text: Buffer },
  from: number,
  maxBytes: number,
): readonly NumberedLine[] {
  const lines: NumberedLine[] = [];
  let number = first;
  let start = 0;
  let size = 0;
  while (start < text.length && size < maxBytes) {
    const newline = text.indexOf(NEWLINE, start);
    const end = newline === -1 ? text.length : newline;
    if (number >= from) {
      lines.push(parseStoredLine(text.subarray(start, end), number));
      size += end - start + 1;
    }
    number += 1;
    start = end + 1;
  }
  return lines;
}

function parseStoredLine(bytes: Buffer, number: number): NumberedLine {
  const afterTime = bytes.indexOf(TAB);
  const afterDerivation = bytes.indexOf(TAB, afterTime + 1);
  const afterPhase = bytes.indexOf(TAB, afterDerivation + 1);
  return {
    number,
    atMs: Number(bytes.toString('latin1', 0, afterTime)),
    derivation: bytes.toString('utf8', afterTime + 1, afterDerivation),
    phase: bytes.toString('utf8', afterDerivation + 1, afterPhase),
    text: bytes.toString('utf8', afterPhase + 1),
  };
}

function cleanText(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return wellFormed.includes('\n') ? wellFormed.replaceAll('\n', '\u240a') : wellFormed;
}

function cleanName(name: string): string {
  return PLAIN_NAME.test(name)
    ? name
    : name.toWellFormed().replaceAll(CONTROL, ' ').slice(0, MAX_NAME).toWellFormed();
}

/** `end`, or one less where that would cut a pair of surrogates in two. */
function cutBefore(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
