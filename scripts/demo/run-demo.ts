import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import { systemClock } from '@argunix/shared/kit/clock';
import { createProgress } from '@argunix/shared/terminal/progress';
import type { Screen } from '@argunix/shared/terminal/screen';
import { terminalText } from '@argunix/shared/terminal/text';
import { type Agents, startAgents } from './agent-process.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { isAnswered, restartEvaluation } from './control.ts';
import { type CoordinatorProcess, lastLines, startCoordinator } from './coordinator-process.ts';
import { controlSocket, hostSystem, writeConfiguration } from './demo-configuration.ts';
import { type Expectations, judgeJobs, parseExpectations } from './expectations.ts';
import { followEvaluation, type Snapshot } from './follow.ts';
import { freePort } from './free-port.ts';
import { findNixSettings, nixConfig } from './nix-settings.ts';
import type { DemoOptions } from './options.ts';
import { createOwnRepository } from './own-repository.ts';
import { createSampleRepository } from './sample-repository.ts';
import type { SourceRepository } from './source-repository.ts';
import { tellResult, tellVerdict, tellWhatNow } from './tell.ts';

const ROOT = join(import.meta.dirname, '../..');
const SAMPLE = join(import.meta.dirname, 'sample');
const FORGE = 'here';
const SLUG = 'demo/sample';
const REPOSITORY = `${FORGE}/${SLUG}`;
// The sample takes seconds; a flake of one's own takes what it takes.
const SAMPLE_MS = 10 * 60_000;
const USUAL_SSH_PORT = 2222;
const ENROLL_MS = 60_000;
const LOOK_MS = 100;
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
  // Whoever may open the control socket in there is the operator.
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  if (await isAnswered(controlSocket(stateDirectory))) {
    throw new Error(
      `another demo runs in ${stateDirectory}: stop it first, or give this one a directory of its own with --state`,
    );
  }
  const [settings, repository] = await Promise.all([
    findNixSettings(signal),
    flakeDirectory === undefined
      ? createSampleRepository(SAMPLE, stateDirectory, signal)
      : createOwnRepository(flakeDirectory, stateDirectory, signal),
  ]);
  if (!settings.isSandboxed) {
    output.screen.write("Nix's sandbox does not work on this machine; building without it.\n");
  }
  const logPath = join(stateDirectory, 'coordinator.log');
  const enrollment = await enrollmentOf(options);
  const env = {
    ...process.env,
    NIX_CONFIG: coordinatorNixConfig(settings.lines, flakeDirectory === undefined),
  };
  const coordinator = await startCoordinator(
    {
      command: join(ROOT, 'coordinator/bin/argunix'),
      configPath: await writeConfiguration({
        stateDirectory,
        port: options.port,
        forge: FORGE,
        slug: SLUG,
        repositoryUrl: repository.url,
        enrollment,
      }),
      logPath,
      env,
    },
    signal,
  );
  // Whichever comes first ends the demo: a wish, or the coordinator by itself.
  const gone = new AbortController();
  void abortWhenEnded(coordinator, gone, logPath);
  const either = AbortSignal.any([signal, gone.signal]);
  let agents: Agents | undefined;
  try {
    if (enrollment !== null) {
      agents = startAgents({
        ...enrollment,
        command: join(ROOT, 'builder-agent/bin/argunix-builder'),
        stateDirectory,
        count: options.builders,
        env,
      });
      void agents.lost.then((sentence) => gone.abort(new Error(sentence)));
      await awaitAgents(createApiClient(coordinator.url, either), agents, either);
      output.screen.write(`${tellAgents(agents.names)} enrolled over SSH, at 127.0.0.1:${enrollment.port}\n`);
    }
    return await giveDemo(options, output, repository, coordinator, either);
  } catch (error) {
    throw gone.signal.aborted ? gone.signal.reason : error;
  } finally {
    await Promise.all([coordinator.stop(), agents?.stop()]);
  }
}

interface Enrollment {
  readonly port: number;
  readonly tokenPath: string;
}

async function enrollmentOf({ builders, stateDirectory }: DemoOptions): Promise<Enrollment | null> {
  if (builders === 0) {
    return null;
  }
  const tokenPath = join(stateDirectory, 'enrollment-token');
  if (!existsSync(tokenPath)) {
    writeFileSync(tokenPath, randomBytes(24).toString('base64url'), { mode: 0o600 });
  }
  return { port: await freePort(USUAL_SSH_PORT), tokenPath };
}

async function awaitAgents(api: ApiClient, { names, lost }: Agents, signal: AbortSignal): Promise<void> {
  const timeout = AbortSignal.timeout(ENROLL_MS);
  for (let ready: readonly string[] = []; !names.every((name) => ready.includes(name)); ) {
    signal.throwIfAborted();
    if (timeout.aborted) {
      throw new Error('a builder did not enroll within a minute; its log is beside that of the coordinator');
    }
    ready = await api.readyBuilders();
    await Promise.race([lost, systemClock.sleep(LOOK_MS, signal)]);
  }
}

function tellAgents(names: readonly string[]): string {
  return names.length === 1 ? `${names[0]} has` : `${names.join(', ')} have`;
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
  const expectations = expectationsOf(options);
  const complaints = judgeJobs(snapshot.evaluation, snapshot.jobs, expectations);
  if (expectations !== undefined) {
    tellVerdict(complaints, screen);
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
  const newest = await api.newestEvaluation(REPOSITORY);
  const sha = await repository.push(signal);
  screen.write(`Pushed ${sha.slice(0, 12)} to ${repository.url}\n`);
  if (repository.note !== undefined) {
    screen.write(`${terminalText(repository.note)}\n`);
  }
  await api.poke(FORGE);
  await evaluateAnyway(options, screen, api, sha, newest, signal);
  const progress = createProgress(screen, () => systemClock.now());
  const snapshot = await followEvaluation({
    api,
    repository: REPOSITORY,
    sha,
    deadlineMs: options.flakeDirectory === undefined ? SAMPLE_MS : OWN_FLAKE_MS,
    onSnapshot: ({ evaluation, jobs }) => progress.show(evaluation, jobs),
    signal,
  }).finally(() => progress.end());
  await tellResult(snapshot, api, screen);
  return snapshot;
}

/** Where the push brought nothing new, whoever started the demo still wants to see an evaluation. */
async function evaluateAnyway(
  { stateDirectory }: DemoOptions,
  screen: Screen,
  api: ApiClient,
  sha: string,
  newest: number,
  signal: AbortSignal,
): Promise<void> {
  const known = await api.findEvaluation(REPOSITORY, sha);
  if (known === undefined || known.id > newest) {
    return;
  }
  if (isEvaluationEnded(known.status)) {
    const again = await restartEvaluation(controlSocket(stateDirectory), known.id, signal);
    screen.write(`That was evaluated before, as ${known.id}; it is evaluated again as ${again.id}.\n`);
  } else {
    screen.write(`Evaluation ${known.id} of it was interrupted, and goes on.\n`);
  }
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
