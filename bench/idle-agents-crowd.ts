/**
 * Two hundred agents in one process, as far as the coordinator can tell: real SSH, real keys, heartbeats with figures as often as theirs.
 * Says on its standard output in how many ms all of them were welcome, and lives until its standard input ends.
 */
import { BEATS_PER_STATS } from '../builder-agent/src/adapters/ssh/control-session.ts';
import { converse, dial, execute, helloOf, newKey } from '../coordinator/src/adapters/ssh/testing/dial.ts';

const [address = '', token = '', count = '200', heartbeatMs = '5000'] = process.argv.slice(2);

const keys = Array.from({ length: Number(count) }, newKey);
const from = performance.now();
await Promise.all(
  keys.map(async (key, at) => {
    const talk = converse(await execute(await dial({ address, key, token })));
    talk.say(helloOf({ name: `idle-${at}`, session: `session-of-${at}` }));
    await talk.next();
    const stats = {
      load_1: 0.5,
      cores: 8,
      memory_used_bytes: 1e9,
      memory_total_bytes: 8e9,
      disk_free_bytes: 1e11,
      disk_total_bytes: 1e12,
      building: 0,
    };
    let beats = at;
    const beat = (): void => {
      beats += 1;
      const isWithStats = beats % BEATS_PER_STATS === 0;
      talk.say({ beat: { at: performance.now(), back: null, stats: isWithStats ? stats : null } });
    };
    // Spread over the beat, as agents that started by themselves are.
    setTimeout(() => setInterval(beat, Number(heartbeatMs)), (at * Number(heartbeatMs)) / keys.length);
  }),
);
process.stdout.write(`${Math.round(performance.now() - from)}\n`);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
