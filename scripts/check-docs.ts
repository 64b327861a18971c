/** Holds the documentation to the program: what can be made from it is made and compared. `--write` makes it anew. */
import { parseArgs } from 'node:util';
import { checkPages, writePages } from './docs/pages.ts';

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const root = new URL('../', import.meta.url);
if (values.write) {
  await writePages(root);
}
const problems = await checkPages(root);
process.stdout.write(problems.map((problem) => `${problem}\n`).join(''));
process.exitCode = problems.length === 0 ? 0 : 1;
