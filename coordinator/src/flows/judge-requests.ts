/**
 * Asks forges about the people of requests that nobody has vouched for, and lets go on what is trusted; the rest waits
 * for approval. A forge that cannot answer leaves a request waiting, and is asked again. One request is asked about once
 * at a time; several at once.
 */
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Login } from '../domain/forge-event.ts';
import { retryDelayMs } from '../domain/retry-delay.ts';
import { judgeRequest, peopleToAskAbout, type TrustVerdict } from '../domain/trust-policy.ts';
import type { Changes } from '../ports/changes.ts';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';
import type { Forge } from '../ports/forge.ts';
import type { ForgeHealth } from './forge-health.ts';
import { keepTrying, type PatiencePorts } from './keep-trying.ts';

/** Where the people of a request are known. */
export interface RequestGate {
  readonly forge: Forge;
  readonly health: Pick<ForgeHealth, 'working'>;
  readonly slug: RepositorySlug;
  readonly allowlist: readonly string[];
}

export interface JudgePorts extends PatiencePorts {
  readonly evaluations: EvaluationStore;
  readonly changes: Changes;
  /** Undefined for a repository that is not at a forge of the configuration (any more). */
  gateOf(id: RepositoryId): RequestGate | undefined;
  /** One was let go on. */
  onQueued(): void;
}

export interface RequestJudge {
  /** There may be requests to be asked about. */
  wake(): void;
  /** When nobody is being asked any more, once the signal has aborted. */
  ended(): Promise<void>;
}

export function createRequestJudge(ports: JudgePorts, signal: AbortSignal): RequestJudge {
  const { evaluations, log } = ports;
  const asking = new Map<EvaluationId, Promise<void>>();

  async function ask(evaluation: Evaluation): Promise<void> {
    try {
      await askUntilAnswered(ports, evaluation, signal);
    } catch (error) {
      if (!signal.aborted) {
        log.error({ err: error, evaluationId: evaluation.id }, 'whom to trust could not be asked');
      }
    } finally {
      asking.delete(evaluation.id);
    }
  }

  return {
    wake: () => {
      if (signal.aborted) {
        return;
      }
      for (const evaluation of evaluations.living(['awaiting_approval'])) {
        if (evaluation.awaits === 'forge' && !asking.has(evaluation.id)) {
          asking.set(evaluation.id, ask(evaluation));
        }
      }
    },
    ended: async () => {
      await Promise.all(asking.values());
    },
  };
}

async function askUntilAnswered(
  ports: JudgePorts,
  { id, repositoryId }: Evaluation,
  signal: AbortSignal,
): Promise<void> {
  const { evaluations, clock } = ports;
  for (let failures = 1; !signal.aborted; failures += 1) {
    // A new push, an approval or the end of the request may have come meanwhile.
    const evaluation = evaluations.find(id);
    const gate = ports.gateOf(repositoryId);
    if (evaluation?.status !== 'awaiting_approval' || evaluation.awaits !== 'forge' || gate === undefined) {
      return;
    }
    const verdict = await judge(evaluation, gate, signal);
    if (verdict.kind !== 'unanswered') {
      if (await settle(ports, evaluation, verdict, signal)) {
        return;
      }
      // It was not as it had been when it was judged: who pushed it is known now, or it has ended.
      continue;
    }
    const { pusher } = evaluation;
    await tell(ports, id, () => evaluations.hold(id, 'forge', verdict.reason, pusher), signal);
    await clock.sleep(Math.min(retryDelayMs(ports.retryMs, failures), 300_000), signal);
    await gate.health.working(signal);
  }
}

async function judge(
  { author, pusher, prNumber }: Evaluation,
  { forge, slug, allowlist }: RequestGate,
  signal: AbortSignal,
): Promise<TrustVerdict | { readonly kind: 'unanswered'; readonly reason: string }> {
  let facts = { author: author ?? '', pusher, allowlist };
  const answers = new Map<Login, boolean>();
  try {
    if (isNumber(facts.author) && allowlist.length > 0) {
      const requests = await forge.openRequests(slug, signal);
      const found = requests.find(({ number }) => number === prNumber);
      facts = { ...facts, author: found?.author ?? facts.author };
    }
    for (const login of peopleToAskAbout(facts)) {
      answers.set(login, await forge.mayPush(slug, login, signal));
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!isAppError(error)) {
      throw error;
    }
    // Whether a person is trusted is not known; what lacks a right stays so until somebody gives it.
    return { kind: 'unanswered', reason: `Who may build here could not be asked yet: ${messageOf(error)}` };
  }
  return judgeRequest(facts, answers);
}

/** Some deliveries of GitLab name the author by a number alone, which no allowlist has. */
function isNumber(login: Login): boolean {
  return login.startsWith('#');
}

/** False when it is not what it was when it was judged. */
async function settle(
  ports: JudgePorts,
  { id, pusher }: Evaluation,
  verdict: TrustVerdict,
  signal: AbortSignal,
): Promise<boolean> {
  if (verdict.kind === 'trusted') {
    const isApproved = await tell(ports, id, () => ports.evaluations.approve(id, verdict.because), signal);
    ports.onQueued();
    return isApproved;
  }
  const { reason } = verdict;
  return await tell(ports, id, () => ports.evaluations.hold(id, 'approval', reason, pusher), signal);
}

async function tell(
  ports: JudgePorts,
  id: EvaluationId,
  change: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  const hasChanged = await keepTrying(ports, 'keep whom to trust', signal, change);
  if (hasChanged) {
    ports.changes.tell({ kind: 'evaluation', evaluationId: id });
  }
  return hasChanged;
}
