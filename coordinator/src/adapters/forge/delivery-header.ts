import type { DeliveryHeaders } from '../../ports/forge-deliveries.ts';

/** One header of a delivery by its name in lower case; one that came twice is as good as its first. */
export function deliveryHeader(headers: DeliveryHeaders, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return typeof value === 'string' ? value : value?.[0];
}
