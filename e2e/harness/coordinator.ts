/** A real coordinator as a process of its own, asked over HTTP like anybody asks it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { stringify } from 'yaml';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '../..');
const FROM_SOURCE = { command: join(ROOT, 'coordinator/bin/argunix'), args: [] };
const START_WITHIN_MS = 30_000;

/** Sandboxed where a test does not say otherwise; Debian's Nix needs a shell for it, and root without build users says so. */
export const SANDBOXED = `substituters =
experimental-features = nix-command flakes
build-users-group =
sandbox = true
extra-sandbox-paths = /bin/sh=/usr/bin/bash-static
max-jobs = 2
`;

export interface CoordinatorOptions {
  /** Holds the configuration and the state; the caller's to remove. */
  readonly dir: string;
  /** Merged over the usual configuration. */
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly nixConfig?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of `coordinator/bin/argunix`, which runs from source. */
  readonly program?: { readonly command: string; readonly args: readonly string[] };
}

export interface RunningCoordinator {
  readonly url: string;
  readonly process: ChildProcess;
  /** What it logged so far. */
  log(): string;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>>;
  evaluations(): Promise<readonly EvaluationView[]>;
  jobs(evaluationId: number): Promise<readonly JobView[]>;
  poke(forge: string): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** Undefined when it ended before it listened: then `ended` of the given `onSpawned` tells how. */
export async function startCoordinator(options: CoordinatorOptions): Promise<RunningCoordinator> {
  const { dir, configuration, nixConfig = SANDBOXED, env = {}, program = FROM_SOURCE } = options;
  const config = join(dir, 'argunix.yaml');
  await writeFile(
    config,
    stringify({
      external_url: 'http://ci.test',
      listen: '127.0.0.1:0',
      state_dir: join(dir, 'state'),
      ...configuration,
    }),
  );
  const child = spawn(program.command, [...program.args, 'serve', '--config', config], {
    env: { ...process.env, NODE_OPTIONS: '', NIX_CONFIG: nixConfig, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-1_000_000);
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? code ?? -1));
  });
  const url = await listeningUrl(child, ended, () => log);

  async function get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
    const response = await fetch(`${url}${path}`, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(START_WITHIN_MS),
    });
    if (!response.ok) {
      throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    }
    return schema.parse(await response.json());
  }
  return {
    url,
    process: child,
    log: () => log,
    ended,
    get,
    evaluations: () => get('/api/v1/evals?limit=100', z.array(EvaluationView)),
    jobs: (id) => get(`/api/v1/evals/${id}/jobs?limit=500`, z.array(JobView)),
    poke: async (forge) => {
      await fetch(`${url}/webhook/${forge}`, {
        method: 'POST',
        signal: AbortSignal.timeout(START_WITHIN_MS),
      });
    },
    kill: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

async function listeningUrl(
  child: ChildProcess,
  ended: Promise<unknown>,
  log: () => string,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const url = /^listening on (\S+)$/m.exec(said)?.[1];
    if (url !== undefined) {
      resolve(url);
    }
  });
  const late = setTimeout(() => reject(new Error(`it does not listen: ${log()}`)), START_WITHIN_MS);
  void ended.then((how) => reject(new CoordinatorEnded(String(how), log())));
  try {
    return await promise;
  } finally {
    clearTimeout(late);
  }
}

/** It ended before it listened. */
export class CoordinatorEnded extends Error {
  readonly how: string;

  constructor(how: string, log: string) {
    super(`the coordinator ended (${how}) before it listened: ${log.slice(-2_000)}`);
    this.how = how;
  }
}
