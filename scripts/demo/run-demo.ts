import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApiClient } from './api-client.ts';
import { type CoordinatorProcess, lastLines, startCoordinator } from './coordinator-process.ts';
import { hostSystem, writeConfiguration } from './demo-configuration.ts';
import { type Expectations, judgeJobs, parseExpectations } from './expectations.ts';
import { followEvaluation, type Snapshot } from './follow.ts';
import { findNixSettings, nixConfig } from './nix-settings.ts';
import type { DemoOptions } from './options.ts';
import { printable } from './printable.ts';
import { createProgress, type Screen } from './progress.ts';
import { createOwnRepository, createSampleRepository, type SourceRepository } from './source-repository.ts';
import { tellResult, tellWhatNow } from './tell.ts';

const ROOT = join(import.meta.dirname, '../..');
const SAMPLE = join(import.meta.dirname, 'sample');
const FORGE = 'here';
const SLUG = 'demo/sample';
// The sample takes seconds; a flake of one's own takes what it takes.
const SAMPLE_MS = 10 * 60_000;
const OWN_FLAKE_MS = 24 * 60 * 60_000;

export interface DemoOutput {
  /** For people. */
  readonly screen: Screen;
  /** For programs: with --json, the one object. */
  readonly json: (text: string) => void;
}

/** Returns the exit code. Throws a sentence when the demo cannot be given, and something when it is interrupted before its end. */
export async function runDemo(
  options: DemoOptions,
  output: DemoOutput,
  signal: AbortSignal,
): Promise<number> {
  const { stateDirectory, flakeDirectory } = options;
  mkdirSync(stateDirectory, { recursive: true });
  const settings = await findNixSettings(signal);
  if (!settings.isSandboxed) {
    output.screen.write("Nix's sandbox does not work on this machine; building without it.\n");
  }
  const repository =
    flakeDirectory === undefined
      ? await createSampleRepository(SAMPLE, stateDirectory, signal)
      : await createOwnRepository(flakeDirectory, stateDirectory, signal);
  const logPath = join(stateDirectory, 'coordinator.log');
  const coordinator = await startCoordinator(
    {
      command: join(ROOT, 'coordinator/bin/argunix'),
      configPath: await writeConfiguration({
        stateDirectory,
        port: options.port,
        forge: FORGE,
        slug: SLUG,
        repositoryUrl: repository.url,
      }),
      logPath,
      env: { ...process.env, NIX_CONFIG: coordinatorNixConfig(settings.lines, flakeDirectory === undefined) },
    },
    signal,
  );
  // Whichever comes first ends the demo: a wish, or the coordinator by itself.
  const gone = new AbortController();
  void abortWhenEnded(coordinator, gone, logPath);
  try {
    return await giveDemo(options, output, repository, coordinator, AbortSignal.any([signal, gone.signal]));
  } catch (error) {
    throw gone.signal.aborted ? gone.signal.reason : error;
  } finally {
    await coordinator.stop();
  }
}

async function abortWhenEnded(
  coordinator: CoordinatorProcess,
  gone: AbortController,
  logPath: string,
): Promise<void> {
  const sentence = await coordinator.ended;
  gone.abort(
    new Error(`the coordinator ${sentence} by itself; the end of ${logPath}:\n${lastLines(logPath)}`),
  );
}

async function giveDemo(
  options: DemoOptions,
  { screen, json }: DemoOutput,
  repository: SourceRepository,
  coordinator: CoordinatorProcess,
  signal: AbortSignal,
): Promise<number> {
  screen.write(`The coordinator is at ${coordinator.url}\n`);
  const snapshot = await pushAndFollow(options, screen, repository, coordinator, signal);
  if (options.isJson) {
    json(`${JSON.stringify({ ...snapshot.evaluation, jobs: snapshot.jobs })}\n`);
  }
  const complaints = judgeJobs(snapshot.evaluation, snapshot.jobs, expectationsOf(options));
  for (const complaint of complaints) {
    screen.write(`Not as expected: ${printable(complaint)}\n`);
  }
  if (options.isOnce) {
    return complaints.length === 0 ? 0 : 1;
  }
  tellWhatNow(repository.howToPush, coordinator.url, screen);
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) {
      resolve();
    }
  });
  if (signal.reason instanceof Error && signal.reason.name !== 'AbortError') {
    throw signal.reason;
  }
  screen.write('Stopping.\n');
  return 0;
}

async function pushAndFollow(
  options: DemoOptions,
  screen: Screen,
  repository: SourceRepository,
  coordinator: CoordinatorProcess,
  signal: AbortSignal,
): Promise<Snapshot> {
  const api = createApiClient(coordinator.url, signal);
  const sha = await repository.push(signal);
  screen.write(`Pushed ${sha.slice(0, 12)} to ${repository.url}\n`);
  if (repository.note !== undefined) {
    screen.write(`(${repository.note})\n`);
  }
  await api.poke(FORGE);
  const progress = createProgress(screen);
  const snapshot = await followEvaluation({
    api,
    repository: `${FORGE}/${SLUG}`,
    sha,
    deadlineMs: options.flakeDirectory === undefined ? SAMPLE_MS : OWN_FLAKE_MS,
    onSnapshot: (current) => progress.show(current),
    signal,
  }).finally(() => progress.end());
  await tellResult(snapshot, api, screen);
  return snapshot;
}

function coordinatorNixConfig(lines: readonly string[], isSample: boolean): string {
  return nixConfig([
    'experimental-features = nix-command flakes',
    ...lines,
    // The sample needs nothing from anywhere, and without a network a substituter is asked for seconds.
    ...(isSample ? ['substituters ='] : []),
  ]);
}

function expectationsOf({ flakeDirectory }: DemoOptions): Expectations | undefined {
  return flakeDirectory === undefined
    ? parseExpectations(readFileSync(join(SAMPLE, 'expected.json'), 'utf8'), hostSystem())
    : undefined;
}
