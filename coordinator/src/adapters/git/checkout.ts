/**
 * `SourceCheckout` by git: a bare mirror for each repository, a worktree for each evaluation. One coordinator alone uses
 * its directories; within it callers may be concurrent.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { AppError } from '@argunix/shared/kit/app-error';
import { createKeyedLock } from '@argunix/shared/kit/keyed-lock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { FlakeSource } from '../../ports/evaluator.ts';
import type { Source, SourceCheckout } from '../../ports/source-checkout.ts';
import { type Access, type AccessOptions, ownAccess } from './access.ts';
import { knownHostsIn } from './git-home.ts';
import { createGrants, type Grant } from './grants.ts';
import { bringInputs } from './input-mirrors.ts';
import { lookAt } from './look.ts';
import { fetchMerge } from './merge-result.ts';
import { createMirrors } from './mirror.ts';
import { placeRevision } from './place-revision.ts';
import { findReachingRef } from './reachability.ts';
import { parseRepositoryUrl } from './repository-url.ts';
import { createGit } from './run-git.ts';
import { makeReadable } from './worktree.ts';

interface GitCheckoutOptions {
  readonly mirrorsDir: string;
  readonly worktreesDir: string;
  readonly credentialOf: AccessOptions['credentialOf'];
  readonly log: Logger;
  readonly gitBin?: string;
  /** Of each git process. */
  readonly stepTimeoutMs?: number;
  /** Where PATH, proxies, certificates and the SSH agent are taken from. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** What git checks out is always a worktree. */
export interface GitCheckout extends SourceCheckout {
  checkOut(
    ...args: Parameters<SourceCheckout['checkOut']>
  ): Promise<Extract<FlakeSource, { kind: 'checkout' }>>;
}

export function createGitCheckout(options: GitCheckoutOptions): GitCheckout {
  const { mirrorsDir, worktreesDir, log } = options;
  const environment = options.environment ?? process.env;
  const homeDir = join(mirrorsDir, '.home');
  const git = createGit({
    gitBin: options.gitBin ?? 'git',
    homeDir,
    // 300 s: the first clone of nixpkgs takes about half of that on a fast line.
    stepTimeoutMs: options.stepTimeoutMs ?? 300_000,
    environment,
  });
  const lock = createKeyedLock();
  const mirrors = createMirrors({ git, lock, log });
  const worktreeDir = (id: EvaluationId): string => join(worktreesDir, String(id));

  const mirrorOf = (source: Source): string => join(mirrorsDir, `${source.repositoryId}.git`);
  const accessOptions = {
    credentialOf: options.credentialOf,
    sshAgent: environment['SSH_AUTH_SOCK'],
    knownHostsPath: knownHostsIn(homeDir),
  };

  async function accessTo({ url, credential }: Source, signal: AbortSignal): Promise<Access> {
    const verdict = parseRepositoryUrl(url);
    if (verdict.kind === 'refused') {
      throw new AppError('git.refused', `the URL of the repository: ${verdict.reason}`);
    }
    return await ownAccess(verdict.url, credential, accessOptions, signal);
  }

  async function remove(id: EvaluationId): Promise<void> {
    await rm(worktreeDir(id), { recursive: true, force: true, maxRetries: 3 });
  }

  return {
    async look(source, signal) {
      return await lookAt(git, await accessTo(source, signal), log, signal);
    },

    async checkOut(source, { sha, ref, isTrusted }, evaluationId, signal) {
      const access = await accessTo(source, signal);
      const grants = createGrants(source, isTrusted, join(mirrorsDir, 'granted'));
      const toGrant = async ({ url, credential }: Grant): Promise<Access> =>
        await ownAccess(url, credential, accessOptions, signal);
      const mirrorDir = mirrorOf(source);
      const dir = worktreeDir(evaluationId);
      // What a coordinator that was killed had begun for this very evaluation.
      await remove(evaluationId);
      try {
        const declared = await placeRevision(
          { git, lock, mirrors, access, grants, accessTo: toGrant, mirrorDir, dir, signal },
          { sha, ref },
        );
        await makeReadable(dir);
        const inputs = await bringInputs({ git, mirrors, log, accessTo: toGrant }, grants.all, signal);
        return { kind: 'checkout', worktreeDir: dir, mirrorDir, sha, ...declared, inputs };
      } catch (error) {
        await remove(evaluationId);
        throw error;
      }
    },

    async treeOf(source, { sha, ref }, signal) {
      const mirrorDir = mirrorOf(source);
      await mirrors.obtain(mirrorDir, await accessTo(source, signal), { sha, ref }, signal);
      return await mirrors.treeOf(mirrorDir, sha, signal);
    },

    async fetchMerge(source, merge, signal) {
      const from = { mirrorDir: mirrorOf(source), access: await accessTo(source, signal) };
      return await fetchMerge({ git, mirrors }, from, merge, signal);
    },

    async isReachable(source, sha, signal) {
      const from = { mirrorDir: mirrorOf(source), access: await accessTo(source, signal) };
      return await findReachingRef({ git, mirrors }, from, sha, signal);
    },

    remove,

    async sweep(living) {
      const kept = new Set([...living].map(String));
      for (const name of await readdir(worktreesDir).catch(() => [])) {
        if (/^\d+$/.test(name) && !kept.has(name)) {
          await rm(join(worktreesDir, name), { recursive: true, force: true, maxRetries: 3 });
        }
      }
    },
  };
}
