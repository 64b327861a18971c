/**
 * What of a log line is shown: its text and its colours (SGR, `ESC [ … m`). A build can print whatever it likes;
 * what would move a cursor, set a title or hide what stands before it is taken out here, for a terminal as for a page.
 */

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f-\x9f]/;

// Titles, links and other strings with an end; sequences of ESC [; other escapes; single control characters. A string
// without an end loses only its ESC: what follows may be the reason of a failure.
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  /\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]+[0-~]|\x1b[0-Z\\`-~]?|[\0-\x08\x0a-\x1f\x7f-\x9f]/g;

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const COLOUR = /^\x1b\[[0-9;:]*m$/;

export function displayedText(text: string): string {
  return CONTROL.test(text) ? afterCarriageReturn(text).replaceAll(SEQUENCE, shown) : text;
}

/** As on a terminal and on the pages: a progress bar is what it showed last. */
function afterCarriageReturn(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\r') {
    end -= 1;
  }
  return text.slice(text.lastIndexOf('\r', end - 1) + 1, end);
}

function shown(sequence: string): string {
  return COLOUR.test(sequence) ? sequence : '';
}
