/**
 * What a step asks of a builder, and who can give it. Steps that ask for the same are of one kind and stand in one line,
 * so a decision looks at kinds, never at steps.
 */
import type { BuilderOffer } from '../builder-offer.ts';

export interface Kind {
  readonly id: number;
  readonly system: string;
  /** Sorted. */
  readonly requiredFeatures: readonly string[];
  /** A stranger's work goes only where Nix's sandbox is on. */
  readonly isTrusted: boolean;
}

export type Fit = 'native' | 'emulated' | 'none';

export interface KindRules {
  /** The operator lets strangers' work run without the sandbox. */
  readonly allowsUnsandboxedUntrusted: boolean;
}

export function fitOf(kind: Omit<Kind, 'id'>, offer: BuilderOffer, rules: KindRules): Fit {
  if (
    offer.slots === 0 ||
    !kind.requiredFeatures.every((feature) => offer.features.includes(feature)) ||
    !offer.mandatoryFeatures.every((feature) => kind.requiredFeatures.includes(feature)) ||
    (!kind.isTrusted && !offer.isSandboxed && !rules.allowsUnsandboxedUntrusted)
  ) {
    return 'none';
  }
  if (kind.system === 'builtin' || offer.systems.includes(kind.system)) {
    return 'native';
  }
  return offer.emulatedSystems.includes(kind.system) ? 'emulated' : 'none';
}

/** What it lacks for this kind, in words; null when it lacks nothing. */
export function lackOf(
  kind: Omit<Kind, 'id'>,
  name: string,
  offer: BuilderOffer,
  rules: KindRules,
): string | null {
  if (fitOf(kind, offer, rules) !== 'none') {
    return null;
  }
  const missing = kind.requiredFeatures.filter((feature) => !offer.features.includes(feature));
  const systems = [...offer.systems, ...offer.emulatedSystems];
  if (offer.slots === 0) {
    return `${name} builds nothing`;
  }
  if (kind.system !== 'builtin' && !systems.includes(kind.system)) {
    return `${name} builds for ${systems.join(', ')}`;
  }
  if (missing.length > 0) {
    return `${name} lacks ${missing.join(', ')}`;
  }
  const unasked = offer.mandatoryFeatures.filter((feature) => !kind.requiredFeatures.includes(feature));
  return unasked.length > 0
    ? `${name} is kept for work that requires ${unasked.join(', ')}`
    : `${name} builds without Nix's sandbox, which a stranger's work needs`;
}

/** `x86_64-linux with kvm, big-parallel`. */
export function describeKind({ system, requiredFeatures }: Omit<Kind, 'id'>): string {
  const what = system === 'builtin' ? 'any system' : system;
  return requiredFeatures.length === 0 ? what : `${what} with ${requiredFeatures.join(', ')}`;
}
