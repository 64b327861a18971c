import { readFileSync } from 'node:fs';
import type { RepositoryRef } from '@argunix/shared/control-api/views';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { createRefMatcher } from '../config/branch-patterns.ts';
import type {
  Configuration,
  ForgeRepositorySettings,
  GitRepositorySettings,
  RepositorySettings,
} from '../config/configuration.ts';
import type { WatchedRepository } from '../flows/look-at-repository.ts';
import type { Tended } from '../flows/tend-repository.ts';
import type { Forge } from '../ports/forge.ts';
import type { Repository, RepositoryStore } from '../ports/repository-store.ts';
import type { EvaluationSettings } from '../ports/settings.ts';
import type { Source } from '../ports/source-checkout.ts';
import { forgeSource } from './forge-source.ts';

export interface ConfiguredRepository extends WatchedRepository {
  readonly settings: EvaluationSettings;
  /** Nobody listed systems: those of enrolled builders count as well. */
  readonly areSystemsOpen: boolean;
  readonly dropsSuperseded: boolean;
  readonly buildsRequests: boolean;
  /** What `isWatched` is made of. */
  readonly watchedBranches: readonly string[];
}

export interface KnownRepositories {
  readonly watched: ReadonlyMap<RepositoryId, ConfiguredRepository>;
  /** Those that only readers with the right may know of. */
  readonly privateOnes: ReadonlyMap<RepositoryId, RepositoryRef>;
  /** As forges last said; null where one did not yet. */
  readonly saidPrivate: ReadonlyMap<RepositoryId, boolean | null>;
  /** Where people look at the source, by `forge/slug`. */
  readonly webUrls: ReadonlyMap<string, string>;
  readonly pokedForges: readonly string[];
  readonly metricsToken: () => string | null;
}

/** Until the first answer of `ensureRepositories`. */
export const NOTHING_KNOWN: KnownRepositories = {
  watched: new Map(),
  privateOnes: new Map(),
  saidPrivate: new Map(),
  webUrls: new Map(),
  pokedForges: [],
  metricsToken: () => null,
};

export interface RepositorySources {
  readonly repositories: RepositoryStore;
  /** Those of the configuration are open. */
  readonly forgeOf: (name: string) => Forge | undefined;
  readonly tend: (
    repository: Repository,
    settings: ForgeRepositorySettings,
    signal: AbortSignal,
  ) => Promise<Tended>;
  readonly now: EpochMs;
}

/** The repositories of the configuration, each with its row and with what the flows are to know of it. */
export async function ensureRepositories(
  configuration: Configuration,
  sources: RepositorySources,
): Promise<KnownRepositories> {
  const { repositories, now } = sources;
  const watched = new Map<RepositoryId, ConfiguredRepository>();
  const privateOnes = new Map<RepositoryId, RepositoryRef>();
  const saidPrivate = new Map<RepositoryId, boolean | null>();
  const webUrls = new Map<string, string>();
  for (const forge of configuration.forges) {
    // Together: each waits for the disk, and thousands of waits are a slow start.
    const rows = await Promise.all(
      forge.repositories.map(({ slug }) =>
        repositories.ensure({ forge: forge.name, slug, kind: forge.kind }, now),
      ),
    );
    for (const [at, settings] of forge.repositories.entries()) {
      const { slug } = settings;
      const name = `${forge.name}/${slug}`;
      const row = rows[at];
      if (row === undefined) {
        throw new Error(`repository ${name} was not stored`);
      }
      const facts = repositories.facts(row.id);
      saidPrivate.set(row.id, facts.isPrivate);
      watched.set(
        row.id,
        'url' in settings
          ? ofGit(row, settings)
          : ofForge(row, settings, catchUpMs(configuration, forge.repositories.length), sources),
      );
      // What the forge did not say yet is nobody's to read.
      const isPrivate =
        settings.visibility === 'auto' ? facts.isPrivate !== false : settings.visibility === 'private';
      if (isPrivate) {
        privateOnes.set(row.id, { forge: forge.name, slug });
      }
      const webUrl = 'url' in settings ? settings.url : facts.webUrl;
      if (webUrl !== null && /^https?:/.test(webUrl)) {
        webUrls.set(name, webUrl);
      }
    }
  }
  // A repository that left the configuration is no stranger's to read until it comes back.
  for (const { forge, slug, id } of repositories.all()) {
    if (!watched.has(id)) {
      privateOnes.set(id, { forge, slug });
    }
  }
  const { metricsTokenPath } = configuration;
  return {
    watched,
    privateOnes,
    saidPrivate,
    webUrls,
    pokedForges: configuration.forges.filter(({ kind }) => kind === 'git').map(({ name }) => name),
    metricsToken: () => (metricsTokenPath === null ? null : readFileSync(metricsTokenPath, 'utf8').trim()),
  };
}

// Four requests for each look at a repository, and 5,000 an hour are what GitHub allows a token.
const LEAST_MS_EACH = 3_000;

function catchUpMs({ schedule }: Configuration, repositories: number): number {
  return Math.max(schedule.catchUpMs, repositories === 1 ? 0 : repositories * LEAST_MS_EACH);
}

function ofGit(repository: Repository, settings: GitRepositorySettings): ConfiguredRepository {
  const { url, tokenPath } = settings;
  const source: Source = {
    repositoryId: repository.id,
    url,
    credential: tokenPath === null ? null : { kind: 'file', path: tokenPath },
    fetchable: [],
  };
  return { ...common(repository, settings, source), pollMs: settings.pollMs, buildsRequests: false };
}

function ofForge(
  repository: Repository,
  settings: ForgeRepositorySettings,
  pollMs: number,
  { forgeOf, tend }: RepositorySources,
): ConfiguredRepository {
  const forge = forgeOf(settings.forge);
  if (forge === undefined) {
    throw new Error(`forge ${settings.forge} is in the configuration and was not opened`);
  }
  const source = forgeSource(repository.id, forge, settings);
  return {
    ...common(repository, settings, source),
    pollMs,
    buildsRequests: settings.buildsRequests,
    tend: (signal) => tend(repository, settings, signal),
  };
}

function common(
  repository: Repository,
  settings: RepositorySettings,
  source: Source,
): Omit<ConfiguredRepository, 'pollMs' | 'buildsRequests'> {
  return {
    repository,
    source,
    isWatched: createRefMatcher(settings.watchedBranches),
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
