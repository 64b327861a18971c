/**
 * What is built of a request: the merge into its base, where the forge has one whose parent is exactly the head that the
 * evaluation is of; else the head. The forge may take some seconds to work a merge out, and is not waited for without end.
 */
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import { isAppError, mayPass } from '@argunix/shared/kit/app-error';
import { retryDelayMs } from '../domain/retry-delay.ts';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';
import type { Forge } from '../ports/forge.ts';
import type { Source, SourceCheckout } from '../ports/source-checkout.ts';
import type { ForgeHealth } from './forge-health.ts';
import { keepTrying, type PatiencePorts } from './keep-trying.ts';

export interface MergePorts extends PatiencePorts {
  readonly evaluations: Pick<EvaluationStore, 'setBuilt'>;
  readonly checkout: Pick<SourceCheckout, 'fetchMerge'>;
  /** Undefined where the repository has no forge. */
  forgeOf(id: RepositoryId):
    | {
        readonly forge: Forge;
        readonly slug: RepositorySlug;
        readonly health: Pick<ForgeHealth, 'pause' | 'suspect'>;
      }
    | undefined;
}

// 1 + 2 + 4 + 8 s: GitHub works most merges out within five seconds.
const TRIES = 5;
const FIRST_WAIT_MS = 1_000;
// Of all tries together: a forge that does not answer at all is not waited for once for each.
const LONGEST_MS = 120_000;

/** Whether it is still to be found out what is built. */
export function isMergeOpen({ prNumber, builtRef }: Evaluation): boolean {
  return prNumber !== null && builtRef === null;
}

interface Built {
  readonly sha: Sha;
  readonly ref: GitRef;
}

/** Keeps what is built of a request; nothing of it is ever a reason not to build. */
export async function resolveMerge(
  ports: MergePorts,
  evaluation: Evaluation,
  source: Source,
  signal: AbortSignal,
): Promise<void> {
  const { id, prNumber, sha, repositoryId, ref } = evaluation;
  const at = ports.forgeOf(repositoryId);
  const request = { number: prNumber ?? 0, headSha: sha };
  const merge = at === undefined ? undefined : await findInTime(ports, at, request, source, signal);
  const headRef = at === undefined ? undefined : parseGitRef(at.forge.headRef(request.number));
  const built = merge ?? { sha, ref: headRef ?? ref };
  await keepTrying(ports, 'keep what is built of a request', signal, () =>
    ports.evaluations.setBuilt(id, built),
  );
}

interface AtForge {
  readonly forge: Forge;
  readonly slug: RepositorySlug;
}
interface Request {
  readonly number: number;
  readonly headSha: Sha;
}

async function findInTime(
  ports: MergePorts,
  at: AtForge,
  request: Request,
  source: Source,
  signal: AbortSignal,
): Promise<Built | undefined> {
  const { clock, log } = ports;
  const about = { forge: at.forge.name, slug: at.slug, ...request };
  const late = new AbortController();
  const over = new AbortController();
  void clock.sleep(LONGEST_MS, AbortSignal.any([signal, over.signal])).then(() => late.abort());
  try {
    return await findMerge(ports, at, request, source, AbortSignal.any([signal, late.signal]));
  } catch (error) {
    signal.throwIfAborted();
    // Also a mistake of ours: the head can be built all the same.
    log.error({ err: error, ...about, isLate: late.signal.aborted }, 'the merge of a request was not found');
    return undefined;
  } finally {
    over.abort();
  }
}

async function findMerge(
  { checkout, clock, log }: MergePorts,
  { forge, slug }: AtForge,
  request: Request,
  source: Source,
  signal: AbortSignal,
): Promise<Built | undefined> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    try {
      const answer = await forge.mergeResult(slug, request, signal);
      if (answer.kind === 'none') {
        log.info({ forge: forge.name, slug, ...request, reason: answer.reason }, 'the head itself is built');
        return undefined;
      }
      const ref = answer.kind === 'merge' ? parseGitRef(answer.ref) : undefined;
      if (ref !== undefined) {
        const merge = await checkout.fetchMerge(source, { ref, head: request.headSha }, signal);
        if (merge !== undefined) {
          return { sha: merge, ref };
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isAppError(error)) {
        throw error;
      }
      log.warn({ err: error, forge: forge.name, slug }, 'the merge of a request could not be asked for');
      if (!mayPass(error) || error.code === 'forge.unauthorized') {
        return undefined;
      }
    }
    if (tries < TRIES) {
      await clock.sleep(retryDelayMs(FIRST_WAIT_MS, tries), signal);
      signal.throwIfAborted();
    }
  }
  log.warn({ forge: forge.name, slug, ...request }, 'no merge of this head came: the head itself is built');
  return undefined;
}
