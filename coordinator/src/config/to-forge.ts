import { parseRepositorySlug, type RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type {
  CloneSettings,
  EvaluationSettings,
  ForgeAuth,
  ForgeRepositorySettings,
  ForgeSettings,
  GitRepositorySettings,
  RepositorySettings,
} from './configuration.ts';
import { judgeGitUrl } from './git-url.ts';
import { hostSystem } from './host-system.ts';
import type { ConfigurationDocument } from './schema/configuration-document.ts';
import type { EvaluationSection } from './schema/evaluation.ts';
import type { GitForge, RealForge } from './schema/forge.ts';
import { ForgeRepository, type GitRepository } from './schema/repository.ts';

const DAY_MS = 86_400_000;

/** The defaults a repository takes from: the document and its forge. */
interface Surroundings {
  readonly document: ConfigurationDocument;
  readonly forge: string;
  readonly registries: readonly string[];
  readonly file: (path: string) => string;
}

export function toForge(
  name: string,
  forge: RealForge | GitForge,
  document: ConfigurationDocument,
  file: (path: string) => string,
): ForgeSettings {
  const registries = [...document.defaults.push_to_registries, ...forge.push_to_registries];
  const surroundings: Surroundings = { document, forge: name, registries, file };
  if (forge.kind === 'git') {
    return {
      kind: 'git',
      name,
      repositories: Object.entries(forge.repos).map(([slug, repository]) =>
        toGitRepository(slug, repository, surroundings),
      ),
    };
  }
  return {
    kind: forge.kind === 'gitea' ? 'forgejo' : forge.kind,
    name,
    webUrl: forge.web_url,
    auth: toAuth(forge, file),
    repositories: Object.entries(forge.repos).map(([slug, repository]) =>
      toForgeRepository(slug, repository ?? ForgeRepository.parse({}), surroundings),
    ),
  };
}

function toAuth(forge: RealForge, file: (path: string) => string): ForgeAuth {
  const { token_path: token, app_id: appId, app_private_key_path: key } = forge;
  if (token !== undefined) {
    return { kind: 'token', tokenPath: file(token) };
  }
  if (appId !== undefined && key !== undefined) {
    return { kind: 'app', appId, privateKeyPath: file(key) };
  }
  throw new Error('judgeReferences lets no forge through that has neither token nor App');
}

function toForgeRepository(
  slug: string,
  repository: ForgeRepository,
  surroundings: Surroundings,
): ForgeRepositorySettings {
  return {
    ...toRepository(slug, repository, surroundings),
    visibility: repository.visibility,
    buildsRequests: repository.build_prs,
    requestAllowlist: repository.pr_allowlist,
    fetchableSlugs: repository.fetch_repos.map(toSlug),
    clone: toClone(repository.clone, surroundings),
  };
}

function toClone(
  { method, ssh_key_path: key }: ForgeRepository['clone'],
  { file }: Surroundings,
): CloneSettings {
  if (method === 'https') {
    return { method };
  }
  if (key === undefined) {
    throw new Error('judgeReferences lets no method ssh through that has no key');
  }
  return { method, keyPath: file(key) };
}

function toGitRepository(
  slug: string,
  repository: GitRepository,
  surroundings: Surroundings,
): GitRepositorySettings {
  const verdict = judgeGitUrl(repository.url);
  const isClonedWithKey =
    repository.token_path !== undefined || (verdict.kind === 'url' && verdict.transport === 'ssh');
  const unsaid = isClonedWithKey ? 'private' : 'public';
  return {
    ...toRepository(slug, repository, surroundings),
    visibility: repository.visibility === 'auto' ? unsaid : repository.visibility,
    url: /^[./]/.test(repository.url) ? surroundings.file(repository.url) : repository.url,
    pollMs: Math.round(repository.poll_seconds * 1000),
    tokenPath: repository.token_path === undefined ? null : surroundings.file(repository.token_path),
  };
}

function toRepository(
  slug: string,
  repository: ForgeRepository | GitRepository,
  { document, forge, registries }: Surroundings,
): RepositorySettings {
  const { max_age_days: ownDays } = repository.retention;
  const days = ownDays === undefined ? document.retention.max_age_days : ownDays;
  const systems = repository.systems ?? document.systems;
  return {
    forge,
    slug: toSlug(slug),
    watchedBranches: repository.watched_branches,
    dropsSuperseded: repository.drop_superseded,
    collapsedCheckThreshold:
      repository.collapsed_check_threshold ?? document.schedule.collapsed_check_threshold,
    weight: repository.weight,
    systems: systems ?? [hostSystem()],
    areSystemsOpen: systems === undefined,
    attributes: repository.attributes ?? document.eval.attributes,
    evaluation: toEvaluation(document.eval, repository.eval),
    maxAgeMs: days === null ? null : days * DAY_MS,
    caches: repository.caches ?? null,
    registries: [...new Set([...registries, ...repository.push_to_registries])],
  };
}

function toEvaluation(evaluation: EvaluationSection, own: ForgeRepository['eval']): EvaluationSettings {
  return {
    timeoutMs: Math.round((own.timeout_seconds ?? evaluation.timeout_seconds) * 1000),
    workers: own.workers ?? evaluation.workers,
    memoryBytes: own.memory_max ?? evaluation.memory_max,
    allowImportFromDerivation: own.allow_import_from_derivation ?? evaluation.allow_import_from_derivation,
    allowNetwork: own.allow_network ?? evaluation.allow_network,
    reuseSameTree: own.reuse_same_tree ?? evaluation.reuse_same_tree,
  };
}

function toSlug(text: string): RepositorySlug {
  const verdict = parseRepositorySlug(text);
  if (verdict.kind === 'refused') {
    throw new Error('the schema lets no slug through that is none');
  }
  return verdict.slug;
}
