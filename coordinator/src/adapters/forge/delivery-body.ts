/** The body of a delivery: JSON of an object, or a sentence that says what it is instead. */
import type { z } from 'zod';
import type { ParsedDelivery } from '../../ports/forge-deliveries.ts';

type Malformed = Extract<ParsedDelivery, { readonly kind: 'malformed' }>;

export function malformed(reason: string): Malformed {
  return { kind: 'malformed', reason };
}

export function parseDeliveryBody(body: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    // Whoever sent it is told that it is no JSON; there is nothing more to say of it.
    return undefined;
  }
}

/** Names the place and what was expected there, never what came: it is somebody else's. */
export function malformedBy({ issues: [issue] }: z.ZodError): Malformed {
  const place = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.join('.');
  const expected =
    issue?.code === 'invalid_type'
      ? `expected ${issue.expected}`
      : (issue?.message ?? 'expected another form');
  return malformed(`${place}: ${expected}`.slice(0, 200));
}
