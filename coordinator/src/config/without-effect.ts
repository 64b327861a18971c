/**
 * Keys that are read and checked but change nothing in this version. Whoever sets one is told, so that no setting
 * fails in silence. Whoever builds the feature removes its line.
 */

import { valueAt } from './lenient.ts';
import type { KeyPath, Remark } from './problem.ts';

export interface WithoutEffect {
  /** `*` stands for any one name or index. */
  readonly path: readonly string[];
  readonly reason: string;
}

const REPO = ['forges', '*', 'repos', '*'] as const;
const SHIPPED = 'style sheets are part of the program';
const FLAKES_ONLY = 'only flakes are evaluated';
const MIRRORED = 'every repository has a mirror that is kept';
const BY_URL = 'of kind git, the URL says how to clone';
const NOT_YET = 'this version does not do that yet';

export const WITHOUT_EFFECT: readonly WithoutEffect[] = [
  { path: ['web', 'static_dir'], reason: SHIPPED },
  { path: ['eval', 'non_flake_max_depth'], reason: FLAKES_ONLY },
  { path: [...REPO, 'eval', 'non_flake_max_depth'], reason: FLAKES_ONLY },
  { path: [...REPO, 'clone', 'persistent'], reason: MIRRORED },
  ...[
    ['retention'],
    ['binary_caches'],
    ['serve_cache'],
    ['registries'],
    ['defaults', 'push_to_registries'],
    ['schedule', 'build_concurrency'],
    ['forges', '*', 'push_to_registries'],
    [...REPO, 'retention'],
    [...REPO, 'caches'],
    [...REPO, 'push_to_registries'],
  ].map((path) => ({ path, reason: NOT_YET })),
];

/** A remark at each such key that a person set to something: what is off or empty has no effect anyway. */
export function remarkWithoutEffect(document: unknown): readonly Remark[] {
  return [
    ...WITHOUT_EFFECT.flatMap(({ path, reason }) =>
      matching(document, path, []).flatMap((found) =>
        isOff(valueAt(document, found))
          ? []
          : {
              path: found,
              at: 'key' as const,
              message: `has no effect: ${reason}`,
            },
      ),
    ),
    ...remarkLocalBuilders(document),
    ...matching(document, [...REPO, 'clone'], []).flatMap((path) => remarkCloneOfGit(document, path)),
  ];
}

function isOff(value: unknown): boolean {
  const isEmpty = typeof value === 'object' && value !== null && Object.values(value).every(isOff);
  return value === false || isEmpty;
}

function remarkLocalBuilders(document: unknown): readonly Remark[] {
  return valueAt(document, ['local_builds']) === false && valueAt(document, ['local_builders']) !== undefined
    ? [{ path: ['local_builders'], at: 'key', message: 'has no effect: local_builds is off' }]
    : [];
}

function remarkCloneOfGit(document: unknown, path: KeyPath): readonly Remark[] {
  const isGit = valueAt(document, [...path.slice(0, 2), 'kind']) === 'git';
  return ['method', 'ssh_key_path'].flatMap((key) =>
    isGit && valueAt(document, [...path, key]) !== undefined
      ? [{ path: [...path, key], at: 'key' as const, message: `has no effect: ${BY_URL}` }]
      : [],
  );
}

function matching(node: unknown, pattern: readonly string[], path: KeyPath): readonly KeyPath[] {
  const [first, ...rest] = pattern;
  if (first === undefined) {
    return [path];
  }
  if (typeof node !== 'object' || node === null) {
    return [];
  }
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
    first === '*' || first === key ? matching(value, rest, [...path, key]) : [],
  );
}
