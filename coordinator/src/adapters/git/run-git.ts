/** Starts git with an environment of its own: no terminal, no configuration but ours, only the transports of the step. */
import { AppError } from '@argunix/shared/kit/app-error';
import {
  describeEnding,
  type FinishedProcess,
  type ProcessEnding,
  type RunningProcess,
  runProcess,
  startProcess,
} from '@argunix/shared/kit/run-process';
import { makeGitHome } from './git-home.ts';
import type { Transport } from './repository-url.ts';

export interface GitStep {
  readonly args: readonly string[];
  /** What git may fetch by in this step; nothing unless told. */
  readonly transports?: readonly Transport[];
  /** Credentials, and who we are to ssh: of the access to one repository. */
  readonly env?: Readonly<Record<string, string>>;
  /** Settings for this step alone, handed over by the environment. */
  readonly config?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What a sentence about this step begins with. */
  readonly about?: string;
  readonly signal: AbortSignal;
}

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Git {
  /** What it said, whatever its exit code. Throws when it did not come to one, and the signal's reason when aborted. */
  run(step: GitStep): Promise<Said>;
  /** For output that is read as it comes; `judge` turns its ending into a code or throws as `run` does. */
  start(step: GitStep): Promise<RunningProcess>;
  judge(step: GitStep, ending: ProcessEnding): number;
}

export interface GitOptions {
  readonly gitBin: string;
  readonly homeDir: string;
  readonly stepTimeoutMs: number;
  /** Of it, only the names below are passed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

// What a host needs to find its programs, its proxies and the certificates that it trusts.
const PASSED_ON = [
  'PATH',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NIX_SSL_CERT_FILE',
  'GIT_SSL_CAINFO',
];

export function createGit(options: GitOptions): Git {
  const passedOn = Object.fromEntries(PASSED_ON.map((name) => [name, options.environment[name]]));
  let home: ReturnType<typeof makeGitHome> | undefined;

  async function prepare(step: GitStep): Promise<Parameters<typeof runProcess>[0]> {
    home ??= makeGitHome(options.homeDir);
    const { dir, configPath } = await home;
    return {
      command: options.gitBin,
      args: step.args,
      cwd: step.cwd ?? dir,
      env: {
        ...passedOn,
        ...step.env,
        ...configEnvironment(step.config ?? {}),
        HOME: dir,
        XDG_CONFIG_HOME: dir,
        LC_ALL: 'C',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: configPath,
        GIT_ATTR_NOSYSTEM: '1',
        // Without it git would take a repository around the state directory for the one that is meant.
        GIT_CEILING_DIRECTORIES: dir,
        GIT_TERMINAL_PROMPT: '0',
        GIT_ALLOW_PROTOCOL: (step.transports ?? []).join(':'),
      },
      deadlineMs: options.stepTimeoutMs,
      signal: step.signal,
      graceMs: 2_000,
      // TERM, not KILL: git then takes its lock files with it.
      whenOrphaned: 'TERM',
    };
  }

  function judge(step: GitStep, ending: ProcessEnding): number {
    if (ending.kind === 'exited') {
      return ending.code;
    }
    if (ending.kind === 'cancelled') {
      step.signal.throwIfAborted();
    }
    const verb = verbOf(step);
    const about = step.about === undefined ? '' : `${step.about}: `;
    throw ending.kind === 'timed_out' && step.transports !== undefined
      ? new AppError(
          'git.unreachable',
          `${about}git ${verb} was not done after ${options.stepTimeoutMs / 1_000} s and was ended`,
        )
      : new AppError('git.failed', `${about}git ${verb} ${describeEnding(ending)}`);
  }

  return {
    judge,
    async start(step) {
      return startProcess(await prepare(step));
    },
    async run(step) {
      const finished: FinishedProcess = await runProcess(await prepare(step));
      const code = judge(step, finished.ending);
      if (finished.isTruncated) {
        throw new AppError('git.failed', `git ${verbOf(step)} said too much`);
      }
      return { code, stdout: finished.stdout, stderr: finished.stderr };
    },
  };
}

function verbOf({ args }: GitStep): string {
  return args.find((arg) => !arg.startsWith('-')) ?? '';
}

/** git-config(1), GIT_CONFIG_COUNT: settings that show in no process list. */
function configEnvironment(config: Readonly<Record<string, string>>): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(Object.keys(config).length) };
  for (const [index, [key, value]] of Object.entries(config).entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}
