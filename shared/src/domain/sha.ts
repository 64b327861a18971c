import type { Brand } from './brand.ts';

/** A full git object name: 40 hex digits (SHA-1) or 64 (SHA-256), lower case. */
export type Sha = Brand<string, 'Sha'>;

/** What stands where there is no revision: git's own way to say so. */
export const NO_SHA = '0'.repeat(40) as Sha;

const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export function parseSha(text: string): Sha | undefined {
  const lower = text.toLowerCase();
  return SHA.test(lower) ? (lower as Sha) : undefined;
}

export function shortSha(sha: Sha): string {
  return sha.slice(0, 7);
}

/** What git writes for "no object": the new value of a deleted ref. */
export function isZeroSha(sha: Sha): boolean {
  return /^0+$/.test(sha);
}
