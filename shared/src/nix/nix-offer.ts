/** What this host can do as a builder, and which part of that is offered. */
import { nativeSystems } from '../domain/native-systems.ts';
import type { NixConfiguration } from './nix-configuration.ts';

export interface NixOffer {
  readonly systems: readonly string[];
  readonly emulatedSystems: readonly string[];
  readonly features: readonly string[];
  readonly mandatoryFeatures: readonly string[];
  readonly isSandboxed: boolean;
  readonly slots: number;
  readonly speedFactor: number;
}

/** Null or left out: all that the host has. */
export interface OfferedPart {
  /** 0: it builds nothing. */
  readonly slots?: number | null;
  readonly systems?: readonly string[] | null;
  readonly features?: readonly string[] | null;
  readonly mandatoryFeatures?: readonly string[];
  readonly speedFactor?: number;
}

/** Nix itself refuses what its host does not have, so nothing more is offered than that. */
export function nixOffer(configuration: NixConfiguration, part: OfferedPart = {}): NixOffer {
  const native = nativeSystems(configuration.system);
  const runs = systemsOf(configuration).filter((system) => part.systems?.includes(system) ?? true);
  return {
    systems: runs.filter((system) => native.includes(system)),
    emulatedSystems: runs.filter((system) => !native.includes(system)),
    features: configuration.systemFeatures.filter((feature) => part.features?.includes(feature) ?? true),
    mandatoryFeatures: part.mandatoryFeatures ?? [],
    isSandboxed: configuration.sandbox === 'on',
    // `max-jobs = 0` means "only elsewhere"; who asks this builder to build here means it.
    slots: part.slots ?? Math.max(1, configuration.maxJobs),
    speedFactor: part.speedFactor ?? 1,
  };
}

/** What is asked of this host that its Nix does not have; empty where all is well. */
export function lackingOf(configuration: NixConfiguration, part: OfferedPart): readonly string[] {
  const systems = systemsOf(configuration);
  const wanted = [...(part.features ?? []), ...(part.mandatoryFeatures ?? [])];
  return [
    ...(part.systems ?? []).filter((system) => !systems.includes(system)),
    ...new Set(wanted.filter((feature) => !configuration.systemFeatures.includes(feature))),
  ];
}

function systemsOf({ system, extraPlatforms }: NixConfiguration): readonly string[] {
  return [...new Set([system, ...extraPlatforms])];
}
