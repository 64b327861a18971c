import type { EvaluationId } from '@argunix/shared/domain/ids';
import { derivationRoots, outputRoots } from '../domain/root-owners.ts';
import type { Changes } from '../ports/changes.ts';
import type { Evaluation } from '../ports/evaluation-store.ts';
import type { GcRoots } from '../ports/gc-roots.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { ReusableJob, ReuseKeys, ReuseStore } from '../ports/reuse-store.ts';
import type { StoreReader } from '../ports/store-reader.ts';
import { keepTrying, type PatiencePorts } from './keep-trying.ts';
import { isBuilt, outputPaths } from './store-found-jobs.ts';

export interface TakeOverPorts extends PatiencePorts {
  readonly reuse: ReuseStore;
  readonly roots: GcRoots;
  readonly store: StoreReader;
  readonly changes: Changes;
  readonly metrics: Pick<Metrics, 'jobEnded'>;
}

// Some 3 ms of reading.
const PAGE = 1_000;

/**
 * Brings an evaluation that is queued to `building` with what an earlier one found. What is still to be built is rooted
 * first and asked about then; where any derivation is gone, nothing happens, and false says so. The derivation of a
 * cached job has to be there, and need not stay: nobody builds it, and rooting thousands of them takes longer than all
 * the rest. Until all of it is stored the evaluation stays as it is; roots that were made in vain go with it.
 */
export async function takeOverEvaluation(
  ports: TakeOverPorts,
  { id }: Evaluation,
  earlier: { readonly from: EvaluationId; readonly keys: ReuseKeys },
  signal: AbortSignal,
): Promise<boolean> {
  const { reuse, roots, store, changes, metrics, clock, log } = ports;
  const jobs = await readJobs(ports, earlier.from);
  const derivations = jobs.flatMap(({ drvPath }) => drvPath ?? []);
  const valid = await store.validPaths([...derivations, ...jobs.flatMap(outputPaths)]);
  const cached = jobs.filter((job) => job.drvPath !== null && isBuilt(job, valid));
  const built = new Set(cached.map(({ drvPath }) => drvPath));
  const unbuilt = derivations.filter((drvPath) => !built.has(drvPath));
  let gone = derivations.find((drvPath) => !valid.has(drvPath));
  if (gone === undefined && unbuilt.length > 0) {
    await roots.add(derivationRoots(id), unbuilt);
    const stillValid = await store.validPaths(unbuilt);
    gone = unbuilt.find((drvPath) => !stillValid.has(drvPath));
  }
  if (gone !== undefined) {
    log.info({ evaluationId: id, earlier: earlier.from, gone }, 'a derivation was collected: evaluated anew');
    return false;
  }
  await roots.add(outputRoots(id), cached.flatMap(outputPaths));
  if (signal.aborted) {
    return false;
  }
  const takeover = { ...earlier, cached: cached.map((job) => job.id) };
  const isTaken = await keepTrying(ports, 'take over an evaluation', signal, () =>
    reuse.takeOver(id, takeover, clock.now()),
  );
  if (isTaken) {
    for (const { system } of cached) {
      metrics.jobEnded('cached', system);
    }
    for (const { system } of jobs.filter(({ drvPath }) => drvPath === null)) {
      metrics.jobEnded('failure', system);
    }
    log.info(
      { evaluationId: id, earlier: earlier.from, jobs: jobs.length, cached: cached.length },
      'took over what an earlier evaluation found',
    );
    changes.tell({ kind: 'evaluation', evaluationId: id });
  }
  return isTaken;
}

/** Page by page: thousands of rows at once would hold up everybody else. */
async function readJobs(
  { reuse, clock }: Pick<TakeOverPorts, 'reuse' | 'clock'>,
  from: EvaluationId,
): Promise<readonly ReusableJob[]> {
  const read: ReusableJob[] = [];
  for (let after: string | null = null; ; ) {
    const page: readonly ReusableJob[] = reuse.jobs(from, { after, limit: PAGE });
    read.push(...page);
    after = page.at(-1)?.attr ?? null;
    if (page.length < PAGE) {
      return read;
    }
    await clock.sleep(0);
  }
}
