/**
 * Reads what `git ls-remote --symref` prints, as it comes. Strict: a line of another shape ends it. Names that are no
 * UTF-8, or that no GitRef can hold, are left out and counted, for nobody could ask for them.
 */
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import { parseSha, type Sha } from '@argunix/shared/domain/sha';
import type { RemoteHeads } from '../../ports/source-checkout.ts';

// 100,000 branches and tags: ten times the largest known public repositories; each costs a row and a comparison a poll.
const MAX_HEADS = 100_000;
const MAX_LINE_BYTES = 16 * 1024;

type HeadsTrouble = 'rubbish' | 'too-many';

export interface HeadsReader {
  /** The trouble, once there is one; what comes after it is not read. */
  push(chunk: Buffer): HeadsTrouble | undefined;
  /** After the last chunk. */
  finish():
    | { readonly kind: 'heads'; readonly remote: RemoteHeads; readonly unnamed: number }
    | { readonly kind: HeadsTrouble };
}

export function createHeadsReader(maxHeads: number = MAX_HEADS): HeadsReader {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const heads = new Map<GitRef, Sha>();
  let defaultBranch: GitRef | null = null;
  let trouble: HeadsTrouble | undefined;
  let rest: Buffer = Buffer.alloc(0);
  let unnamed = 0;

  function readLine(line: Buffer): HeadsTrouble | undefined {
    const tab = line.indexOf('\t');
    const value = line.subarray(0, Math.max(tab, 0)).toString('latin1');
    const name = line.subarray(tab + 1);
    if (value.startsWith('ref: ')) {
      if (name.toString('latin1') === 'HEAD') {
        defaultBranch = readRef(line.subarray('ref: '.length, tab)) ?? null;
      }
      return undefined;
    }
    const sha = parseSha(value);
    if (sha === undefined || tab === line.length - 1) {
      return 'rubbish';
    }
    // The other refs, such as requests of a forge, are not what is watched.
    if (!/^refs\/(?:heads|tags)\//.test(name.toString('latin1'))) {
      return undefined;
    }
    // A tag object says on a second line, marked so, which revision it names: that one is meant.
    const isPeeled = name.subarray(-3).toString('latin1') === '^{}';
    const ref = readRef(isPeeled ? name.subarray(0, -3) : name);
    if (ref === undefined) {
      unnamed += 1;
      return undefined;
    }
    heads.set(ref, sha);
    return heads.size > maxHeads ? 'too-many' : undefined;
  }

  function readRef(name: Buffer): GitRef | undefined {
    try {
      return parseGitRef(utf8.decode(name));
    } catch {
      // A TypeError says that it is no UTF-8.
      return undefined;
    }
  }

  return {
    push(chunk) {
      if (trouble !== undefined) {
        return trouble;
      }
      let left = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let end = left.indexOf(10); trouble === undefined && end >= 0; end = left.indexOf(10)) {
        trouble = readLine(left.subarray(0, end));
        left = left.subarray(end + 1);
      }
      rest = left;
      trouble ??= rest.length > MAX_LINE_BYTES ? 'rubbish' : undefined;
      return trouble;
    },
    finish() {
      trouble ??= rest.length > 0 ? 'rubbish' : undefined;
      return trouble === undefined
        ? {
            kind: 'heads',
            remote: { heads: [...heads].map(([ref, sha]) => ({ ref, sha })), defaultBranch },
            unnamed,
          }
        : { kind: trouble };
    },
  };
}
