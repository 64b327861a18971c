/** `argunix-builder` as a process, with waits that a test can sit through: its options as JSON. */
import { join } from '../../src/commands/join.ts';
import { QUICK } from './agent.ts';

const [options = '{}'] = process.argv.slice(2);
try {
  process.exitCode = await join(JSON.parse(options), QUICK);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 3;
}
