import type { Brand } from './brand.ts';

/** Row numbers of the coordinator's database, each kind apart. A lease is one dispatch of one derivation. */
export type RepositoryId = Brand<number, 'RepositoryId'>;
export type DeliveryId = Brand<number, 'DeliveryId'>;
export type EvaluationId = Brand<number, 'EvaluationId'>;
export type JobId = Brand<number, 'JobId'>;
export type LeaseId = Brand<number, 'LeaseId'>;

/** An id as it came from outside: it names a row, or none. */
export function toEvaluationId(value: number): EvaluationId {
  return value as EvaluationId;
}

export function toJobId(value: number): JobId {
  return value as JobId;
}

export function toLeaseId(value: number): LeaseId {
  return value as LeaseId;
}
