/** Sends what is missing at the other end, through the lane for its size, until nothing is. */
import type { Lane } from './lane.ts';
import type { PathInfo } from './path-info.ts';
import type { PathsUnderWay } from './paths-under-way.ts';
import { streamPaths } from './stream-paths.ts';
import type { TransferTally } from './transfer-tally.ts';
import type { Watch } from './watch.ts';

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
  readonly tally: TransferTally;
}

// A second of a good link.
const SMALL_BYTES = 64 * 1024 * 1024;

export async function carryMissing(carrying: Carrying): Promise<void> {
  const { infos, tally } = carrying;
  tally.expect(infos);
  let asOf = carrying.asOf;
  for (let missing = infos; missing.length > 0; ) {
    const { blocked, others } = await sendOurs(carrying, missing, asOf);
    if (blocked.length === 0) {
      break;
    }
    await carrying.watch.whilePaused(others);
    asOf = carrying.lanes.underWay.sentCount();
    missing = await stillMissing(carrying, blocked);
  }
  tally.tell();
}

async function sendOurs(
  carrying: Carrying,
  missing: readonly PathInfo[],
  asOf: number,
): Promise<{ readonly blocked: readonly PathInfo[]; readonly others: Promise<unknown> }> {
  const { lanes, watch, tally } = carrying;
  const bytes = missing.reduce((sum, { narSize }) => sum + narSize, 0);
  const lane = bytes <= SMALL_BYTES ? lanes.small : lanes.large;
  return await lane.use(watch, async (pair) => {
    // Whoever had the lane before, or has the other one, may have sent some of it.
    const isOutdated = lanes.underWay.sentCount() !== asOf;
    const claim = lanes.underWay.claim(isOutdated ? await stillMissing(carrying, missing) : missing);
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
  { watch, arrived, tally }: Carrying,
  infos: readonly PathInfo[],
): Promise<readonly PathInfo[]> {
  const there = await watch.whilePaused(arrived(infos.map(({ path }) => path)));
  for (const path of there) {
    tally.stored(path);
  }
  return infos.filter(({ path }) => !there.has(path));
}
