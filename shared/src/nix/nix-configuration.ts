/** What the Nix of this host is set to, in one shape for every version from 2.8 up. */
import { z } from 'zod';
import { AppError } from '../kit/app-error.ts';
import { outputOf } from '../kit/run-process.ts';
import { isAtLeast, type NixVersion, parseNixVersion } from './nix-version.ts';

export interface NixConfiguration {
  readonly version: NixVersion;
  readonly system: string;
  readonly extraPlatforms: readonly string[];
  readonly systemFeatures: readonly string[];
  /** `relaxed` lets a derivation opt out of the sandbox. */
  readonly sandbox: 'on' | 'off' | 'relaxed';
  readonly maxJobs: number;
  readonly cores: number;
  readonly substituters: readonly string[];
  readonly trustedPublicKeys: readonly string[];
  /** Whom a daemon lets do anything, groups with an `@`. */
  readonly trustedUsers: readonly string[];
  /** Empty for 2.8, which tells them as numbers. */
  readonly experimentalFeatures: readonly string[];
  readonly flakeRegistry: string | null;
}

const setting = <Value extends z.ZodType>(value: Value): z.ZodObject<{ value: Value }> => z.object({ value });
const words = setting(z.array(z.string()));
// A list in some versions, a line in others.
const lenientWords = setting(
  z.union([
    z.array(z.string()),
    z.string().transform((line) => line.split(/\s+/).filter((word) => word !== '')),
  ]),
);
const count = setting(z.number().int().nonnegative());

const NixSettings = z.object({
  system: setting(z.string()),
  'extra-platforms': words,
  'system-features': words,
  sandbox: setting(z.union([z.boolean(), z.enum(['true', 'false', 'relaxed'])])),
  'max-jobs': count,
  cores: count,
  substituters: words,
  'trusted-public-keys': words,
  'trusted-users': words,
  'experimental-features': lenientWords.catch({ value: [] }),
  'flake-registry': setting(z.string().nullable()).catch({ value: null }),
});

export type NixEnvironment = Readonly<Record<string, string | undefined>>;

// It reads files and asks nobody; a minute is a machine that hangs.
const DEADLINE_MS = 60_000;

/** Throws `nix.missing` where there is no Nix from 2.8 up, `nix.failed` when it does not tell its settings. */
export async function readNixConfiguration(
  env: NixEnvironment,
  signal?: AbortSignal,
): Promise<NixConfiguration> {
  const shown = showSettings('show-config', env, signal);
  shown.catch(() => undefined);
  const version = await readNixVersion(env, signal);
  // The old name of the command still works in 2.26, and asking by it needs no version first.
  const text = await shown.catch((error: unknown) => {
    if (!isAtLeast(version, 2, 20)) {
      throw error;
    }
    return showSettings('config show', env, signal);
  });
  return { version, ...parseNixSettings(text) };
}

async function showSettings(command: string, env: NixEnvironment, signal?: AbortSignal): Promise<string> {
  const args = ['--extra-experimental-features', 'nix-command', ...command.split(' '), '--json'];
  return await runNix(args, env, signal);
}

async function readNixVersion(env: NixEnvironment, signal?: AbortSignal): Promise<NixVersion> {
  const said = await runNix(['--version'], env, signal).catch((error: unknown) => {
    throw new AppError('nix.missing', 'expected a Nix of 2.8 or newer on the PATH, found none', {}, error);
  });
  const version = parseNixVersion(said);
  if (version === undefined || !isAtLeast(version, 2, 8)) {
    throw new AppError('nix.missing', `expected a Nix of 2.8 or newer, got ${JSON.stringify(said.trim())}`);
  }
  return version;
}

/** The answer of `nix show-config --json`, which later became `nix config show --json`. */
export function parseNixSettings(text: string): Omit<NixConfiguration, 'version'> {
  const parsed = z.string().transform(parseJson).pipe(NixSettings).safeParse(text);
  if (!parsed.success) {
    throw new AppError(
      'nix.failed',
      `nix tells its settings otherwise than expected: ${z.prettifyError(parsed.error)}`,
    );
  }
  const settings = parsed.data;
  return {
    system: settings.system.value,
    extraPlatforms: settings['extra-platforms'].value,
    systemFeatures: settings['system-features'].value,
    sandbox: toSandbox(settings.sandbox.value),
    maxJobs: settings['max-jobs'].value,
    cores: settings.cores.value,
    substituters: settings.substituters.value,
    trustedPublicKeys: settings['trusted-public-keys'].value,
    trustedUsers: settings['trusted-users'].value,
    experimentalFeatures: settings['experimental-features'].value,
    flakeRegistry: settings['flake-registry'].value,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not an object either: the schema says so.
    return undefined;
  }
}

function toSandbox(value: boolean | 'true' | 'false' | 'relaxed'): NixConfiguration['sandbox'] {
  if (value === 'relaxed') {
    return 'relaxed';
  }
  return value === true || value === 'true' ? 'on' : 'off';
}

async function runNix(args: readonly string[], env: NixEnvironment, signal?: AbortSignal): Promise<string> {
  return await outputOf({ command: 'nix', args, env, deadlineMs: DEADLINE_MS, signal, whenOrphaned: 'TERM' });
}
