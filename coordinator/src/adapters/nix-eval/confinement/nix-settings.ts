/** The few settings of the host's Nix that a confined evaluation needs to know. */
import { outputOf } from '@argunix/shared/kit/run-process';
import { readNixVersion } from '@argunix/shared/nix/nix-configuration';
import { isAtLeast } from '@argunix/shared/nix/nix-version';
import { z } from 'zod';

const value = <T extends z.ZodType>(type: T): z.ZodObject<{ value: T }> => z.object({ value: type });
const words = value(
  z.union([z.array(z.string()), z.string().transform((text) => text.split(/\s+/))]),
).transform((setting) => setting.value.filter((word) => word !== ''));

const ShownSettings = z.object({
  sandbox: value(z.union([z.string(), z.boolean(), z.number()]))
    .transform((setting) => setting.value === true || setting.value === 1 || setting.value === 'true')
    .catch(false),
  'trusted-users': words.catch(['root']),
  'extra-platforms': words.catch([]),
  'experimental-features': words.catch([]),
  'flake-registry': value(z.string())
    .transform((setting) => setting.value)
    .nullable()
    .catch(null),
});

export interface NixSettings {
  /** Strictly on: `relaxed` is off. */
  readonly isSandboxed: boolean;
  readonly trustedUsers: readonly string[];
  readonly extraPlatforms: readonly string[];
  readonly experimentalFeatures: readonly string[];
  readonly flakeRegistry: string | null;
}

/** Throws `process.failed` when Nix cannot be run. */
export async function readNixSettings(
  nix: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<NixSettings> {
  const show = isAtLeast(await readNixVersion(env), 2, 20) ? ['config', 'show'] : ['show-config'];
  const text = await outputOf({
    command: nix,
    args: ['--extra-experimental-features', 'nix-command', ...show, '--json'],
    env,
    deadlineMs: 20_000,
  });
  const shown = ShownSettings.parse(JSON.parse(text));
  return {
    isSandboxed: shown.sandbox,
    trustedUsers: shown['trusted-users'],
    extraPlatforms: shown['extra-platforms'],
    experimentalFeatures: shown['experimental-features'],
    flakeRegistry: shown['flake-registry'],
  };
}
