/**
 * The configuration as the rest of the program reads it: every default filled in, what a repository overrides already
 * applied, durations in milliseconds, sizes in bytes, paths absolute. Plain values that hold no secret.
 */
import type { AttributeKind } from '@argunix/shared/domain/attribute-path';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { SocketAddress } from './socket-address.ts';

export interface Configuration {
  /** Without a closing slash. */
  readonly externalUrl: string;
  readonly listen: SocketAddress;
  readonly stateDir: string;
  readonly controlSocketPath: string;
  readonly systems: readonly string[];
  /** Nobody listed systems: those of enrolled builders count as well. */
  readonly areSystemsOpen: boolean;
  readonly isDryRun: boolean;
  /** Null: whichever is installed. */
  readonly evaluator: 'nix-eval-jobs' | 'built-in' | null;
  readonly schedule: ScheduleSettings;
  readonly retention: RetentionSettings;
  readonly localBuilds: boolean;
  /** Those of this host; none when it does not build. */
  readonly localBuilders: readonly LocalBuilderSettings[];
  readonly allowUnsandboxedUntrusted: boolean;
  /** Addresses and networks. */
  readonly trustedProxies: readonly string[];
  readonly forges: readonly ForgeSettings[];
  readonly enrollment: EnrollmentSettings | null;
  readonly caches: readonly CacheSettings[];
  /** Null: this host's store is not served. */
  readonly servedCache: { readonly signingKeyPath: string } | null;
  readonly registries: readonly RegistrySettings[];
  /** Builders whose work waits for them without end. */
  readonly buildersExpectedOffline: readonly string[];
  readonly metricsTokenPath: string | null;
}

/** Null: all that the host has. */
export interface LocalBuilderSettings {
  readonly name: string;
  readonly slots: number | null;
  readonly systems: readonly string[] | null;
  readonly features: readonly string[] | null;
  readonly mandatoryFeatures: readonly string[];
  readonly speedFactor: number;
}

export interface ScheduleSettings {
  readonly coalesceMs: number;
  /** Between two looks at a repository of a forge. */
  readonly catchUpMs: number;
  readonly evaluationConcurrency: number;
  /** Of all evaluations together. */
  readonly evaluationBudgetBytes: number;
  readonly transferConcurrency: number;
  readonly buildTimeoutMs: number;
  readonly maxSilentMs: number;
  readonly maxLogBytes: number;
  readonly builderWaitMs: number;
  readonly awaitingApprovalMs: number;
  readonly emulationSpillGraceMs: number;
  readonly infrastructureRetries: number;
  readonly infrastructureRetryMs: number;
  readonly failureCacheMs: number;
}

export interface EvaluationSettings {
  readonly timeoutMs: number;
  readonly workers: number;
  readonly memoryBytes: number;
  readonly allowImportFromDerivation: boolean;
  readonly allowNetwork: boolean;
  readonly reuseSameTree: boolean;
}

export interface RetentionSettings {
  /** Null: kept without end, or without bound. */
  readonly maxAgeMs: number | null;
  readonly maxSizeBytes: number | null;
  readonly keepLastGood: boolean;
  readonly intervalMs: number;
}

export type ForgeSettings = RealForgeSettings | GitForgeSettings;

interface RealForgeSettings {
  readonly kind: 'github' | 'gitlab' | 'forgejo';
  readonly name: string;
  readonly webUrl: string;
  readonly auth: ForgeAuth;
  readonly repositories: readonly ForgeRepositorySettings[];
}

export type ForgeAuth =
  | { readonly kind: 'token'; readonly tokenPath: string }
  | { readonly kind: 'app'; readonly appId: number; readonly privateKeyPath: string };

interface GitForgeSettings {
  readonly kind: 'git';
  readonly name: string;
  readonly repositories: readonly GitRepositorySettings[];
}

export interface RepositorySettings {
  readonly forge: string;
  readonly slug: RepositorySlug;
  /** For createRefMatcher. */
  readonly watchedBranches: readonly string[];
  readonly dropsSuperseded: boolean;
  readonly collapsedCheckThreshold: number;
  readonly weight: number;
  readonly systems: readonly string[];
  readonly areSystemsOpen: boolean;
  readonly attributes: readonly AttributeKind[];
  readonly evaluation: EvaluationSettings;
  readonly maxAgeMs: number | null;
  /** Names of caches that its results may go to; null: all that allow it. */
  readonly caches: readonly string[] | null;
  /** Names of registries: of everything, of its forge, of its own, each once. */
  readonly registries: readonly string[];
}

export interface ForgeRepositorySettings extends RepositorySettings {
  readonly visibility: 'public' | 'private' | 'auto';
  readonly buildsRequests: boolean;
  readonly requestAllowlist: readonly string[];
  readonly fetchableSlugs: readonly RepositorySlug[];
  readonly clone: CloneSettings;
}

export type CloneSettings =
  | { readonly method: 'https' }
  | { readonly method: 'ssh'; readonly keyPath: string };

export interface GitRepositorySettings extends RepositorySettings {
  readonly visibility: 'public' | 'private';
  readonly url: string;
  readonly pollMs: number;
  readonly tokenPath: string | null;
}

interface EnrollmentSettings {
  readonly listen: SocketAddress;
  readonly tokenPath: string | null;
  readonly heartbeatMs: number;
}

export interface CacheSettings {
  readonly name: string;
  readonly pushUrl: string;
  readonly publicUrl: string | null;
  readonly publicKey: string | null;
  readonly signingKeyPath: string;
  readonly allowedRepositories: readonly string[];
  readonly allowedBranches: readonly string[];
  readonly takesRequests: boolean;
}

interface RegistrySettings {
  readonly name: string;
  readonly url: string;
  readonly namespace: string;
  readonly authPath: string | null;
  readonly isInsecure: boolean;
}
