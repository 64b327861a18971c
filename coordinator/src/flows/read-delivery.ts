import type { ReadDelivery, SignedDelivery } from '../ports/delivery-reader.ts';
import type { DeliveryDialect } from '../ports/forge-deliveries.ts';

export function readDelivery(
  dialect: DeliveryDialect,
  { headers, body, secrets, now }: Omit<SignedDelivery, 'kind'>,
): ReadDelivery {
  const verdict = dialect.judgeSignature(headers, body, secrets, now);
  return verdict === 'good' ? dialect.parse(headers, body) : { kind: 'unsigned', verdict };
}
