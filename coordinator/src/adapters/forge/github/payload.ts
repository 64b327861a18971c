/** The body of a delivery: JSON, or JSON in a field of a form, as the hook was set up. Undefined where it is no object. */
import type { DeliveryHeaders } from '../../../ports/forge-deliveries.ts';
import { parseDeliveryBody } from '../delivery-body.ts';
import { deliveryHeader } from '../delivery-header.ts';

export function payloadOf(headers: DeliveryHeaders, body: Buffer): object | undefined {
  const type = deliveryHeader(headers, 'content-type') ?? '';
  const isForm = /^\s*application\/x-www-form-urlencoded\b/i.test(type);
  return parseDeliveryBody(isForm ? fieldOf(body) : body);
}

/** Without the headers: a form begins with its only field. */
export function peekPayload(body: Buffer): object | undefined {
  const isForm = body.subarray(0, 'payload='.length).toString() === 'payload=';
  return parseDeliveryBody(isForm ? fieldOf(body) : body);
}

function fieldOf(form: Buffer): Buffer {
  return Buffer.from(new URLSearchParams(form.toString()).get('payload') ?? '');
}
