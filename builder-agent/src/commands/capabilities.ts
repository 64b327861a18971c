import { type NixConfiguration, readNixConfiguration } from '@argunix/shared/nix/nix-configuration';

/** What this host tells a coordinator about itself, read from its Nix. */
interface Capabilities {
  /** What it builds without emulation. */
  readonly native_system: string;
  /** All that its Nix takes, the native one first. */
  readonly systems: readonly string[];
  readonly features: readonly string[];
  readonly max_jobs: number;
  readonly cores: number;
  /** `relaxed` counts as off: there a derivation may opt out. Without a sandbox it gets no work of strangers. */
  readonly sandbox: 'on' | 'off' | 'relaxed';
  readonly nix_version: string;
}

export async function printCapabilities({ isJson }: { readonly isJson: boolean }): Promise<void> {
  const capabilities = toCapabilities(await readNixConfiguration(process.env));
  process.stdout.write(isJson ? `${JSON.stringify(capabilities)}\n` : describe(capabilities));
}

function toCapabilities(nix: NixConfiguration): Capabilities {
  return {
    native_system: nix.system,
    systems: [...new Set([nix.system, ...nix.extraPlatforms])],
    features: nix.systemFeatures.toSorted(),
    max_jobs: nix.maxJobs,
    cores: nix.cores,
    sandbox: nix.sandbox,
    nix_version: nix.version.text,
  };
}

function describe({ native_system: native, systems, features, ...rest }: Capabilities): string {
  const emulated = systems.filter((system) => system !== native);
  const untrusted = rest.sandbox === 'on' ? '' : ' (no work of strangers is sent here)';
  return [
    `System:     ${native}`,
    `Also takes: ${emulated.length === 0 ? 'no other system' : emulated.join(', ')}`,
    `Features:   ${features.length === 0 ? 'none' : features.join(', ')}`,
    `Jobs:       ${rest.max_jobs} at a time, ${rest.cores === 0 ? 'each with all cores' : `each with ${rest.cores} cores`}`,
    `Sandbox:    ${rest.sandbox}${untrusted}`,
    `Nix:        ${rest.nix_version}`,
    '',
  ].join('\n');
}
