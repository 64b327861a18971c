/**
 * What one evaluation has while it runs, whatever evaluates: where it runs, how long and how much it may, where its
 * findings go, and its ending. The first cause that ends it is its ending; every process of it is gone before it is told.
 */
import { attributePath } from '@argunix/shared/domain/attribute-path';
import type { EvaluationEnding, EvaluationRequest, Found } from '../../ports/evaluator.ts';
import type { AttributeSegments } from './attribute-order.ts';
import type { EvaluationSpace, EvaluationSpaces } from './evaluation-space.ts';
import { type MemoryWatch, watchMemory } from './family-usage.ts';
import { flakeAddress } from './flake-address.ts';
import { createFoundBatches, type FoundBatches } from './found-batches.ts';
import { judgeFailure } from './judge-failure.ts';

export interface EvaluationRun {
  readonly request: EvaluationRequest;
  readonly space: EvaluationSpace;
  readonly flakeUrl: string;
  readonly batches: FoundBatches;
  readonly memory: MemoryWatch;
  /** Aborts when the evaluation has its ending. */
  readonly signal: AbortSignal;
  remainingMs(): number;
  /** Ends it, unless something did before. */
  end(ending: EvaluationEnding): void;
  /** What is being evaluated now, for the sentence about a deadline. */
  readonly underWay: Map<object, AttributeSegments>;
}

export type Walk = (run: EvaluationRun) => Promise<EvaluationEnding>;

export async function runEvaluation(
  spaces: EvaluationSpaces,
  request: EvaluationRequest,
  onFound: (found: readonly Found[]) => Promise<void>,
  signal: AbortSignal,
  walk: Walk,
): Promise<EvaluationEnding> {
  const startedAt = performance.now();
  const stop = new AbortController();
  const underWay = new Map<object, AttributeSegments>();
  let ending: EvaluationEnding | undefined;

  function end(cause: EvaluationEnding): void {
    ending ??= cause;
    stop.abort();
  }
  const onAbort = (): void => end({ kind: 'cancelled' });
  const timer = setTimeout(() => end(timedOut(request, underWay.values())), request.timeoutMs);
  let open: EvaluationSpace | undefined;
  const batches = createFoundBatches(
    async (found) => {
      await open?.settled();
      await onFound(found);
    },
    () => end({ kind: 'infrastructure', reason: 'What was found could not be stored.' }),
  );
  const memory = watchMemory(request.memoryBytes);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) {
    onAbort();
  }
  const remainingMs = (): number => Math.max(1, request.timeoutMs - (performance.now() - startedAt));

  try {
    const came = await inSpace(spaces, request, stop.signal, async (space) => {
      const address = await flakeAddress(request, space, remainingMs() + 1_000, stop.signal);
      if (address.kind !== 'address') {
        return address.kind === 'failed'
          ? judgeFailure(address.message, request, space)
          : timedOut(request, underWay.values());
      }
      open = space;
      const walked = await walk({
        ...{ request, space, flakeUrl: address.url, batches, memory, underWay },
        ...{ signal: stop.signal, remainingMs, end },
      });
      await batches.flush();
      return walked;
    });
    return ending ?? came;
  } finally {
    clearTimeout(timer);
    memory.close();
    signal.removeEventListener('abort', onAbort);
  }
}

async function inSpace(
  spaces: EvaluationSpaces,
  request: EvaluationRequest,
  signal: AbortSignal,
  use: (space: EvaluationSpace) => Promise<EvaluationEnding>,
): Promise<EvaluationEnding> {
  const { source, cacheKey, allowNetwork, memoryBytes } = request;
  const visible = source.kind === 'checkout' ? [source.mirrorDir, source.worktreeDir] : [];
  const inputs = source.kind === 'checkout' ? source.inputs : [];
  const opening = await spaces.open({ cacheKey, visible, inputs, allowNetwork, memoryBytes }, signal);
  if (opening.kind === 'refused') {
    return { kind: 'infrastructure', reason: opening.reason };
  }
  try {
    return await use(opening.space);
  } finally {
    await opening.space.close();
  }
}

function timedOut(request: EvaluationRequest, paths: Iterable<AttributeSegments>): EvaluationEnding {
  // Two processes may have met at one attribute.
  const names = [...new Set([...paths].map((path) => attributePath(path)))];
  const underWay =
    names.length === 0 ? '' : `; ${names.join(' and ')} ${names.length === 1 ? 'was' : 'were'} under way`;
  return {
    kind: 'timed_out',
    reason: `The evaluation took longer than the ${request.timeoutMs / 1_000} s that eval.timeout_seconds allows${underWay}.`,
  };
}
