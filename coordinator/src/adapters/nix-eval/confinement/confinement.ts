/**
 * Where flakes of strangers are evaluated: namespaces of their own, an unprivileged user, the store read-only, a Nix
 * daemon's socket, the source, a home that is kept per cache key, and nothing else of the host. What it does not hold:
 * another address of this host than its loopback stays reachable when the network is allowed; who knows a store path
 * can read it; a system daemon downloads in its own network what is imported from derivations.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { plainText } from '@argunix/shared/domain/plain-text';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import { describeEnding, outputOf, runProcess } from '@argunix/shared/kit/run-process';
import { daemonTrustOf } from '@argunix/shared/nix/daemon-trust';
import type { NixConfiguration } from '@argunix/shared/nix/nix-configuration';
import {
  type EvaluationSpace,
  type EvaluationSpaces,
  limitedCommand,
  type SpaceNeeds,
  type SpaceOpening,
} from '../evaluation-space.ts';
import { endOrphans } from './end-orphans.ts';
import { findProgram } from './find-program.ts';
import { gitConfig } from './git-config.ts';
import { type NetworkNamespace, openNetwork } from './network-namespace.ts';
import { accepts, createOwnDaemon, type OwnDaemon } from './own-daemon.ts';
import { NOBODY, type Sandbox, sandboxCommand } from './sandbox-command.ts';
import { type SandboxFiles, writeSandboxFiles } from './sandbox-files.ts';

export interface ConfinementOptions {
  /** For what is kept between evaluations, sockets and scratch space; ours alone. */
  readonly dir: string;
  /** Ours: PATH, and what Nix is to be told (NIX_CONFIG). Nothing of it is seen inside. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Of the Nix that is first on PATH. */
  readonly settings: NixConfiguration;
  /** Programs that live outside of /usr, /nix and the other system directories. */
  readonly extraSystemPaths?: readonly string[];
  readonly systemDaemonSocket?: string;
}

export interface Confinement extends EvaluationSpaces {
  /** Ends the daemons of ours. */
  close(): Promise<void>;
}

export type ConfinementVerdict =
  | { readonly kind: 'confined'; readonly confinement: Confinement }
  /** One sentence that says what to do. */
  | { readonly kind: 'missing'; readonly reason: string };

const SYSTEM_PATHS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/run/current-system'];
const NEEDED = [
  ['bwrap', 'bubblewrap'],
  ['setpriv', 'util-linux'],
  ['prlimit', 'util-linux'],
  ['nix', 'Nix 2.8 or newer'],
] as const;

export async function createConfinement(options: ConfinementOptions): Promise<ConfinementVerdict> {
  const { env, dir, settings } = options;
  const path = env['PATH'] ?? '';
  const missing = NEEDED.find(([program]) => findProgram(program, path) === undefined);
  if (process.platform !== 'linux') {
    return { kind: 'missing', reason: 'Evaluations are confined on Linux only; run the coordinator there.' };
  }
  if (missing !== undefined) {
    return {
      kind: 'missing',
      reason: `Evaluations cannot be confined without ${missing[0]}: install ${missing[1]}.`,
    };
  }
  const isRoot = userInfo().uid === 0;
  try {
    const nix = await realpath(findProgram('nix', path) ?? 'nix');
    if (isRoot && !existsSync('/nix/store')) {
      await outputOf({ command: join(dirname(nix), 'nix-store'), args: ['--init'], env, deadlineMs: 20_000 });
    }
    const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : userInfo();
    // What a crash left behind; the instance lock says that nobody else is at work here.
    const orphans = endOrphans(dir);
    if (orphans > 0) {
      options.logger.warn({ orphans }, 'evaluators of a coordinator that was killed were still running');
    }
    await rm(join(dir, 'tmp'), { recursive: true, force: true });
    const files = await writeSandboxFiles(join(dir, 'etc'), settings, identity, env);
    const host: Host = { options, isRoot, nix, files, path };
    const problems = await Promise.all([
      trustProblem(settings, isRoot ? NOBODY : userInfo().uid, env),
      trySandbox(host),
    ]);
    const problem = problems.find((one) => one !== undefined);
    return problem === undefined
      ? { kind: 'confined', confinement: confinementOf(host) }
      : { kind: 'missing', reason: problem };
  } catch (error) {
    return { kind: 'missing', reason: `Evaluations cannot be confined: ${messageOf(error)}` };
  }
}

/** How an evaluation reaches the store. */
interface StoreDoor extends Pick<EvaluationSpace, 'settled' | 'close'> {
  /** With the socket; what is in it is seen by the evaluator. */
  readonly socketDir: string;
  readonly isOwn: boolean;
}

interface Host {
  readonly options: ConfinementOptions;
  readonly isRoot: boolean;
  readonly nix: string;
  readonly files: SandboxFiles;
  readonly path: string;
}

/** Whoever the daemon trusts can make it run anything as root. */
async function trustProblem(
  settings: NixConfiguration,
  uid: number,
  env: ConfinementOptions['env'],
): Promise<string | undefined> {
  const { name, entry } = await daemonTrustOf(uid, settings, env);
  return entry === undefined
    ? undefined
    : `Evaluations cannot be confined while the Nix daemon trusts ${name}: take ${entry} out of trusted-users in nix.conf.`;
}

function sandboxOf(
  host: Host,
  parts: Pick<Sandbox, 'visible' | 'socketDir' | 'homeDir' | 'tmpDir' | 'hasNetwork' | 'gitConfigPath'>,
): Sandbox {
  const { isRoot, files, path, nix, options } = host;
  const systemPaths = [...SYSTEM_PATHS, ...(options.extraSystemPaths ?? [])];
  return {
    isRoot,
    files,
    path: [dirname(nix), ...path.split(delimiter).filter((entry) => isInside(entry, systemPaths))].join(
      delimiter,
    ),
    systemPaths,
    ...parts,
  };
}

/** Where programs are that are seen inside; the rest of our search path is nobody's business there. */
function isInside(path: string, dirs: readonly string[]): boolean {
  return ['/nix/store', ...dirs].some((dir) => path === dir || path.startsWith(`${dir}/`));
}

async function trySandbox(host: Host): Promise<string | undefined> {
  const scratch = await makeScratch(host);
  const sandbox = sandboxOf(host, {
    ...{ visible: [], socketDir: scratch, homeDir: scratch, tmpDir: scratch, hasNetwork: false },
  });
  const [command = '', ...args] = sandboxCommand(sandbox, [host.nix, '--version']);
  const { ending, stderr } = await runProcess({ command, args, env: host.options.env, deadlineMs: 20_000 });
  await rm(scratch, { recursive: true, force: true });
  return ending.kind === 'exited' && ending.code === 0
    ? undefined
    : `Evaluations cannot be confined here: bubblewrap ${describeEnding(ending)}: ${plainText(stderr).trim().slice(-500)}. Allow user namespaces (kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns), or run the coordinator as root.`;
}

function confinementOf(host: Host): Confinement {
  const { options, isRoot } = host;
  const socket = options.systemDaemonSocket ?? '/nix/var/nix/daemon-socket/socket';
  const daemons = new Map<boolean, OwnDaemon>();

  function ownDaemon(isOutgoing: boolean): OwnDaemon {
    const socketDir = join(options.dir, isOutgoing ? 'daemon' : 'daemon-offline');
    const daemon =
      daemons.get(isOutgoing) ??
      createOwnDaemon({
        ...{ socketDir, isOutgoing, env: options.env, logger: options.logger },
        command: join(dirname(host.nix), 'nix-daemon'),
      });
    daemons.set(isOutgoing, daemon);
    return daemon;
  }

  async function daemonFor(allowNetwork: boolean): Promise<StoreDoor | string> {
    if (await accepts(socket)) {
      return {
        ...{ socketDir: dirname(socket), isOwn: false },
        settled: () => Promise.resolve(),
        close: () => Promise.resolve(),
      };
    }
    if (!isRoot) {
      return `No Nix daemon answers at ${socket}: start nix-daemon; confined evaluations write to the store through it.`;
    }
    const daemon = ownDaemon(allowNetwork);
    return (await daemon.ready()) ?? (await openFront(daemon));
  }

  async function openFront(daemon: OwnDaemon): Promise<StoreDoor> {
    const socketDir = await makeTemporary(host, 'store-');
    // The socket in it is all there is, and the mount namespace decides who sees it.
    await chmod(socketDir, 0o755);
    const front = await daemon.fronts.open(join(socketDir, 'socket'));
    return {
      ...{ socketDir, isOwn: true },
      settled: () => front.settled(),
      async close() {
        await front.close();
        await rm(socketDir, { recursive: true, force: true });
      },
    };
  }

  async function open(needs: SpaceNeeds, signal: AbortSignal): Promise<SpaceOpening> {
    const daemon = await daemonFor(needs.allowNetwork);
    if (typeof daemon === 'string') {
      return { kind: 'refused', reason: daemon };
    }
    const network = needs.allowNetwork
      ? await openNetwork({ env: options.env, isRoot, isOutgoing: true, signal })
      : undefined;
    if (network?.kind === 'refused') {
      await daemon.close();
      return network;
    }
    const homeDir = join(options.dir, 'home', createHash('sha256').update(needs.cacheKey).digest('hex'));
    await ownedDirectory(homeDir, isRoot);
    const tmpDir = await makeScratch(host);
    const inputs = await openInputs(host, needs.inputs);
    const sandbox = sandboxOf(host, {
      ...{ visible: [...needs.visible, ...inputs.visible], socketDir: daemon.socketDir, homeDir, tmpDir },
      ...{ hasNetwork: needs.allowNetwork, gitConfigPath: inputs.gitConfigPath },
    });
    return {
      kind: 'open',
      space: {
        importRefusal:
          daemon.isOwn || options.settings.sandbox === 'on'
            ? undefined
            : 'Imports from derivations are off, as the Nix daemon does not build in its sandbox: set sandbox = true in nix.conf.',
        wrap(program, args) {
          const inside = sandboxCommand(sandbox, [program === 'nix' ? host.nix : program, ...args]);
          return wrapped(network?.network, needs, inside);
        },
        settled: () => daemon.settled(),
        async close() {
          await network?.network.close();
          await daemon.close();
          await inputs.close();
          await rm(tmpDir, { recursive: true, force: true });
        },
      },
    };
  }

  function wrapped(
    network: NetworkNamespace | undefined,
    needs: SpaceNeeds,
    inside: readonly string[],
  ): ReturnType<Extract<SpaceOpening, { kind: 'open' }>['space']['wrap']> {
    const [command = '', ...args] = limitedCommand(needs.memoryBytes, [...(network?.enter ?? []), ...inside]);
    return { command, args, env: { PATH: host.path } };
  }

  return {
    open,
    async close() {
      await Promise.all([...daemons.values()].map((daemon) => daemon.close()));
    },
  };
}

interface OpenInputs {
  readonly visible: readonly string[];
  readonly gitConfigPath: string | undefined;
  close(): Promise<void>;
}

async function openInputs(host: Host, inputs: SpaceNeeds['inputs']): Promise<OpenInputs> {
  if (inputs.length === 0) {
    return { visible: [], gitConfigPath: undefined, close: () => Promise.resolve() };
  }
  const dir = await makeTemporary(host, 'inputs-');
  const gitConfigPath = join(dir, 'gitconfig');
  await writeFile(gitConfigPath, gitConfig(inputs));
  await chmod(gitConfigPath, 0o644);
  return {
    visible: inputs.map(({ mirrorDir }) => mirrorDir),
    gitConfigPath,
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

async function makeScratch(host: Host): Promise<string> {
  const dir = await makeTemporary(host, 'eval-');
  await ownedDirectory(dir, host.isRoot);
  return dir;
}

async function makeTemporary({ options }: Host, prefix: string): Promise<string> {
  await mkdir(join(options.dir, 'tmp'), { recursive: true });
  return await mkdtemp(join(options.dir, 'tmp', prefix));
}

async function ownedDirectory(dir: string, isRoot: boolean): Promise<void> {
  await mkdir(dir, { recursive: true });
  await chmod(dir, 0o700);
  if (isRoot) {
    await chown(dir, NOBODY, NOBODY);
  }
}
