/**
 * Our bare clone of a repository. A revision is in it when `refs/heads/at-<sha>` is: git sets that ref only after it saw
 * every object of the revision, and below refs/heads it takes nothing but commits. Names of the remote's refs never
 * become files here, so that no odd, long or colliding one can stand in the way.
 *
 * One fetch at a time writes to a mirror; reading needs no lock. What a killed git left behind is cleared before the
 * next fetch; a mirror that git cannot read is made anew, once a checkout. History is whole, never shallow unless the
 * server's is: Nix refuses a shallow repository, and a flake may ask for its revCount. Revisions are not dropped here.
 */
import { existsSync } from 'node:fs';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import { parseSha, type Sha } from '@argunix/shared/domain/sha';
import { AppError } from '@argunix/shared/kit/app-error';
import type { KeyedLock } from '@argunix/shared/kit/keyed-lock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { Access } from './access.ts';
import { failed, gitWords, judgeFetch, unreachable } from './git-trouble.ts';
import { ALL_HEADS, fetchInto, inMirror } from './mirror-fetch.ts';
import { clearLeftovers, makeMirror, packTogether } from './mirror-upkeep.ts';
import { shownUrl } from './repository-url.ts';
import type { Git } from './run-git.ts';

/** What a revision declares beside its own files. */
export interface Declared {
  readonly hasSubmodules: boolean;
  readonly hasLargeFiles: boolean;
}

export interface Revision {
  readonly sha: Sha;
  /** Where to look when the server gives out no bare revisions; HEAD for a submodule. */
  readonly ref: GitRef | 'HEAD';
}

export interface Wanted {
  readonly refspecs: readonly string[];
  /** Any of the repository: a mirror is of one object format. */
  readonly like: Sha;
}

export interface Mirrors {
  /** Counts how often the mirror was made anew. */
  generation(mirrorDir: string): number;
  /** Makes the mirror hold the revision. `broken`: the generation in which it was seen not to hold what it should. */
  obtain(
    mirrorDir: string,
    access: Access,
    revision: Revision,
    signal: AbortSignal,
    broken?: number,
  ): Promise<Declared>;
  /** Fetches into refs of ours and reads, while nobody else writes; 'absent': the server has no such ref. */
  refresh<Answer>(
    mirrorDir: string,
    access: Access,
    wanted: Wanted,
    signal: AbortSignal,
    read: () => Promise<Answer>,
  ): Promise<Answer | 'absent'>;
  /** Makes a revision that came with a ref below refs/argunix one that it holds; false when none of them reaches it. */
  adopt(mirrorDir: string, sha: Sha, signal: AbortSignal): Promise<boolean>;
  /** Of a revision that it holds. */
  treeOf(mirrorDir: string, sha: Sha, signal: AbortSignal): Promise<Sha>;
}

export function createMirrors({
  git,
  lock,
  log,
}: {
  readonly git: Git;
  readonly lock: KeyedLock;
  readonly log: Logger;
}): Mirrors {
  const generations = new Map<string, number>();
  const generation = (mirrorDir: string): number => generations.get(mirrorDir) ?? 0;

  /** One process that says whether the revision is here, and what it declares. */
  async function inspect(
    mirrorDir: string,
    sha: Sha,
    signal: AbortSignal,
  ): Promise<Declared | 'absent' | 'broken'> {
    const args = ['grep', '-a', '-l', '-z', '-F', '-e', '[submodule', '-e', 'filter=lfs'];
    const { code, stdout, stderr } = await git.run({
      args: inMirror(mirrorDir, ...args, refOf(sha), '--', '.gitmodules', ':(glob)**/.gitattributes'),
      signal,
    });
    if (code <= 1 && stderr === '') {
      const names = stdout.split('\0').map((name) => name.slice(name.indexOf(':', refOf(sha).length) + 1));
      return {
        hasSubmodules: names.includes('.gitmodules'),
        hasLargeFiles: names.some((name) => /(?:^|\/)\.gitattributes$/.test(name)),
      };
    }
    return stderr.includes('unable to resolve revision') ? 'absent' : 'broken';
  }

  /**
   * The least first: the revision alone, then what its ref holds, then every branch and tag.
   * Returns what git said when it could not read the mirror.
   */
  async function bring(
    mirrorDir: string,
    access: Access,
    { sha, ref }: Revision,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const tries = [[`+${sha}:${refOf(sha)}`], [`+${ref}:refs/argunix/tip`], ALL_HEADS];
    for (const [index, refspecs] of tries.entries()) {
      const { code, stderr } = await fetchInto(git, { mirrorDir, access, refspecs, signal });
      if (code === 0) {
        if (index === 0 || (await adopt(mirrorDir, sha, signal))) {
          return undefined;
        }
        continue;
      }
      switch (judgeFetch(stderr)) {
        case 'missing':
          throw gone(access, sha);
        case 'no-commit':
          throw new AppError(
            'git.refused',
            `${sha} is no commit (a tag may name a file or a directory); there is nothing to evaluate`,
          );
        case 'broken-mirror':
          return stderr;
        case 'unadvertised':
          continue;
        case 'other':
          throw unreachable(access, stderr);
      }
    }
    throw gone(access, sha);
  }

  /** True when the revision came with a ref that was fetched, which makes it whole. */
  async function adopt(mirrorDir: string, sha: Sha, signal: AbortSignal): Promise<boolean> {
    const holders = await git.run({
      args: inMirror(mirrorDir, 'for-each-ref', '--count=1', `--contains=${sha}`, 'refs/argunix/'),
      signal,
    });
    if (holders.code !== 0 || holders.stdout === '') {
      return false;
    }
    const { code, stderr } = await git.run({
      args: inMirror(mirrorDir, 'update-ref', refOf(sha), sha),
      signal,
    });
    if (code !== 0) {
      throw failed(`the mirror ${mirrorDir} could not be written`, stderr);
    }
    return true;
  }

  /** Under the lock. */
  async function bringWhole(
    mirrorDir: string,
    access: Access,
    revision: Revision,
    signal: AbortSignal,
    seen: Declared | 'absent' | 'broken',
  ): Promise<Declared> {
    let state = seen;
    // Twice at most: what a new mirror does not cure is not the mirror's.
    for (let isLast = false; typeof state !== 'object'; isLast = true) {
      await prepare(mirrorDir, access, { like: revision.sha, isBroken: state === 'broken' }, signal);
      const trouble = await bring(mirrorDir, access, revision, signal);
      if (isLast && trouble !== undefined) {
        throw unreachable(access, trouble);
      }
      state = trouble === undefined ? await inspect(mirrorDir, revision.sha, signal) : 'broken';
      if (isLast && typeof state !== 'object') {
        throw new AppError('git.failed', `git cannot read the new mirror ${mirrorDir}`);
      }
    }
    await tidy(mirrorDir, signal);
    return state;
  }

  /** Under the lock: leaves a mirror that can be fetched into. */
  async function prepare(
    mirrorDir: string,
    access: Access,
    { like, isBroken }: { readonly like: Sha; readonly isBroken: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    if (!existsSync(mirrorDir)) {
      await makeMirror(git, mirrorDir, like, signal);
    } else if (isBroken) {
      log.warn({ mirrorDir, url: shownUrl(access.url.text) }, 'a mirror that git cannot read is made anew');
      generations.set(mirrorDir, generation(mirrorDir) + 1);
      await makeMirror(git, mirrorDir, like, signal);
    }
    await clearLeftovers(mirrorDir);
  }

  async function tidy(mirrorDir: string, signal: AbortSignal): Promise<void> {
    const trouble = await packTogether(git, mirrorDir, signal);
    if (trouble !== undefined) {
      // What was fetched is here; that its mirror grows is for the operator to know.
      log.warn({ mirrorDir, said: gitWords(trouble) }, 'the packs of a mirror could not be put together');
    }
  }

  /** Under the lock. */
  async function fetchRefs(
    mirrorDir: string,
    access: Access,
    { refspecs, like }: Wanted,
    signal: AbortSignal,
  ): Promise<'fetched' | 'absent'> {
    for (const isLast of [false, true]) {
      await prepare(mirrorDir, access, { like, isBroken: isLast }, signal);
      const { code, stderr } = await fetchInto(git, { mirrorDir, access, refspecs, signal });
      if (code === 0) {
        await tidy(mirrorDir, signal);
        return 'fetched';
      }
      const trouble = judgeFetch(stderr);
      if (trouble === 'unadvertised' || trouble === 'missing') {
        return 'absent';
      }
      if (isLast || trouble !== 'broken-mirror') {
        throw unreachable(access, stderr);
      }
    }
    throw new Error('the last try returns or throws');
  }

  return {
    generation,
    adopt,
    async refresh(mirrorDir, access, wanted, signal, read) {
      return await lock.hold(mirrorDir, signal, async () =>
        (await fetchRefs(mirrorDir, access, wanted, signal)) === 'absent' ? 'absent' : await read(),
      );
    },
    async treeOf(mirrorDir, sha, signal) {
      const { stdout, stderr } = await git.run({
        args: inMirror(mirrorDir, 'rev-parse', '--verify', `${refOf(sha)}^{tree}`),
        signal,
      });
      const tree = parseSha(stdout.trim());
      if (tree === undefined) {
        throw failed(`the tree of ${sha} could not be read`, stderr);
      }
      return tree;
    },
    async obtain(mirrorDir, access, revision, signal, broken) {
      const { sha } = revision;
      const seen = broken === undefined ? await inspect(mirrorDir, sha, signal) : 'broken';
      if (typeof seen === 'object') {
        return seen;
      }
      // Another checkout may bring the revision, or make the mirror anew, while this one waits.
      const isStale = lock.isHeld(mirrorDir) || seen === 'broken';
      return await lock.hold(mirrorDir, signal, async () => {
        let state: typeof seen | Declared = seen;
        if (isStale && broken !== generation(mirrorDir)) {
          state = await inspect(mirrorDir, sha, signal);
        }
        return await bringWhole(mirrorDir, access, revision, signal, state);
      });
    },
  };
}

/** The branch of the mirror that a revision is. */
export function refOf(sha: Sha): string {
  return `refs/heads/at-${sha}`;
}

function gone(access: Access, sha: Sha): AppError {
  return new AppError(
    'git.missing-revision',
    `${shownUrl(access.url.text)} has no revision ${sha} (any more): was it force-pushed away? The next push is built.`,
    { sha },
  );
}
