import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';

/** What trouble with a closure means for a build: nearly always that it is tried again, elsewhere. */
export function endingOf(error: unknown, what: string): BuildEnding {
  const isImpossible = isAppError(error) && error.code === 'closure.unsupported';
  return { kind: isImpossible ? 'unsupported' : 'infrastructure', reason: `${what}: ${messageOf(error)}` };
}

/** Whether trouble is about the way there, and not about what was to be carried. */
export function isOfTheWay(error: unknown): boolean {
  return isAppError(error) && (error.code === 'closure.broken' || error.code === 'closure.stalled');
}
