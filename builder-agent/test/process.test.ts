import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { outputOf } from '@argunix/shared/kit/run-process';
import { until } from '@argunix/shared/kit/testing/until';
import { installedNixes, instantiate } from '@argunix/shared/nix/testing/real-nix';
import { expect, test } from 'vitest';
import { DEFAULTS } from './harness/agent.ts';
import { build, logLines, logOf, texts } from './harness/leases.ts';
import { setScene, TOKEN } from './harness/scene.ts';

const [nix] = installedNixes();
if (nix === undefined) {
  throw new Error('no Nix');
}
const { env } = nix;
const scene = setScene(nix, { heartbeatMs: 50 });

interface AgentProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
}

async function startProcess(more: Readonly<Record<string, string>> = {}): Promise<AgentProcess> {
  const { standIn, place } = scene();
  const options = {
    ...DEFAULTS,
    argunixHost: '127.0.0.1',
    argunixPort: String(standIn.port),
    stateDir: place.stateDir,
    enrollmentTokenPath: await place.token(TOKEN),
    hostKeyFingerprint: standIn.fingerprint,
    ...more,
  };
  const main = fileURLToPath(new URL('harness/agent-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=source', main, JSON.stringify(options)], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  const { promise: ended, resolve } = Promise.withResolvers<number | null>();
  child.on('exit', resolve);
  scene().cleanUp(async () => {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, said: () => said };
}

async function isRunning(word: string): Promise<boolean> {
  const args = ['-eo', 'args'];
  return (await outputOf({ command: 'ps', args, env, deadlineMs: 10_000 })).includes(word);
}

test('killed in the middle, it tells at its next start what was cut off and what had ended', async () => {
  const { standIn } = scene();
  const first = await startProcess();
  await standIn.welcomed(1);
  const { one, slow } = await instantiate(
    nix,
    `one = build "one" "echo kept; echo > $out" {}; slow = build "slow" "echo begun; sleep 271.828" {};`,
  );
  standIn.say(build({ 1: one, 2: slow }));
  await standIn.message('ended', ({ lease }) => lease === 1);
  await standIn.message('started', ({ lease }) => lease === 2);

  first.child.kill('SIGKILL');
  await first.ended;
  await startProcess();
  await standIn.welcomed(2);

  expect(standIn.hellos[1]?.held).toMatchObject([
    { lease: 1, ending: { kind: 'built' } },
    { lease: 2, ending: { kind: 'infrastructure', reason: 'The agent was restarted while it built this.' } },
  ]);
  expect(texts(await logLines(await standIn.open(logOf(1))))).toEqual(['kept']);
  await until(async () => !(await isRunning('271.828')));
});

test('asked to stop, it takes nothing new, finishes, is fetched from, and says good-bye', async () => {
  const { standIn, place } = scene();
  const agent = await startProcess({ stopWithin: '60' });
  await standIn.welcomed(1);
  const gate = `${place.dir}/gate`;
  const { slow } = await instantiate(
    nix,
    `slow = build "slow" "while [ ! -e ${gate} ]; do sleep 0.05; done; echo > $out" {};`,
  );
  standIn.say(build({ 1: slow }));
  await standIn.message('started');

  agent.child.kill('SIGTERM');
  expect((await standIn.message('offer')).pause?.why).toBe('stopping');
  await outputOf({ command: 'touch', args: [gate], env, deadlineMs: 10_000 });
  expect((await standIn.message('ended')).ending).toEqual({ kind: 'built' });
  standIn.say({ type: 'release', lease: 1 });

  await standIn.message('leaving');
  expect(await agent.ended).toBe(0);
});

test.each([
  ['when its time is over', '0.2', 1],
  ['at the second signal', '600', 2],
])(
  'asked to stop, %s it ends what is left, which is to be built again',
  async (_when, stopWithin, signals) => {
    const { standIn } = scene();
    const agent = await startProcess({ stopWithin });
    await standIn.welcomed(1);
    const { slow } = await instantiate(
      nix,
      `slow = build "slow" "trap : TERM; while :; do sleep 161.803; done" {};`,
    );
    standIn.say(build({ 1: slow }));
    await standIn.message('started');

    agent.child.kill('SIGTERM');
    await standIn.message('offer');
    if (signals === 2) {
      agent.child.kill('SIGINT');
    }

    expect((await standIn.message('ended')).ending).toEqual({
      kind: 'infrastructure',
      reason: 'The builder was stopped while it built this.',
    });
    await standIn.message('leaving');
    expect(await agent.ended).toBe(0);
    expect(await isRunning('161.803')).toBe(false);
  },
);

test('a second agent on one state directory does not start', async () => {
  await startProcess();
  await scene().standIn.welcomed(1);

  const second = await startProcess();

  expect(await second.ended).toBe(3);
  expect(second.said()).toContain('another agent uses this state directory');
});

test('a refusal for good ends the process with 1', async () => {
  scene().standIn.refuseNext({ code: 'revoked', reason: 'This builder was revoked.' });

  const agent = await startProcess();

  expect(await agent.ended).toBe(1);
  expect(agent.said()).toContain('This builder was revoked.');
});

test('stopped for a while, as by a sleep of its host, it is back as soon as it runs again', async () => {
  const { standIn } = scene();
  const agent = await startProcess();
  await standIn.welcomed(1);
  agent.child.kill('SIGSTOP');
  const beats = standIn.beats.length;
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // Two dozen heartbeats: the time itself is the matter.
  standIn.hangUp();

  agent.child.kill('SIGCONT');

  await standIn.welcomed(2);
  await until(() => standIn.beats.length > beats);
  expect(standIn.hellos).toHaveLength(2);
});

test('a disk that is nearly full asks for nothing new, in a sentence', async () => {
  const { standIn } = scene();
  await startProcess({ minFreeDisk: '1000T' });
  await standIn.welcomed(1);

  expect(standIn.hellos[0]?.pause).toMatchObject({ why: 'low_disk' });
  expect(standIn.hellos[0]?.pause?.reason).toMatch(
    /^The disk of the Nix store has .* left; nothing new is begun below/,
  );
});
