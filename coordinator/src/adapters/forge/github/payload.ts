/** The body of a delivery: JSON, or JSON in a field of a form, as the hook was set up. */
import type { DeliveryHeaders } from '../../../ports/forge-deliveries.ts';
import { deliveryHeader } from '../delivery-header.ts';

/** Undefined where it is no JSON. */
export function payloadOf(headers: DeliveryHeaders, body: Buffer): unknown {
  const type = deliveryHeader(headers, 'content-type') ?? '';
  return /^\s*application\/x-www-form-urlencoded\b/i.test(type) ? formPayload(body) : json(body.toString());
}

/** Without the headers: a form begins with its only field. */
export function peekPayload(body: Buffer): unknown {
  return body.subarray(0, 'payload='.length).toString() === 'payload='
    ? formPayload(body)
    : json(body.toString());
}

function formPayload(body: Buffer): unknown {
  return json(new URLSearchParams(body.toString()).get('payload') ?? '');
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Told apart from every JSON value.
    return undefined;
  }
}
