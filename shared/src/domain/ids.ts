import type { Brand } from './brand.ts';

/** Row numbers of the coordinator's database, each kind apart. A lease is one dispatch of one derivation. */
export type RepositoryId = Brand<number, 'RepositoryId'>;
export type DeliveryId = Brand<number, 'DeliveryId'>;
export type EvaluationId = Brand<number, 'EvaluationId'>;
export type JobId = Brand<number, 'JobId'>;
export type LeaseId = Brand<number, 'LeaseId'>;
