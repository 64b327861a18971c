/** One bench in this process, told to the parent. Started by run.ts alone. */
import { join } from 'node:path';
import type { Bench } from './figure.ts';

const [name = ''] = process.argv.slice(2);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file, named by run.ts; a wrong export fails at once
const { bench } = (await import(join(import.meta.dirname, `${name}.bench.ts`))) as { readonly bench: Bench };
process.stderr.write(`${name}: ${bench.about}\n`);
for await (const figure of bench.run()) {
  await new Promise((resolve) => process.send?.(figure, resolve));
}
process.disconnect();
