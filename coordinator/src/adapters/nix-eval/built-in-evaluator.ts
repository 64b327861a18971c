/** Evaluates with nothing but `nix`, any from 2.8 on. */
import { attributePath } from '@argunix/shared/domain/attribute-path';
import type { EvaluationEnding, Evaluator } from '../../ports/evaluator.ts';
import { type EvaluationRun, runEvaluation } from './evaluation-run.ts';
import type { EvaluationSpaces } from './evaluation-space.ts';
import { probeMessages } from './probe-messages.ts';
import { createHelpers, type HelpRule, USUAL_HELP } from './walk-backward.ts';
import { createWalkFindings, systemOf } from './walk-findings.ts';
import { walkForward } from './walk-forward.ts';

export function createBuiltInEvaluator(spaces: EvaluationSpaces, help: HelpRule = USUAL_HELP): Evaluator {
  return {
    name: 'built-in',
    identity: 'built-in',
    evaluate: (request, onFound, signal) =>
      runEvaluation(spaces, request, onFound, signal, (run) => walkFlake(run, new Set(), help)),
  };
}

/** `seen`: what was found before, by escaped path; it is evaluated again where need be, and not told. */
export async function walkFlake(
  run: EvaluationRun,
  seen: Set<string>,
  help: HelpRule = USUAL_HELP,
): Promise<EvaluationEnding> {
  const findings = createWalkFindings(run, seen);
  const helpers = createHelpers(run, findings, help);
  const ending = await walkForward({
    ...{ run, findings },
    mayStopAt: (path) => helpers.haveDoneFrom(path),
    onStart: (process) => helpers.watch(process),
    onDeath({ why }) {
      if (why === 'memory') {
        helpers.retire();
      }
    },
  });
  await helpers.close();
  if (ending === undefined || ending.kind === 'out_of_memory') {
    await probeMessages(run, findings.caught, ({ path, message }) =>
      run.batches.add({ kind: 'broken', attr: attributePath(path), system: systemOf(path), message }),
    );
  }
  return ending ?? { kind: 'complete', warnings: findings.warnings };
}
