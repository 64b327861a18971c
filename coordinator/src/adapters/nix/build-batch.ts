/**
 * The requests of one call of `build`, over as few nix-store processes as keeps every ending prompt and true.
 *
 * A request *waits* until nothing it names among the others is unended, then *runs* in a group, then *ends*, once.
 * A group is one nix-store process. While many requests are ready, several share one: starting a process costs as much
 * as a trivial build (200 of them: 4.5 s one by one, 0.9 s in twenties). A shared group builds one at a time, so
 * whatever runs in it is known by name. It is broken up, its unended requests going back, when that does not hold or
 * would make one wait for another: a build takes longer than a trivial one, a builder runs that nobody asked for by
 * name (an input of one of them), one fails (without --keep-going, which would keep the reason back), one is cancelled.
 * A request that was in a group that broke up for an input or a failure nobody owns is *alone* from then on: everything
 * that its process builds is for it, and its log has the lines of its inputs too.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { judgeRealise, type RealiseOutcome } from '@argunix/shared/nix/build-verdict';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import { type Realise, startRealise } from '@argunix/shared/nix/realise';
import type { BuildLimits, BuildObserver, BuildRequest } from '../../ports/builder.ts';
import { type Entry, inheritedEnding, linkNeeds, toEntry } from './build-entry.ts';
import type { DerivationReader } from './derivation-reader.ts';

export interface BatchContext {
  readonly env: NixEnvironment;
  readonly isSandboxed: boolean;
  readonly derivations: DerivationReader;
  readonly graceMs?: number;
}

export interface BuildBatch {
  cancel(leaseId: LeaseId): void;
  readonly ended: Promise<void>;
}

interface Culprit {
  readonly entry: Entry;
  readonly ending: BuildEnding;
}

interface Group {
  readonly members: Map<DerivationPath, Entry>;
  readonly isShared: boolean;
  readonly jobs: number;
  readonly process: Realise;
  readonly started: Set<DerivationPath>;
  /** What a shared group builds now. */
  current: Entry | undefined;
  culprit: Culprit | undefined;
  patience: NodeJS.Timeout | undefined;
  /** It still lists what is no longer its own: to be stopped before it begins anything. */
  isDisowned: boolean;
  isStopping: boolean;
}

const MAX_SHARED = 16;
// A build that takes longer is worth a process of its own, and the others must not wait for it.
const PATIENCE_MS = 1_000;

export function startBatch(
  requests: readonly BuildRequest[],
  slots: number,
  limits: BuildLimits,
  observer: BuildObserver,
  signal: AbortSignal,
  context: BatchContext,
): BuildBatch {
  const entries = requests.map(toEntry);
  const groups = new Set<Group>();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let waiting: Entry[] = entries;
  let freeSlots = slots;
  let shareLimit = MAX_SHARED / 2;
  let isLinked = false;

  function finish(entry: Entry, ending: BuildEnding): void {
    if (entry.ending === undefined) {
      entry.ending = ending;
      explain(entry, ending);
      observer.ended(entry.leaseId, ending);
    }
  }

  function fill(): void {
    if (!isLinked) {
      return;
    }
    endThoseWhoseNeedsFailed();
    for (let ready = readyEntries(); freeSlots > 0 && ready.length > 0; ready = readyEntries()) {
      startGroup(ready);
    }
    if (groups.size === 0 && waiting.length > 0) {
      // Derivations cannot need each other in a circle; a store that says so is broken.
      for (const entry of waiting) {
        finish(entry, { kind: 'infrastructure', reason: 'the derivations need each other in a circle' });
      }
      waiting = [];
    }
    if (groups.size === 0) {
      signal.removeEventListener('abort', cancelAll);
      resolve();
    }
  }
  function readyEntries(): readonly Entry[] {
    return waiting.filter(({ needs }) => needs.every(({ ending }) => ending !== undefined));
  }
  function endThoseWhoseNeedsFailed(): void {
    for (let hasChanged = true; hasChanged; ) {
      hasChanged = false;
      for (const entry of waiting) {
        const ending = inheritedEnding(entry);
        if (ending !== undefined) {
          finish(entry, ending);
          hasChanged = true;
        }
      }
      waiting = waiting.filter(({ ending }) => ending === undefined);
    }
  }

  function startGroup(ready: readonly Entry[]): void {
    const shared = ready.filter(({ isAlone }) => !isAlone);
    const size = Math.min(shareLimit, Math.floor(shared.length / freeSlots));
    const chosen = size > 1 ? shared.slice(0, size) : ready.slice(0, 1);
    const isShared = chosen.length > 1;
    const members = new Map(chosen.map((entry) => [entry.drvPath, entry]));
    const jobs = isShared ? 1 : Math.max(1, Math.floor(freeSlots / ready.length));
    const started = new Set<DerivationPath>();
    const process = startRealise(
      {
        drvPaths: chosen.map(({ drvPath }) => drvPath),
        maxJobs: jobs,
        limits,
        isSandboxed: context.isSandboxed,
        env: context.env,
        ...(context.graceMs === undefined ? {} : { graceMs: context.graceMs }),
      },
      {
        started: (drvPath) => onStarted(group, drvPath),
        lines: (drvPath, lines) => {
          const owner = ownerOf(group, drvPath);
          if (owner !== undefined) {
            observer.lines(owner.leaseId, lines);
          }
        },
        built: (drvPath) => onBuilt(group, drvPath),
        fetching: (text) => {
          const owner = group.isShared ? undefined : chosen[0];
          if (owner !== undefined && text !== '') {
            observer.lines(owner.leaseId, [{ derivation: '', phase: '', text }]);
          }
        },
      },
    );
    const group: Group = {
      members,
      isShared,
      jobs,
      process,
      started,
      current: undefined,
      culprit: undefined,
      patience: undefined,
      isDisowned: false,
      isStopping: false,
    };
    waiting = waiting.filter((entry) => !chosen.includes(entry));
    freeSlots -= jobs;
    groups.add(group);
    void process.ended.then((outcome) => onGroupEnded(group, outcome));
  }

  function ownerOf(group: Group, drvPath: DerivationPath): Entry | undefined {
    return group.isShared ? group.members.get(drvPath) : [...group.members.values()][0];
  }

  function onStarted(group: Group, drvPath: DerivationPath): void {
    group.started.add(drvPath);
    const entry = group.members.get(drvPath);
    if (group.isShared) {
      settleCurrent(group);
      if (entry === undefined || group.isDisowned) {
        breakUp(group, entry === undefined && !group.isDisowned);
        return;
      }
      group.current = entry;
      group.patience = setTimeout(() => handBackRest(group), PATIENCE_MS);
    }
    if (entry !== undefined && !entry.hasStarted) {
      entry.hasStarted = true;
      observer.started(entry.leaseId);
    }
  }
  /** Nix began the next one, and would not have after a failure. */
  function settleCurrent(group: Group): void {
    if (group.current !== undefined) {
      onBuilt(group, group.current.drvPath);
    }
  }
  function onBuilt(group: Group, drvPath: DerivationPath): void {
    const entry = group.members.get(drvPath);
    // Alone, its ending is that of its process, which comes at once: then nothing of it is left.
    if (!group.isShared || entry === undefined || entry.isCancelled) {
      return;
    }
    clearTimeout(group.patience);
    group.current = undefined;
    group.members.delete(drvPath);
    finish(entry, { kind: 'built' });
    if (group.isDisowned) {
      breakUp(group, false);
    }
  }
  function handBackRest(group: Group): void {
    const rest = [...group.members.values()].filter((entry) => entry !== group.current);
    if (rest.length === 0 || group.isStopping) {
      return;
    }
    shareLimit = 1;
    group.isDisowned = true;
    for (const entry of rest) {
      group.members.delete(entry.drvPath);
    }
    waiting = [...rest, ...waiting];
    fill();
  }
  function breakUp(group: Group, isForInput: boolean): void {
    group.isStopping = true;
    clearTimeout(group.patience);
    if (isForInput) {
      shareLimit = 1;
      for (const entry of group.members.values()) {
        entry.isAlone = true;
      }
    }
    group.process.stop();
  }

  function onGroupEnded(group: Group, outcome: RealiseOutcome): void {
    clearTimeout(group.patience);
    groups.delete(group);
    freeSlots += group.jobs;
    const isWhole = outcome.ending.kind === 'exited' && outcome.ending.code === 0;
    group.culprit = findCulprit(group, outcome);
    for (const entry of group.members.values()) {
      const ending = endingOf(entry, group, outcome);
      if (ending === undefined) {
        waiting.unshift(entry);
      } else {
        finish(entry, ending);
      }
    }
    if (isWhole && group.isShared) {
      shareLimit = Math.min(MAX_SHARED, shareLimit * 2);
    }
    fill();
  }
  /** Undefined: this process says nothing about it, it goes to another. */
  function endingOf(entry: Entry, group: Group, outcome: RealiseOutcome): BuildEnding | undefined {
    const isWhole = outcome.ending.kind === 'exited' && outcome.ending.code === 0;
    if (!isWhole && (entry.isCancelled || signal.aborted)) {
      return { kind: 'cancelled' };
    }
    if (!group.isShared || isWhole) {
      return judgeRealise(entry.drvPath, group.started, outcome);
    }
    const { culprit } = group;
    if (entry === culprit?.entry) {
      return culprit.ending;
    }
    // Which one the trouble is about shows when each has a process of its own.
    entry.isAlone ||= culprit === undefined && !group.isStopping;
    return undefined;
  }
  /** Only a fault of the build itself: of anything else that ended a shared process, it may be a bystander. */
  function findCulprit(
    { isShared, isStopping, current, started }: Group,
    outcome: RealiseOutcome,
  ): Culprit | undefined {
    if (!isShared || isStopping || current === undefined) {
      return undefined;
    }
    const ending = judgeRealise(current.drvPath, started, outcome);
    return ending.kind === 'failed' || ending.kind === 'timed_out' ? { entry: current, ending } : undefined;
  }
  /** The reason stands at the end of the log too, where who reads it looks for it. */
  function explain({ leaseId }: Entry, ending: BuildEnding): void {
    if ('reason' in ending) {
      const lines = ending.reason.split('\n').map((text) => ({ derivation: '', phase: '', text }));
      observer.lines(leaseId, lines);
    }
  }

  function cancel(leaseId: LeaseId): void {
    const entry = entries.find((candidate) => candidate.leaseId === leaseId);
    if (entry === undefined || entry.ending !== undefined || entry.isCancelled) {
      return;
    }
    entry.isCancelled = true;
    const group = [...groups].find(({ members }) => members.get(entry.drvPath) === entry);
    if (group === undefined) {
      waiting = waiting.filter((candidate) => candidate !== entry);
      finish(entry, { kind: 'cancelled' });
      fill();
    } else if (!group.isShared || group.current === entry) {
      group.isStopping = true;
      group.process.stop();
    } else {
      group.members.delete(entry.drvPath);
      group.isDisowned = true;
      finish(entry, { kind: 'cancelled' });
      if (group.members.size === 0) {
        breakUp(group, false);
      }
    }
  }
  function cancelAll(): void {
    for (const entry of waiting) {
      finish(entry, { kind: 'cancelled' });
    }
    waiting = [];
    for (const group of groups) {
      breakUp(group, false);
    }
    if (groups.size === 0) {
      resolve();
    }
  }

  signal.addEventListener('abort', cancelAll, { once: true });
  async function begin(): Promise<void> {
    await linkNeeds(entries, context.derivations);
    isLinked = true;
    if (signal.aborted) {
      cancelAll();
    } else {
      fill();
    }
  }
  void begin();
  return { cancel, ended };
}
