/** Keeps what a builder told, in its order, and judges nothing but that each lease ends once and last. */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { BuildRequest } from '@argunix/shared/domain/build-request';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LogLine } from '@argunix/shared/domain/log-line';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { DispatchObserver } from '../../../ports/builder.ts';

export interface BuildRecord {
  readonly requests: readonly BuildRequest[];
  readonly observer: DispatchObserver;
  readonly events: readonly string[];
  leaseOf(name: string): LeaseId;
  endingOf(name: string): BuildEnding | undefined;
  reasonOf(name: string): string;
  linesOf(name: string): readonly Omit<LogLine, 'atMs'>[];
  /** What came back, to be asked for again: it counts as not ended. */
  takeReturned(): readonly BuildRequest[];
}

export function recordBuilds(drvPaths: Readonly<Record<string, DerivationPath>>): BuildRecord {
  const names = Object.keys(drvPaths);
  const leases = new Map(names.map((name, index) => [name, toLeaseId(index + 1)]));
  const endings = new Map<LeaseId, BuildEnding>();
  const lines = new Map<LeaseId, Omit<LogLine, 'atMs'>[]>();
  const events: string[] = [];
  const nameOf = (leaseId: LeaseId): string => names[leaseId - 1] ?? '?';
  const leaseOf = (name: string): LeaseId => leases.get(name) ?? toLeaseId(0);
  function mustBeOpen(leaseId: LeaseId): void {
    if (endings.has(leaseId)) {
      throw new Error(`${nameOf(leaseId)} was told of after its end`);
    }
  }
  const requests = Object.entries(drvPaths).map(([name, drvPath]) => ({ leaseId: leaseOf(name), drvPath }));
  return {
    requests,
    observer: {
      started(leaseId) {
        mustBeOpen(leaseId);
        events.push(`started ${nameOf(leaseId)}`);
      },
      lines(leaseId, more) {
        mustBeOpen(leaseId);
        lines.set(leaseId, [...(lines.get(leaseId) ?? []), ...more]);
      },
      carrying() {},
      carried() {},
      ended(leaseId, ending) {
        mustBeOpen(leaseId);
        endings.set(leaseId, ending);
        events.push(`ended ${nameOf(leaseId)} ${ending.kind}`);
      },
    },
    events,
    leaseOf,
    endingOf: (name) => endings.get(leaseOf(name)),
    reasonOf: (name) => {
      const ending = endings.get(leaseOf(name));
      return ending !== undefined && 'reason' in ending ? ending.reason : '';
    },
    linesOf: (name) => lines.get(leaseOf(name)) ?? [],
    takeReturned: () => {
      const returned = requests.filter(({ leaseId }) => endings.get(leaseId)?.kind === 'returned');
      for (const { leaseId } of returned) {
        endings.delete(leaseId);
      }
      return returned;
    },
  };
}

function toLeaseId(value: number): LeaseId {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no database makes leases here
  return value as LeaseId;
}
