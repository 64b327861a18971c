/** What a daemon answers to a request that adds something, and how we answer one ourselves. */
import type { TextInfo } from './text-path.ts';
import { Cursor, encode } from './wire.ts';

const STDERR_NEXT = 0x6f6c6d67;
const STDERR_LAST = 0x616c7473;
const STDERR_ERROR = 0x63787470;
const STDERR_START_ACTIVITY = 0x53545254;
const STDERR_STOP_ACTIVITY = 0x53544f50;
const STDERR_RESULT = 0x52534c54;

export interface AddedPath {
  readonly path: string;
  readonly end: number;
}

export function encodeAdded(info: TextInfo, references: readonly string[], now: number): Buffer {
  return encode([
    STDERR_LAST,
    info.path,
    '', // no deriver
    info.narHash,
    references,
    now,
    info.narSize,
    0, // not built here
    [], // no signatures
    info.contentAddress,
  ]);
}

export function encodeRefusal(message: string): Buffer {
  return encode([STDERR_ERROR, 'Error', 0, 'Error', message, 0, 0]);
}

/** Throws SHORT when it is not there yet whole, and the daemon's refusal as an Error. */
export function readAdded(buffer: Buffer, start: number): AddedPath {
  const cursor = new Cursor(buffer, start);
  while (readMessage(cursor)) {
    // Progress and warnings of a derivation that was answered long ago: nobody waits for them.
  }
  const path = cursor.string();
  cursor.skipString(); // deriver
  cursor.skipString(); // hash
  cursor.skipStrings(); // references
  cursor.integer(); // time
  cursor.integer(); // size
  cursor.integer(); // built here
  cursor.skipStrings(); // signatures
  cursor.skipString(); // content address
  return { path, end: cursor.at };
}

/** False at the last. */
function readMessage(cursor: Cursor): boolean {
  const tag = cursor.integer();
  switch (tag) {
    case STDERR_LAST:
      return false;
    case STDERR_NEXT:
      cursor.skipString();
      return true;
    case STDERR_START_ACTIVITY:
      cursor.integer(); // activity
      cursor.integer(); // level
      cursor.integer(); // type
      cursor.skipString();
      skipFields(cursor);
      cursor.integer(); // parent
      return true;
    case STDERR_STOP_ACTIVITY:
      cursor.integer();
      return true;
    case STDERR_RESULT:
      cursor.integer(); // activity
      cursor.integer(); // type
      skipFields(cursor);
      return true;
    case STDERR_ERROR:
      cursor.skipString(); // type
      cursor.integer(); // level
      cursor.skipString(); // name
      throw new Error(cursor.string());
    default:
      throw new Error(`expected a message of the daemon, got ${tag.toString(16)}`);
  }
}

function skipFields(cursor: Cursor): void {
  for (let left = cursor.integer(); left > 0; left -= 1) {
    if (cursor.integer() === 0) {
      cursor.integer();
    } else {
      cursor.skipString();
    }
  }
}
