import { configurationSchema } from '../config/known-keys.ts';

export function printSchema(): void {
  process.stdout.write(`${JSON.stringify(configurationSchema(), null, 2)}\n`);
}
