/** What no JSON parser of a forge stumbles over: neither NUL nor half a character. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '');
}
