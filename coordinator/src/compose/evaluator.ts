/** An evaluator for a person's own flake: as Nix itself would evaluate it, with that person's files and credentials. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@argunix/shared/kit/logger';
import { nixSurroundings } from '@argunix/shared/nix/nix-surroundings';
import type { Evaluator } from '../ports/evaluator.ts';
import { openEvaluator } from './engine.ts';

export async function withOwnEvaluator<Result>(
  env: NodeJS.ProcessEnv,
  log: Logger,
  work: (evaluator: Evaluator) => Promise<Result>,
): Promise<Result> {
  const dir = await mkdtemp(join(tmpdir(), 'argunix-eval-'));
  const { evaluator, close } = await openEvaluator({
    dir,
    env: { ...env, ...nixSurroundings(env).env },
    log,
    confinement: 'none',
    prefer: null,
  });
  try {
    return await work(evaluator);
  } finally {
    await close();
    await rm(dir, { recursive: true, force: true });
  }
}
