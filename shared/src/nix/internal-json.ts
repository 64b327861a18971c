/**
 * Reads what Nix writes with `--log-format internal-json`: `@nix {…}` lines among lines of anything else. It is told
 * bytes as they come and hands over events at once; nothing foreign makes it throw, and what it holds is bounded: a
 * build that prints 1 GB without a line end arrives as one line of JSON, of which the beginning is kept.
 */
export type NixField = string | number;

export type NixEvent =
  | {
      readonly kind: 'start';
      readonly id: string;
      readonly activity: number;
      readonly text: string;
      readonly fields: readonly NixField[];
    }
  | { readonly kind: 'stop'; readonly id: string }
  | {
      readonly kind: 'result';
      readonly id: string;
      readonly result: number;
      readonly fields: readonly NixField[];
    }
  /** Level 0 is an error, 1 a warning, 3 what a person sees by default. */
  | { readonly kind: 'message'; readonly level: number; readonly text: string }
  /** A line that is not of this format: Nix before it has set up its log, a wrapper, a crash. */
  | { readonly kind: 'line'; readonly text: string };

// nix/src/libutil/logging.hh: these numbers are the same from 2.8 to 2.34 and in Lix.
export const ACTIVITY = { copyPath: 100, builds: 104, build: 105, postBuildHook: 110 } as const;
export const RESULT = {
  buildLogLine: 101,
  setPhase: 104,
  progress: 105,
  setExpected: 106,
  postBuildLogLine: 107,
} as const;

export interface NixLogParser {
  write(chunk: Uint8Array): void;
  /** What stood after the last line end is a line too. */
  end(): void;
}

const PREFIX = '@nix ';
// Of one line. JSON spends up to six bytes on a byte of log, and a warning can quote a whole derivation.
const MAX_LINE_BYTES = 1024 * 1024;
// Of an overlong line: enough for what comes after its long text, the id and the type.
const TAIL_BYTES = 512;
const NEWLINE = 0x0a;

export function createNixLogParser(onEvent: (event: NixEvent) => void): NixLogParser {
  let parts: Buffer[] = [];
  let keptBytes = 0;
  let lineBytes = 0;
  let tail = Buffer.alloc(0);

  function take(piece: Buffer): void {
    lineBytes += piece.length;
    const room = MAX_LINE_BYTES - keptBytes;
    if (room > 0) {
      parts.push(Buffer.from(piece.subarray(0, room)));
      keptBytes += Math.min(room, piece.length);
    }
    if (piece.length > room) {
      const rest = piece.subarray(Math.max(0, room)).subarray(-TAIL_BYTES);
      tail = Buffer.concat([tail, rest]).subarray(-TAIL_BYTES);
    }
  }
  function finish(): void {
    const head = Buffer.concat(parts).toString('utf8');
    const leftOutBytes = lineBytes - keptBytes;
    const event =
      leftOutBytes === 0 ? parseLine(head) : parseOverlong(head, tail.toString('utf8'), leftOutBytes);
    parts = [];
    keptBytes = 0;
    lineBytes = 0;
    tail = Buffer.alloc(0);
    if (event !== undefined) {
      onEvent(event);
    }
  }
  return {
    write(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let from = 0;
      for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
        if (lineBytes === 0 && at - from <= MAX_LINE_BYTES) {
          const event = parseLine(bytes.toString('utf8', from, at));
          if (event !== undefined) {
            onEvent(event);
          }
        } else {
          take(bytes.subarray(from, at));
          finish();
        }
        from = at + 1;
      }
      if (from < bytes.length) {
        take(bytes.subarray(from));
      }
    },
    end() {
      if (lineBytes > 0) {
        finish();
      }
    },
  };
}

function parseLine(line: string): NixEvent | undefined {
  if (!line.startsWith(PREFIX)) {
    return { kind: 'line', text: line };
  }
  const body = line.slice(PREFIX.length);
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    // Cut off or forged: it is shown as what it is, a line.
    return { kind: 'line', text: line };
  }
  return isRecord(json) ? toEvent(json, body) : { kind: 'line', text: line };
}

/** Undefined for what is well formed and of no interest: actions and types that a later Nix adds. */
function toEvent(json: Readonly<Record<string, unknown>>, body: string): NixEvent | undefined {
  const { action, level, text, msg, type } = json;
  const id = toId(json['id'], body);
  switch (action) {
    case 'start':
      return id === undefined || typeof type !== 'number'
        ? undefined
        : {
            kind: 'start',
            id,
            activity: type,
            text: typeof text === 'string' ? text : '',
            fields: toFields(json['fields']),
          };
    case 'stop':
      return id === undefined ? undefined : { kind: 'stop', id };
    case 'result':
      return id === undefined || typeof type !== 'number'
        ? undefined
        : { kind: 'result', id, result: type, fields: toFields(json['fields']) };
    case 'msg':
      return typeof msg === 'string'
        ? { kind: 'message', level: typeof level === 'number' ? level : 0, text: msg }
        : undefined;
    default:
      return undefined;
  }
}

/** An id is a process id shifted by 32 bits: from process 2,097,152 on a number of JavaScript cannot hold it. */
function toId(id: unknown, body: string): string | undefined {
  if (typeof id !== 'number') {
    return undefined;
  }
  // A quote inside a string of JSON has a backslash before it, so this is found outside of strings only.
  return Number.isSafeInteger(id) ? String(id) : /[,{]"id":(\d+)/.exec(body)?.[1];
}

function toFields(fields: unknown): readonly NixField[] {
  return Array.isArray(fields)
    ? fields.filter((field) => typeof field === 'string' || typeof field === 'number')
    : [];
}

/** The keys of Nix's objects are sorted: the long text comes first, what it belongs to last. */
function parseOverlong(head: string, tail: string, leftOutBytes: number): NixEvent | undefined {
  const note = ` … (${leftOutBytes} bytes of this line left out)`;
  if (!head.startsWith(PREFIX)) {
    return { kind: 'line', text: head + note };
  }
  const log = /^@nix \{"action":"result","fields":\["/.exec(head);
  const owner = /"\],"id":(\d+),.*?"type":(\d+)\}$/.exec(tail);
  if (log !== null && owner?.[1] !== undefined) {
    const text = decodePrefix(head.slice(log[0].length)) + note;
    return { kind: 'result', id: owner[1], result: Number(owner[2]), fields: [text] };
  }
  const message = /^@nix \{"action":"msg",.{0,200}?"level":(\d),.{0,200}?"msg":"/.exec(head);
  return message === null
    ? undefined
    : {
        kind: 'message',
        level: Number(message[1]),
        text: decodePrefix(head.slice(message[0].length)) + note,
      };
}

/** The beginning of a JSON string whose end is missing. */
function decodePrefix(raw: string): string {
  // An escape may have been cut in two: at most six characters.
  for (let cut = 0; cut <= 6; cut += 1) {
    try {
      const text: unknown = JSON.parse(`"${raw.slice(0, raw.length - cut)}"`);
      return String(text);
    } catch {
      // Cut one more.
    }
  }
  return '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
