/** What changed about repositories, in sentences. URLs are not among them: whoever wrote one knows it. */
import { isDeepStrictEqual } from 'node:util';
import type { EvaluationSettings, ForgeRepositorySettings, GitRepositorySettings } from './configuration.ts';

export type AnyRepositorySettings = GitRepositorySettings | ForgeRepositorySettings;
type AnyKey = keyof GitRepositorySettings | keyof ForgeRepositorySettings;

const KEYS: Readonly<Record<Exclude<AnyKey, 'forge' | 'slug' | 'evaluation'>, string>> = {
  watchedBranches: 'watched_branches',
  dropsSuperseded: 'drop_superseded',
  collapsedCheckThreshold: 'collapsed_check_threshold',
  weight: 'weight',
  systems: 'systems',
  areSystemsOpen: 'systems',
  attributes: 'attributes',
  maxAgeMs: 'retention.max_age_days',
  caches: 'caches',
  registries: 'push_to_registries',
  visibility: 'visibility',
  url: 'url',
  pollMs: 'poll_seconds',
  tokenPath: 'token_path',
  buildsRequests: 'build_prs',
  requestAllowlist: 'pr_allowlist',
  fetchableSlugs: 'fetch_repos',
  clone: 'clone',
};
const EVALUATION_KEYS: Readonly<Record<keyof EvaluationSettings, string>> = {
  timeoutMs: 'eval.timeout_seconds',
  workers: 'eval.workers',
  memoryBytes: 'eval.memory_max',
  allowImportFromDerivation: 'eval.allow_import_from_derivation',
  allowNetwork: 'eval.allow_network',
  reuseSameTree: 'eval.reuse_same_tree',
};
// About one line of a terminal; the file has all of them.
const MOST_NAMED = 6;

export function describeRepositoryChanges(
  before: readonly AnyRepositorySettings[],
  after: readonly AnyRepositorySettings[],
): readonly string[] {
  const old = new Map(before.map((repository) => [nameOf(repository), repository]));
  const names = new Set(after.map(nameOf));
  const added = after.map(nameOf).filter((name) => !old.has(name));
  const removed = [...old.keys()].filter((name) => !names.has(name));
  const changes = after.flatMap((repository) => {
    const known = old.get(nameOf(repository));
    const keys = known === undefined ? [] : changedKeys(known, repository);
    return keys.length === 0 ? [] : [{ name: nameOf(repository), keys: keys.join(', ') }];
  });
  const alike = [...Map.groupBy(changes, ({ keys }) => keys)];
  return [
    ...sentence(added, 'is watched from now on.', 'are watched from now on.'),
    ...sentence(
      removed,
      'is not watched any more: its work is cancelled, and nobody may read it.',
      'are not watched any more: their work is cancelled, and nobody may read them.',
    ),
    ...alike.map(([keys, some]) => `${listed(some.map(({ name }) => name))}: ${keys} changed.`),
  ];
}

function changedKeys(before: AnyRepositorySettings, after: AnyRepositorySettings): readonly string[] {
  const { evaluation: old, ...own } = before;
  return [...new Set([...changed(KEYS, own, after), ...changed(EVALUATION_KEYS, old, after.evaluation)])];
}

function changed(keys: Readonly<Record<string, string>>, before: object, after: object): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  return Object.entries(keys).flatMap(([key, name]) =>
    isDeepStrictEqual(old.get(key), now.get(key)) ? [] : [name],
  );
}

function sentence(names: readonly string[], one: string, many: string): readonly string[] {
  return names.length === 0 ? [] : [`${listed(names)} ${names.length === 1 ? one : many}`];
}

function listed(names: readonly string[]): string {
  const rest = names.length - MOST_NAMED;
  return rest > 1 ? `${names.slice(0, MOST_NAMED).join(', ')} and ${rest} more` : names.join(', ');
}

function nameOf({ forge, slug }: AnyRepositorySettings): string {
  return `${forge}/${slug}`;
}
