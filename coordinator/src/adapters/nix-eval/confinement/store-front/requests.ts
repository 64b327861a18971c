/**
 * What an evaluator may ask of the daemon, and how each request is laid out in version 1.33 of the worker protocol
 * (the floor's; every newer Nix still speaks it). What is not here is refused: no collector, no logs, no roots, no
 * signatures. https://snix.dev/docs/reference/nix-daemon-protocol/
 */
import { Cursor } from './wire.ts';

export const VERSION = 0x121;

/** `pairs`: a counted list of two strings each. `frames`: counted pieces up to an empty one. */
type Field = 'integer' | 'string' | 'strings' | 'pairs' | 'frames';

const ADD_TO_STORE = 7;

const REQUESTS: ReadonlyMap<number, readonly Field[]> = new Map<number, readonly Field[]>([
  [1, ['string']], // IsValidPath
  [6, ['string']], // QueryReferrers
  [ADD_TO_STORE, ['string', 'string', 'strings', 'integer', 'frames']],
  [9, ['strings', 'integer']], // BuildPaths
  [10, ['string']], // EnsurePath
  [11, ['string']], // AddTempRoot
  [19, [...Array.from({ length: 12 }, () => 'integer' as const), 'pairs']], // SetOptions
  [23, []], // QueryAllValidPaths
  [26, ['string']], // QueryPathInfo
  [29, ['string']], // QueryPathFromHashPart
  [30, ['pairs']], // QuerySubstitutablePathInfos
  [31, ['strings', 'integer']], // QueryValidPaths
  [32, ['strings']], // QuerySubstitutablePaths
  [33, ['string']], // QueryValidDerivers
  [38, ['string']], // NarFromPath
  [
    39, // AddToStoreNar
    [
      ...(['string', 'string', 'string', 'strings', 'integer', 'integer', 'integer', 'strings'] as const),
      ...(['string', 'integer', 'integer', 'frames'] as const),
    ],
  ],
  [40, ['strings']], // QueryMissing
  [41, ['string']], // QueryDerivationOutputMap
  [43, ['string']], // QueryRealisation
  [44, ['integer', 'integer', 'frames']], // AddMultipleToStore
]);

export interface Request {
  /** Behind its fields; where it has frames, they begin there. */
  readonly end: number;
  readonly hasFrames: boolean;
  /** Set for what may be a derivation: a text. */
  readonly derivation: { readonly name: string; readonly references: readonly string[] } | undefined;
}

/** Throws SHORT when it is not there yet whole, and an Error for what no evaluator asks. */
export function readRequest(buffer: Buffer, start: number): Request {
  const cursor = new Cursor(buffer, start);
  const operation = cursor.integer();
  if (operation === ADD_TO_STORE) {
    return readAddition(cursor);
  }
  const fields = REQUESTS.get(operation);
  if (fields === undefined) {
    throw new Error(`operation ${operation}, which no evaluation needs`);
  }
  const hasFrames = fields.includes('frames');
  for (const field of fields) {
    skip(cursor, field);
  }
  return { end: cursor.at, hasFrames, derivation: undefined };
}

function readAddition(cursor: Cursor): Request {
  const name = cursor.string();
  const method = cursor.string();
  const references = cursor.strings();
  const isRepair = cursor.integer() !== 0;
  const isDerivation = name.endsWith('.drv') && method === 'text:sha256' && !isRepair;
  return {
    end: cursor.at,
    hasFrames: true,
    derivation: isDerivation ? { name, references } : undefined,
  };
}

function skip(cursor: Cursor, field: Field): void {
  switch (field) {
    case 'integer':
      cursor.integer();
      return;
    case 'string':
      cursor.skipString();
      return;
    case 'strings':
      cursor.skipStrings();
      return;
    case 'pairs':
      for (let left = cursor.integer(); left > 0; left -= 1) {
        cursor.skipString();
        cursor.skipString();
      }
      return;
    case 'frames':
  }
}
