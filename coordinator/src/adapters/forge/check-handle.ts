/** What a check carries as its external id at the forge, so that a button there leads back to what it is of. */
import type { CheckHandle } from '../../domain/forge-event.ts';

const FORM = /^evaluation:([1-9]\d{0,15})(?::job:([1-9]\d{0,15}))?$/;

export function writeCheckHandle({ evaluationId, jobId }: CheckHandle): string {
  return `evaluation:${evaluationId}${jobId === null ? '' : `:job:${jobId}`}`;
}

/** Null for what is not ours: another program's external id, or none. */
export function parseCheckHandle(text: string | null | undefined): CheckHandle | null {
  const [, evaluation, job] = FORM.exec(text ?? '') ?? [];
  if (evaluation === undefined) {
    return null;
  }
  const handle = { evaluationId: Number(evaluation), jobId: job === undefined ? null : Number(job) };
  return Number.isSafeInteger(handle.evaluationId) && Number.isSafeInteger(handle.jobId ?? 0) ? handle : null;
}
