/** Some dispatches through the builder in one go, each to one ending: the first that is told. */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { BuildLimits } from '@argunix/shared/domain/build-request';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LogLine } from '@argunix/shared/domain/log-line';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import type { Builder, Carried, Direction } from '../ports/builder.ts';

export interface BatchPorts {
  readonly builder: Builder;
  readonly limits: BuildLimits;
  readonly log: Logger;
}

interface Dispatched {
  readonly drvPath: DerivationPath;
  readonly leaseId: LeaseId;
}

export interface Batch<Dispatch extends Dispatched> {
  readonly dispatches: readonly Dispatch[];
  readonly slots: number;
  /** Its builder began; at most once. */
  started(dispatch: Dispatch): void;
  lines(dispatch: Dispatch, lines: readonly Omit<LogLine, 'atMs'>[]): void;
  /** Exactly once for each; must not reject. */
  ended(dispatch: Dispatch, ending: BuildEnding): Promise<void>;
  /** We stop, and its builder goes on with it: no ending comes. At most once, instead of `ended`. */
  left(dispatch: Dispatch): Promise<void>;
  carrying(dispatch: Dispatch, direction: Direction): void;
  carried(dispatch: Dispatch, direction: Direction, what: Carried): void;
  /** So many slots are free again: what is left needs no more, while its last steps still build. */
  freed(slots: number): void;
}

/** Resolves when what `ended` or `left` does for the last of them is done; never rejects. */
export async function runBatch<Dispatch extends Dispatched>(
  { builder, limits, log }: BatchPorts,
  batch: Batch<Dispatch>,
  signal: AbortSignal,
): Promise<void> {
  const open = new Map(batch.dispatches.map((dispatch) => [dispatch.leaseId, dispatch]));
  const endings: Promise<void>[] = [];
  /** Built, and on their way back. */
  const returning = new Set<LeaseId>();
  let held = batch.slots;

  function giveBack(): void {
    const needed = Math.min(batch.slots, open.size - returning.size);
    const freed = held - needed;
    held = needed;
    if (freed > 0) {
      batch.freed(freed);
    }
  }
  function end(leaseId: LeaseId, ending: BuildEnding): void {
    const dispatch = open.get(leaseId);
    if (dispatch !== undefined) {
      open.delete(leaseId);
      returning.delete(leaseId);
      endings.push(batch.ended(dispatch, ending));
      giveBack();
    }
  }
  function withOpen(leaseId: LeaseId, act: (dispatch: Dispatch) => void): void {
    const dispatch = open.get(leaseId);
    if (dispatch !== undefined) {
      act(dispatch);
    }
  }

  giveBack();
  let reason = 'The builder ended without a word about this derivation.';
  try {
    await builder.build(
      [...open.values()],
      batch.slots,
      limits,
      {
        started: (leaseId) => withOpen(leaseId, (dispatch) => batch.started(dispatch)),
        lines: (leaseId, lines) => withOpen(leaseId, (dispatch) => batch.lines(dispatch, lines)),
        ended: end,
        carrying: (leaseId, direction) =>
          withOpen(leaseId, (dispatch) => {
            batch.carrying(dispatch, direction);
            if (direction === 'pull') {
              returning.add(leaseId);
              giveBack();
            }
          }),
        carried: (leaseId, direction, what) =>
          withOpen(leaseId, (dispatch) => batch.carried(dispatch, direction, what)),
      },
      signal,
    );
  } catch (error) {
    log.error({ err: error, builder: builder.name }, 'a builder met a bug of argunix');
    reason = `A mistake inside argunix ended it: ${messageOf(error)}`;
  }
  for (const [leaseId, dispatch] of [...open]) {
    if (signal.aborted) {
      endings.push(batch.left(dispatch));
    } else {
      end(leaseId, { kind: 'infrastructure', reason });
    }
  }
  await Promise.all(endings);
}
