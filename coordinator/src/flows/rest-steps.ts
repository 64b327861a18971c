/** Taken steps that wait for their next try, in nobody's way. */
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Step } from '../domain/queue/step.ts';

export interface Rest {
  readonly afterMs: number;
  /** Why it was not done with the last try. */
  readonly reason: string;
  readonly wasDispatched: boolean;
}

export interface RestingSteps {
  /** Its next try may come after so long. Resolves when it was put back. */
  rest(step: Step, rest: Rest): Promise<void>;
  of(drvPath: DerivationPath): { readonly reason: string; readonly until: number } | undefined;
  /** Nobody wants it any more: there is nothing to wait for. */
  abort(drvPath: DerivationPath): void;
}

export function createRestingSteps(
  clock: Clock,
  putBack: (step: Step, wasDispatched: boolean) => void,
  signal: AbortSignal,
): RestingSteps {
  const resting = new Map<
    DerivationPath,
    { readonly reason: string; readonly until: number; readonly wait: AbortController }
  >();
  return {
    rest: async (step, { afterMs, reason, wasDispatched }) => {
      if (afterMs > 0) {
        const wait = new AbortController();
        resting.set(step.drvPath, { reason, until: clock.now() + afterMs, wait });
        await clock.sleep(afterMs, AbortSignal.any([wait.signal, signal]));
        resting.delete(step.drvPath);
      }
      putBack(step, wasDispatched);
    },
    of: (drvPath) => resting.get(drvPath),
    abort: (drvPath) => resting.get(drvPath)?.wait.abort(),
  };
}
