import { readFileSync } from 'node:fs';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { createRefMatcher } from '../config/branch-patterns.ts';
import type { Configuration, GitRepositorySettings } from '../config/configuration.ts';
import type { WatchedRepository } from '../flows/look-at-repository.ts';
import type { Repository, RepositoryStore } from '../ports/repository-store.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import type { Source } from '../ports/source-checkout.ts';

export interface ConfiguredRepository extends WatchedRepository {
  readonly settings: EvaluationSettings;
  /** Nobody listed systems: those of enrolled builders count as well. */
  readonly areSystemsOpen: boolean;
  readonly dropsSuperseded: boolean;
  /** What `isWatched` is made of. */
  readonly watchedBranches: readonly string[];
}

export interface KnownRepositories {
  readonly watched: ReadonlyMap<RepositoryId, ConfiguredRepository>;
  /** `forge/slug` of those that only readers with the right may know of. */
  readonly privateOnes: ReadonlySet<string>;
  readonly privateIds: ReadonlySet<RepositoryId>;
  /** Where people look at the source, by `forge/slug`. */
  readonly webUrls: ReadonlyMap<string, string>;
  readonly pokedForges: readonly string[];
  readonly warnings: readonly string[];
  readonly metricsToken: () => string | null;
}

/** Until the first answer of `ensureRepositories`. */
export const NOTHING_KNOWN: KnownRepositories = {
  watched: new Map(),
  privateOnes: new Set(),
  privateIds: new Set(),
  webUrls: new Map(),
  pokedForges: [],
  warnings: [],
  metricsToken: () => null,
};

/** The repositories of the configuration, each with its row and with what the flows are to know of it. */
export async function ensureRepositories(
  configuration: Configuration,
  repositories: RepositoryStore,
  now: EpochMs,
): Promise<KnownRepositories> {
  const watched = new Map<RepositoryId, ConfiguredRepository>();
  const privateOnes = new Set<string>();
  const privateIds = new Set<RepositoryId>();
  const webUrls = new Map<string, string>();
  for (const forge of configuration.forges) {
    for (const settings of forge.kind === 'git' ? forge.repositories : []) {
      const name = `${settings.forge}/${settings.slug}`;
      const row = await repositories.ensure({ forge: settings.forge, slug: settings.slug, kind: 'git' }, now);
      watched.set(row.id, toWatched(row, settings));
      if (settings.visibility === 'private') {
        privateOnes.add(name);
        privateIds.add(row.id);
      }
      if (/^https?:/.test(settings.url)) {
        webUrls.set(name, settings.url);
      }
    }
  }
  // A repository that left the configuration is nobody's to read until it comes back.
  for (const { forge, slug, id } of repositories.all()) {
    if (!watched.has(id)) {
      privateOnes.add(`${forge}/${slug}`);
      privateIds.add(id);
    }
  }
  const { metricsTokenPath } = configuration;
  return {
    watched,
    privateOnes,
    privateIds,
    webUrls,
    pokedForges: configuration.forges.filter(({ kind }) => kind === 'git').map(({ name }) => name),
    warnings: configuration.forges
      .filter(({ kind }) => kind !== 'git')
      .map(
        ({ name, kind }) =>
          `Forge ${name} is of kind ${kind}, which this version checks but does not watch yet; its repositories are not built.`,
      ),
    metricsToken: () => (metricsTokenPath === null ? null : readFileSync(metricsTokenPath, 'utf8').trim()),
  };
}

function toWatched(repository: Repository, settings: GitRepositorySettings): ConfiguredRepository {
  const { url, tokenPath } = settings;
  const source: Source = {
    repositoryId: repository.id,
    url,
    credential: tokenPath === null ? null : { kind: 'file', path: tokenPath },
    fetchable: [],
  };
  const isWatched = createRefMatcher(settings.watchedBranches);
  return {
    repository,
    source,
    pollMs: settings.pollMs,
    isWatched,
    dropsSuperseded: settings.dropsSuperseded,
    watchedBranches: settings.watchedBranches,
    areSystemsOpen: settings.areSystemsOpen,
    settings: {
      source,
      systems: settings.systems,
      attributes: settings.attributes,
      ...settings.evaluation,
      weight: settings.weight,
    },
  };
}
