import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Subject } from '../domain/supersede.ts';
import type { Changes } from '../ports/changes.ts';
import type { Delivery, DeliveryStore } from '../ports/delivery-store.ts';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';

export interface DeliveryPorts {
  readonly deliveries: DeliveryStore;
  readonly evaluations: EvaluationStore;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly coalesceMs: number;
  /** There is a new evaluation: older ones of the same subject may have to end. */
  onAccepted(subject: Subject): Promise<void>;
}

/** Turns what stands in the inbox into evaluations, each delivery once. Returns how many evaluations it made. */
export async function handleDeliveries(ports: DeliveryPorts): Promise<number> {
  let made = 0;
  for (let some = ports.deliveries.pending(); some.length > 0; some = ports.deliveries.pending()) {
    for (const delivery of some) {
      made += (await handle(ports, delivery)) ? 1 : 0;
    }
  }
  return made;
}

async function handle(ports: DeliveryPorts, delivery: Delivery): Promise<boolean> {
  const { deliveries, changes, clock } = ports;
  const at = clock.now();
  if (isDuplicate(ports, delivery)) {
    await deliveries.drop(delivery.id, 'the same revision was delivered a moment before', at);
    return false;
  }
  const evaluationId = await deliveries.accept(delivery, at);
  if (evaluationId !== undefined) {
    changes.tell({ kind: 'evaluation', evaluationId });
    await ports.onAccepted(delivery);
  }
  return evaluationId !== undefined;
}

/** The first of equal deliveries starts at once, the others within the window are dropped. What a person asks for is never one. */
function isDuplicate({ evaluations, coalesceMs }: DeliveryPorts, delivery: Delivery): boolean {
  const newest = delivery.kind === 'manual' ? undefined : evaluations.newestLike(delivery);
  return newest !== undefined && stillCounts(newest) && delivery.receivedAt - newest.createdAt < coalesceMs;
}

/** What was taken away is delivered anew when it comes back: a push that was taken back, a request that is opened again. */
function stillCounts({ status, supersededBy }: Evaluation): boolean {
  const hasResult = status === 'done' || status === 'evaluation_failed';
  return supersededBy === null && (hasResult || !isEvaluationEnded(status));
}
