/**
 * Text of strangers made safe for a terminal: a build may print, and a branch may be named, whatever moves the cursor,
 * sets the title or answers on the keyboard's behalf. Colours (SGR) stay in log lines and nowhere else.
 */

// Strings with an end (titles, links, device control), sequences of ESC [ and its one-byte form, other escapes, and
// single control characters. A string without an end loses only its ESC: the rest may be the reason of a failure.
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  /\u001b[\]PX^_][^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]?|[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const COLOUR = /^\u001b\[[0-9;:]*m$/;
// They reorder what stands around them, so that a name reads as another one.
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;
const RESET = '\u001b[0m';

/** One line of a log: its text and its colours, which end with it. */
export function terminalLine(line: string): string {
  const safe = line.replace(/(?<![\r\n])[\r\n]+$/, '').replaceAll(SEQUENCE, (sequence) => {
    if (COLOUR.test(sequence)) {
      return sequence;
    }
    return sequence === '\r' || sequence === '\n' ? ' ' : '';
  });
  return safe.includes('\u001b') ? safe + RESET : safe;
}

/** A name or a sentence: one line of plain text. */
export function terminalText(text: string): string {
  return text
    .replaceAll(SEQUENCE, (sequence) => (sequence === '\n' || sequence === '\r' ? ' ' : ''))
    .replaceAll('\t', ' ')
    .replaceAll(DIRECTION, '');
}
