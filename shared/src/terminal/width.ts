/** How many columns of a terminal a text takes, and texts cut to fit. */

// East Asian wide characters and emoji take two columns, combining marks none (UAX #11, near enough for a table).
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NARROWEST = /\p{Mark}|\p{Cf}/u;
// oxlint-disable-next-line no-control-regex -- colours begin with one
const COLOUR = /\u001b\[[0-9;:]*m/;
// oxlint-disable-next-line no-control-regex -- the same
const PIECES = /\u001b\[[0-9;:]*m|[\s\S]/gu;

/** Of plain text. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    width += widthOfCharacter(character);
  }
  return width;
}

/** At most `columns` wide, with an ellipsis where something was cut. Colours (SGR) take no width and are all kept. */
export function cutToWidth(text: string, columns: number): string {
  const pieces = text.match(PIECES) ?? [];
  const widths = pieces.map((piece) => (COLOUR.test(piece) ? 0 : widthOfCharacter(piece)));
  if (widths.reduce((sum, width) => sum + width, 0) <= columns) {
    return text;
  }
  let left = columns - 1;
  let isCut = false;
  const shown = pieces.map((piece, index) => {
    if (COLOUR.test(piece)) {
      return piece;
    }
    left -= widths[index] ?? 0;
    if (left >= 0) {
      return piece;
    }
    const ellipsis = isCut || columns < 1 ? '' : '…';
    isCut = true;
    left = -1;
    return ellipsis;
  });
  return shown.join('');
}

export function padToWidth(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

function widthOfCharacter(character: string): number {
  if (WIDE.test(character)) {
    return 2;
  }
  return NARROWEST.test(character) ? 0 : 1;
}
