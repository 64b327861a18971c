/** Sends what is missing at the other end, through the lane for its size, until nothing is. */
import type { Lane } from './lane.ts';
import type { PathInfo } from './path-info.ts';
import type { PathsUnderWay } from './paths-under-way.ts';
import { streamPaths } from './stream-paths.ts';
import type { Watch } from './watch.ts';

export interface TransferProgress {
  readonly pathsDone: number;
  readonly pathsTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** Into one store. Two lanes, so that a derivation does not wait for the image before it. */
export interface Lanes {
  readonly small: Lane;
  readonly large: Lane;
  readonly underWay: PathsUnderWay;
}

export interface Carrying {
  /** References first. */
  readonly infos: readonly PathInfo[];
  readonly lanes: Lanes;
  readonly watch: Watch;
  /** `sentCount` of the lanes before the question that found these missing. */
  readonly asOf: number;
  /** Of these, what the other end has by now. */
  readonly arrived: (paths: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly progress: (progress: TransferProgress) => void;
}

// A second of a good link.
const SMALL_BYTES = 64 * 1024 * 1024;
const TELL_EVERY_BYTES = 1024 * 1024;

/** Returns the bytes that this one sent. */
export async function carryMissing(carrying: Carrying): Promise<number> {
  const tally = createTally(carrying.infos, carrying.progress);
  let asOf = carrying.asOf;
  for (let missing = carrying.infos; missing.length > 0; ) {
    const { blocked, others } = await sendOurs(carrying, missing, asOf, tally);
    if (blocked.length === 0) {
      break;
    }
    await carrying.watch.whilePaused(others);
    asOf = carrying.lanes.underWay.sentCount();
    missing = await stillMissing(carrying, blocked, tally);
  }
  tally.tell();
  return tally.sentBytes();
}

async function sendOurs(
  carrying: Carrying,
  missing: readonly PathInfo[],
  asOf: number,
  tally: Tally,
): Promise<{ readonly blocked: readonly PathInfo[]; readonly others: Promise<unknown> }> {
  const { lanes, watch } = carrying;
  const bytes = missing.reduce((sum, { narSize }) => sum + narSize, 0);
  const lane = bytes <= SMALL_BYTES ? lanes.small : lanes.large;
  return await lane.use(watch, async (pair) => {
    // Whoever had the lane before, or has the other one, may have sent some of it.
    const isOutdated = lanes.underWay.sentCount() !== asOf;
    const claim = lanes.underWay.claim(isOutdated ? await stillMissing(carrying, missing, tally) : missing);
    try {
      await streamPaths(pair, claim.mine, {
        moved: (count) => tally.moved(count),
        stored(path) {
          claim.stored(path);
          tally.stored(path);
        },
      });
    } finally {
      claim.release();
    }
    // Inside an object: a promise alone would be waited for here, and the lane with it.
    return { blocked: claim.blocked, others: claim.others };
  });
}

async function stillMissing(
  { watch, arrived }: Carrying,
  infos: readonly PathInfo[],
  tally: Tally,
): Promise<readonly PathInfo[]> {
  const there = await watch.whilePaused(arrived(infos.map(({ path }) => path)));
  for (const path of there) {
    tally.stored(path);
  }
  return infos.filter(({ path }) => !there.has(path));
}

interface Tally {
  moved(bytes: number): void;
  stored(path: string): void;
  tell(): void;
  sentBytes(): number;
}

function createTally(infos: readonly PathInfo[], progress: (progress: TransferProgress) => void): Tally {
  const waiting = new Map(infos.map(({ path, narSize }) => [path, narSize]));
  const bytesTotal = infos.reduce((sum, { narSize }) => sum + narSize, 0);
  let storedBytes = 0;
  let sentBytes = 0;
  let untold = 0;
  function tell(): void {
    untold = 0;
    progress({
      pathsDone: infos.length - waiting.size,
      pathsTotal: infos.length,
      // What was sent runs ahead of what was stored; what others sent counts when it is stored.
      bytesDone: Math.min(bytesTotal, Math.max(sentBytes, storedBytes)),
      bytesTotal,
    });
  }
  function count(bytes: number): void {
    untold += bytes;
    if (untold >= TELL_EVERY_BYTES) {
      tell();
    }
  }
  return {
    moved(bytes) {
      sentBytes += bytes;
      count(bytes);
    },
    stored(path) {
      const bytes = waiting.get(path) ?? 0;
      waiting.delete(path);
      storedBytes += bytes;
      count(bytes);
    },
    tell,
    sentBytes: () => sentBytes,
  };
}
