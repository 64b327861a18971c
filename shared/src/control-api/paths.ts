/** Where things are on the coordinator's pages: one place, for whoever prints a link. */
import type { RepositoryRef } from './views.ts';

export function repositoryPath({ forge, slug }: RepositoryRef): string {
  return `/r/${segment(forge)}/${slug.split('/').map(segment).join('/')}`;
}

export function evaluationPath(repository: RepositoryRef, evaluationId: number): string {
  return `${repositoryPath(repository)}/eval/${evaluationId}`;
}

export function jobPath(repository: RepositoryRef, evaluationId: number, attr: string): string {
  return `${evaluationPath(repository, evaluationId)}/job/${segment(attr)}`;
}

export function jobLogPath(repository: RepositoryRef, evaluationId: number, attr: string): string {
  return `${jobPath(repository, evaluationId, attr)}/log`;
}

export function badgePath(repository: RepositoryRef): string {
  return `/badge${repositoryPath(repository).slice('/r'.length)}.svg`;
}

export const EVENTS_PATH = '/api/v1/events';

export function logStreamPath(jobId: number): string {
  return `/api/v1/jobs/${jobId}/log/stream`;
}

/** The page of one dispatch of a derivation, for those that no job names. */
export function leasePath(leaseId: number): string {
  return `/leases/${leaseId}`;
}

export function leaseLogPath(leaseId: number): string {
  return `/api/v1/leases/${leaseId}/log`;
}

export function leaseLogStreamPath(leaseId: number): string {
  return `${leaseLogPath(leaseId)}/stream`;
}

// A lone surrogate makes encodeURIComponent throw; Nix's JSON can hold one.
function segment(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
