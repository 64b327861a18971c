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
 *
 * Nobody waits here for a long build. What outlasts patience makes its group *long*, until it goes on to the next. Then
 * a request that waits ends as *returned* when it needs what is long, when every group is long, or when it was handed
 * back by a group and no slot is free for it: another host may be idle, and who gave it knows.
 */
import type { BuildEnding } from '../../domain/build-ending.ts';
import type { BuildLimits, BuildObserver, BuildRequest } from '../../domain/build-request.ts';
import type { LeaseId } from '../../domain/ids.ts';
import type { DerivationPath } from '../../domain/store-path.ts';
import type { RealiseOutcome } from '../build-verdict.ts';
import type { DerivationReader } from '../derivation-reader.ts';
import type { NixEnvironment } from '../nix-configuration.ts';
import { startRealise } from '../realise.ts';
import { type Entry, inheritedEnding, linkNeeds, toEntry } from './build-entry.ts';
import { type Group, judgeGroup, waitsForLong } from './build-group.ts';
import { createPatience } from './build-patience.ts';

export interface BatchContext {
  readonly env: NixEnvironment;
  readonly isSandboxed: boolean;
  readonly derivations: DerivationReader;
  readonly graceMs?: number;
  /** Default: what a build may take that others wait for. */
  readonly patienceMs?: number;
}

export interface BuildBatch {
  cancel(leaseId: LeaseId): void;
  readonly ended: Promise<void>;
}

const MAX_SHARED = 16;

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
  /** Whose builders began in any group: one may end its work while its group is being stopped for another. */
  const begun = new Set<DerivationPath>();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let waiting: readonly Entry[] = entries;
  let freeSlots = slots;
  let shareLimit = MAX_SHARED / 2;
  let isLinked = false;
  const patience = createPatience(onLong, context.patienceMs);

  function finish(entry: Entry, judged: BuildEnding): void {
    if (entry.ending === undefined) {
      const wasBuilt = judged.kind === 'substituted' && begun.has(entry.drvPath);
      const ending: BuildEnding = wasBuilt ? { kind: 'built' } : judged;
      entry.ending = ending;
      if ('reason' in ending) {
        // The reason stands at the end of the log too, where who reads it looks for it.
        const lines = ending.reason.split('\n').map((text) => ({ derivation: '', phase: '', text }));
        observer.lines(entry.leaseId, lines);
      }
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
    returnEntries(waiting.filter((entry) => waitsForLong(entry, groups)));
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
    return waiting.filter(areNeedsEnded);
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

  /** With what needs them. */
  function returnEntries(unwanted: readonly Entry[]): void {
    for (const entry of unwanted) {
      finish(entry, { kind: 'returned' });
    }
    endThoseWhoseNeedsFailed();
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
          // What a stopping group still begins is built again elsewhere, and tells its lines there.
          if (owner !== undefined && (!group.isStopping || owner === group.current || !group.isShared)) {
            observer.lines(owner.leaseId, lines);
          }
        },
        room: (drvPath) => {
          const owner = ownerOf(group, drvPath);
          return owner === undefined ? undefined : observer.room?.(owner.leaseId);
        },
        built: (drvPath) => onBuilt(group, drvPath),
        fetching: (text) => {
          patience.watch(group, 'fetching');
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
      startedAt: performance.now(),
      started,
      current: undefined,
      doing: 'waiting',
      patience: undefined,
      isLong: false,
      isDisowned: false,
      isStopping: false,
    };
    waiting = waiting.filter((entry) => members.get(entry.drvPath) !== entry);
    freeSlots -= jobs;
    groups.add(group);
    patience.watch(group, 'waiting');
    void process.ended.then((outcome) => onGroupEnded(group, outcome));
  }

  function onStarted(group: Group, drvPath: DerivationPath): void {
    group.started.add(drvPath);
    begun.add(drvPath);
    const entry = group.members.get(drvPath);
    if (group.isStopping) {
      return;
    }
    if (group.isShared) {
      const isClear = entry !== undefined && group.current === undefined;
      if (!isClear || group.isDisowned) {
        breakUp(group, !group.isDisowned);
        return;
      }
      group.current = entry;
    }
    patience.watch(group, 'building');
    if (entry !== undefined && !entry.hasStarted) {
      entry.hasStarted = true;
      observer.started(entry.leaseId);
    }
  }
  function onBuilt(group: Group, drvPath: DerivationPath): void {
    const entry = group.members.get(drvPath);
    // Alone, its ending is that of its process, which comes at once: then nothing of it is left.
    if (!group.isShared || entry === undefined || entry.isCancelled) {
      return;
    }
    patience.watch(group, 'waiting');
    group.current = undefined;
    group.members.delete(drvPath);
    finish(entry, { kind: 'built' });
    if (group.isDisowned) {
      breakUp(group, false);
    }
  }
  function onLong(group: Group): void {
    const rest = [...group.members.values()].filter((entry) => entry !== group.current);
    // What a shared group fetches is nobody's by name: its members stay.
    if (!group.isShared || group.current === undefined || rest.length === 0 || group.isStopping) {
      fill();
      return;
    }
    shareLimit = 1;
    group.isDisowned = true;
    for (const entry of rest) {
      group.members.delete(entry.drvPath);
    }
    handBack(rest);
  }
  /** Those that can start at once do. */
  function handBack(rest: readonly Entry[]): void {
    waiting = [...rest, ...waiting];
    fill();
    returnEntries(rest.filter((entry) => waiting.includes(entry) && areNeedsEnded(entry)));
  }
  function breakUp(group: Group, isForInput: boolean): void {
    group.isStopping = true;
    patience.end(group);
    if (isForInput) {
      shareLimit = 1;
      for (const entry of group.members.values()) {
        entry.isAlone = true;
      }
    }
    group.process.stop();
  }

  function onGroupEnded(group: Group, outcome: RealiseOutcome): void {
    patience.end(group);
    groups.delete(group);
    freeSlots += group.jobs;
    const verdict = judgeGroup(group, outcome, signal.aborted);
    for (const entry of verdict.left) {
      entry.isAlone ||= verdict.isUnexplained;
    }
    if (performance.now() - group.startedAt < patience.ms && !group.isStopping) {
      shareLimit = Math.min(MAX_SHARED, shareLimit * 2);
    }
    for (const [entry, ending] of verdict.ended) {
      finish(entry, ending);
    }
    const alone = verdict.left.filter(({ isAlone }) => isAlone);
    waiting = [...verdict.left.filter(({ isAlone }) => !isAlone), ...waiting];
    handBack(alone);
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

function areNeedsEnded({ needs }: Entry): boolean {
  return needs.every(({ ending }) => ending !== undefined);
}

/** Whose log has the lines of this derivation: its own, or that of the only one in its process. */
function ownerOf(group: Group, drvPath: DerivationPath): Entry | undefined {
  return group.isShared ? group.members.get(drvPath) : [...group.members.values()][0];
}
