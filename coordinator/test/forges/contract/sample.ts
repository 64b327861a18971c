/** What the tests of the contract talk about. */
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import { parseRepositorySlug, type RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { parseSha, type Sha } from '@argunix/shared/domain/sha';
import type { ForgeCheck } from '../../../src/ports/forge.ts';
import type { StandInRequest } from '../forge-subject.ts';

export const OURS = toSlug('owner/name');
export const FORK = toSlug('stranger/name');
export const HEAD = toSha('a'.repeat(40));
export const MERGE = toSha('c'.repeat(40));

export function toSlug(text: string): RepositorySlug {
  const verdict = parseRepositorySlug(text);
  if (verdict.kind === 'refused') {
    throw new Error(verdict.reason);
  }
  return verdict.slug;
}

export function toSha(text: string): Sha {
  return parseSha(text) ?? fail(text);
}

export function toRef(text: string): GitRef {
  return parseGitRef(text) ?? fail(text);
}

export function aRequest(over: Partial<StandInRequest> = {}): StandInRequest {
  return {
    number: 7,
    headSha: HEAD,
    headName: 'topic/one',
    baseName: 'main',
    headSlug: OURS,
    author: 'writer',
    isDraft: false,
    isOpen: true,
    ...over,
  };
}

export function aCheck(over: Partial<ForgeCheck> = {}): ForgeCheck {
  return {
    sha: HEAD,
    context: 'argunix: evaluation',
    state: 'pending',
    description: 'building 3 jobs',
    url: 'https://ci.example.com/r/here/owner/name/eval/1',
    summary: '**3** jobs',
    externalId: 'evaluation:1',
    handle: null,
    ref: null,
    ...over,
  };
}

export function aSignal(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

function fail(text: string): never {
  throw new Error(`not of the form wanted: ${text}`);
}
