import type { EpochMs } from '@argunix/shared/domain/epoch-ms';

/** How long one derivation took; `name` is its name without hash and `.drv`, which outlasts its versions of inputs. */
export interface BuildTime {
  readonly name: string;
  readonly tookMs: number;
}

/** How long things take to build, from how long they took. */
export interface BuildHistory {
  /** Of those of `names` that were built before. Quick for thousands. */
  expectedMs(names: readonly string[]): ReadonlyMap<string, number>;
  /** Of what was built last; undefined when nothing is known. */
  averageMs(): number | undefined;
  /** The mean follows changes: the newest counts a fifth, once there are five. */
  record(times: readonly BuildTime[], at: EpochMs): Promise<void>;
  /** Forgets what was not built since, in pieces that hold nobody up. Returns how many. */
  prune(since: EpochMs): Promise<number>;
}
