import type { Commands } from '../../src/ports/commands.ts';

/** Remembers what was asked and answers as told; by default all is done, and new evaluations are number 1. */
export function createFakeCommands(
  answers: Partial<Commands> = {},
): Commands & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  function remember<Verdict>(name: string, verdict: Verdict): (...what: unknown[]) => Promise<Verdict> {
    return (...what) => {
      asked.push([name, ...what]);
      return Promise.resolve(verdict);
    };
  }
  return {
    asked,
    poke: remember('poke', { kind: 'done', message: 'The next look comes at once.' }),
    trigger: remember('trigger', { kind: 'done', evaluationId: 1 }),
    approveEvaluation: remember('approveEvaluation', { kind: 'done' }),
    cancelEvaluation: remember('cancelEvaluation', { kind: 'done' }),
    restartEvaluation: remember('restartEvaluation', { kind: 'done', evaluationId: 1 }),
    restartFailed: remember('restartFailed', { kind: 'done' }),
    bumpEvaluation: remember('bumpEvaluation', { kind: 'done' }),
    restartJob: remember('restartJob', { kind: 'done' }),
    cancelJob: remember('cancelJob', { kind: 'done' }),
    bumpJob: remember('bumpJob', { kind: 'done' }),
    ...answers,
  };
}
