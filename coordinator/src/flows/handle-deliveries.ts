import type { Clock } from '@argunix/shared/kit/clock';
import type { Changes } from '../ports/changes.ts';
import type { Delivery, DeliveryStore } from '../ports/delivery-store.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';

export interface DeliveryPorts {
  readonly deliveries: DeliveryStore;
  readonly evaluations: EvaluationStore;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly coalesceMs: number;
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
  }
  return evaluationId !== undefined;
}

/** The first of equal deliveries starts at once, the others within the window are dropped. What a person asks for is never one. */
function isDuplicate({ evaluations, coalesceMs }: DeliveryPorts, delivery: Delivery): boolean {
  if (delivery.kind === 'manual') {
    return false;
  }
  const newest = evaluations.newestOf(delivery.repositoryId, delivery.ref, delivery.sha);
  return (
    newest !== undefined &&
    newest.isTrusted === delivery.isTrusted &&
    newest.trigger === delivery.kind &&
    delivery.receivedAt - newest.createdAt < coalesceMs
  );
}
