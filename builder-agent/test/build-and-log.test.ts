import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '@argunix/shared/kit/testing/until';
import { greetServer } from '@argunix/shared/nix/serve-greeting';
import { createWireReader } from '@argunix/shared/nix/serve-protocol';
import { installedNixes, instantiate } from '@argunix/shared/nix/testing/real-nix';
import { parseLogLine } from '@argunix/shared/protocol/log-stream';
import type { ServerChannel } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makePlace, type Place, startTestAgent, type TestAgent } from './harness/agent.ts';
import { type StandIn, startStandIn } from './harness/stand-in.ts';

let place: Place;
let standIn: StandIn;
let agent: TestAgent | undefined;

beforeEach(async () => {
  place = await makePlace();
  standIn = await startStandIn({ token: 'a-token-of-this-test' });
});

afterEach(async () => {
  agent?.stop();
  agent?.stop();
  await agent?.ended;
  agent = undefined;
  await standIn.close();
  await place.remove();
});

const LIMITS = { slots: 2, timeout_ms: 60_000, max_silent_ms: 60_000, max_log_bytes: 10_000_000 };

describe.each(installedNixes())('on $title', (nix) => {
  async function join2(): Promise<TestAgent> {
    const started = await startTestAgent({
      nix,
      port: standIn.port,
      stateDir: place.stateDir,
      options: {
        enrollmentTokenPath: await place.token('a-token-of-this-test'),
        hostKeyFingerprint: standIn.fingerprint,
      },
    });
    await standIn.welcomed(1);
    return started;
  }

  test.skipIf(nix.isMissing)('what is leased is rooted, built, and told with its log', async () => {
    agent = await join2();
    const drvs = await instantiate(
      nix,
      `one = build "one" "for n in 1 2 3; do echo line $n; done; echo > $out" {};`,
    );

    standIn.say({
      type: 'build',
      batch: 1,
      ...LIMITS,
      requests: [{ lease: 7, drv_path: drvs['one'] ?? '', outputs: [] }],
      inputs: [],
    });

    const { ending, log_lines } = await standIn.message('ended');
    expect({ ending, log_lines }).toEqual({ ending: { kind: 'built' }, log_lines: 3 });
    expect(standIn.messages.map(({ type }) => type)).toEqual(['rooted', 'started', 'ended']);
    const log = await standIn.open({ kind: 'log', lease: 7 as never, from: 1 });
    expect(await linesOf(log)).toEqual([
      { derivation: 'one', phase: '', text: 'line 2' },
      { derivation: 'one', phase: '', text: 'line 3' },
      { end: 3 },
    ]);

    standIn.say({ type: 'release', lease: 7 });
    await until(() =>
      access(join(place.stateDir, 'leases/7')).then(
        () => false,
        () => true,
      ),
    );
  });

  test.skipIf(nix.isMissing)('the store is served on a channel', async () => {
    agent = await join2();

    const channel = await standIn.open({ kind: 'store', compression: 'none' });
    const reader = createWireReader(channel);

    expect(await greetServer(channel, reader)).toBeUndefined();
    channel.end();
  });
});

async function linesOf(channel: ServerChannel): Promise<unknown[]> {
  let text = '';
  for await (const piece of channel) {
    text += String(piece);
  }
  return text.trimEnd().split('\n').map(parseLogLine);
}
