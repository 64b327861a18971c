import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The payload of a delivery by its case: `merge-request-update-title-only`. */
export function readDelivery(directory: string, name: string): unknown {
  return JSON.parse(readFileSync(join(directory, 'deliveries', `${name}.json`), 'utf8')) as unknown;
}
