/** Text cut to what GitHub takes. It counts bytes where its documentation says characters. */
import { cleanText } from '../clean-text.ts';

const MARK = '\n\n…';

/** At most `most` bytes of UTF-8, of whole characters; what was cut ends with an ellipsis. */
export function cutToBytes(text: string, most: number, mark = MARK): string {
  const whole = cleanText(text);
  const bytes = Buffer.from(whole);
  if (bytes.length <= most) {
    return whole;
  }
  let end = most - Buffer.byteLength(mark);
  // Bytes 10xxxxxx continue a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) {
    end -= 1;
  }
  return bytes.toString('utf8', 0, end) + mark;
}

/** One line of at most `most` characters. */
export function cutLine(text: string, most: number): string {
  const characters = Array.from(cleanText(text).replaceAll(/\s+/g, ' ').trim());
  return characters.length <= most ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`;
}
