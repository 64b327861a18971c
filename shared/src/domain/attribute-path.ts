import type { Brand } from './brand.ts';

/** A flake attribute as people and nix-eval-jobs write it: dotted, names that hold a dot or a quote quoted. */
export type AttributePath = Brand<string, 'AttributePath'>;

const PLAIN = /^[A-Za-z0-9_'+-][A-Za-z0-9_'+-]*$/;

export function attributePath(segments: readonly string[]): AttributePath {
  return segments
    .map((segment) => (PLAIN.test(segment) ? segment : JSON.stringify(segment)))
    .join('.') as AttributePath;
}

/** What CI looks at in a flake, in the order in which it is shown. */
export const ATTRIBUTE_KINDS = [
  'packages',
  'checks',
  'devShells',
  'nixosConfigurations',
  'homeConfigurations',
  'darwinConfigurations',
  'hydraJobs',
  'formatter',
] as const;
export type AttributeKind = (typeof ATTRIBUTE_KINDS)[number];
