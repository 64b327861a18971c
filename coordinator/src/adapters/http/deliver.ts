/** A delivery to the door, and its answer in words for whoever looks at the forge's list of deliveries. */
import type { DeliveryDoor, DoorAnswer, RawDelivery } from '../../ports/delivery-door.ts';
import type { WebhookOutcome } from '../../ports/metrics.ts';

export interface DeliverPorts {
  readonly door: DeliveryDoor;
  readonly received: (forge: string, outcome: WebhookOutcome) => void;
}

export interface DeliveryTold {
  readonly message: string;
  readonly reason?: string;
}

export async function deliver(
  { door, received }: DeliverPorts,
  delivery: RawDelivery,
): Promise<DeliveryTold> {
  const answer = await door(delivery);
  received(delivery.forge, answer.kind);
  return { message: MESSAGES[answer.kind], ...reasonOf(answer) };
}

const MESSAGES = {
  accepted: 'Stored.',
  known: 'This delivery had been stored before.',
  ignored: 'There is nothing to do about it.',
} as const;

function reasonOf(answer: DoorAnswer): { readonly reason?: string } {
  return answer.kind === 'ignored' ? { reason: answer.reason } : {};
}
