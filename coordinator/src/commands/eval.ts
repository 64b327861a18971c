import { silentLogger } from '@argunix/shared/kit/logger';
import { withOwnEvaluator } from '../compose/evaluator.ts';
import type { Found } from '../ports/evaluator.ts';
import { chooseFlake } from './flake-choice.ts';
import { OWN_LIMITS } from './own-limits.ts';

/** Prints the jobs of a flake as they are found. 1 when it cannot be evaluated, or when an attribute of it cannot. */
export async function evaluate(
  flake: string,
  options: { readonly systems?: string; readonly attrs?: string },
): Promise<number> {
  const { reference, ...choice } = chooseFlake(flake, options);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  let brokenCount = 0;
  const ending = await withOwnEvaluator(process.env, silentLogger, (evaluator) =>
    evaluator.evaluate(
      { ...OWN_LIMITS, ...choice, cacheKey: 'own', source: { kind: 'reference', reference } },
      async (found) => {
        brokenCount += found.filter(({ kind }) => kind === 'broken').length;
        await writeLines(found.map(toLine));
      },
      stop.signal,
    ),
  );
  if (ending.kind !== 'complete') {
    process.stderr.write(`argunix eval: ${ending.kind === 'cancelled' ? 'cancelled' : ending.reason}\n`);
    return 1;
  }
  return brokenCount === 0 ? 0 : 1;
}

/** The shape of a job in the API, as far as it is known before it is built. */
function toLine(found: Found): string {
  if (found.kind === 'broken') {
    return JSON.stringify({ attr: found.attr, system: found.system, error: found.message });
  }
  return JSON.stringify({
    attr: found.attr,
    system: found.system,
    name: found.name,
    drv_path: found.drvPath,
    outputs: found.outputs,
    required_features: found.requiredFeatures,
    description: found.description,
    main_program: found.mainProgram,
  });
}

/** Holds the evaluator back while a reader is slow; one that went away ends the wait. */
async function writeLines(lines: readonly string[]): Promise<void> {
  if (!process.stdout.write(`${lines.join('\n')}\n`)) {
    await new Promise<void>((resolve) => {
      process.stdout.once('drain', resolve);
      process.stdout.once('close', resolve);
    });
  }
}
