import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '@argunix/shared/kit/testing/until';
import { installedNixes, instantiate } from '@argunix/shared/nix/testing/real-nix';
import { frameLine } from '@argunix/shared/protocol/frame';
import { describe, expect, test } from 'vitest';
import { build, logLines, logOf, texts } from './harness/leases.ts';
import { setScene } from './harness/scene.ts';

const [nix] = installedNixes();
if (nix === undefined) {
  throw new Error('no Nix');
}
const scene = setScene(nix, { heartbeatMs: 50 });

describe('a refusal', () => {
  test('that is for good ends the agent with what it said', async () => {
    const { standIn } = scene();
    standIn.refuseNext({ code: 'name-taken', reason: 'Another key has that name.' });

    const agent = await scene().agent();

    expect(await agent.ended).toBe('Another key has that name.');
  });

  test.each(['busy', 'of-a-later-version'])('%s is one to come back after', async (code) => {
    const { standIn } = scene();
    standIn.refuseNext({ code, reason: 'Later.' });

    await scene().joined();

    expect(standIn.hellos).toHaveLength(2);
  });

  test('after the welcome ends it too', async () => {
    const { standIn } = scene();
    const agent = await scene().joined();

    standIn.refuse({ code: 'displaced', reason: 'Another came in its place.' });

    expect(await agent.ended).toBe('Another came in its place.');
  });
});

describe('a connection that is lost', () => {
  test('while a build runs leaves it running; its lease is told again, and each message once', async () => {
    const { standIn } = scene();
    const proxy = await scene().proxy();
    await scene().joined({ port: proxy.port });
    const { slow } = await instantiate(nix, `slow = build "slow" "sleep 1.5; echo done; echo > $out" {};`);
    standIn.say(build({ 3: slow }));
    await standIn.message('started');

    proxy.cut();
    await standIn.welcomed(2);

    const { lease, started, ending } = standIn.hellos[1]?.held[0] ?? {};
    expect({ lease, started, ending }).toEqual({ lease: 3, started: true, ending: null });
    await standIn.message('ended');
    expect(texts(await logLines(await standIn.open(logOf(3))))).toEqual(['done']);
    expect(standIn.messages.map(({ type }) => type)).toEqual(['rooted', 'started', 'ended']);
  });

  test('to a coordinator that was restarted is told all that happened, numbered anew', async () => {
    const { standIn } = scene();
    const agent = await scene().joined();
    const { one } = await instantiate(nix, `one = build "one" "echo > $out" {};`);
    standIn.say(build({ 5: one }));
    await standIn.message('ended');

    standIn.forgetSessions();
    standIn.hangUp();
    await standIn.welcomed(2);

    expect(standIn.hellos[1]?.held).toMatchObject([{ lease: 5, ending: { kind: 'built' } }]);
    standIn.say({ type: 'release', lease: 5 });
    standIn.say(build({ 6: one }));
    await standIn.message('ended', ({ lease }) => lease === 6);
    expect(agent.logged('out of step')).toBe(false);
  });

  test('again and again, at any byte, loses no message and doubles none', async () => {
    const { standIn } = scene();
    const proxy = await scene().proxy();
    await scene().joined({ port: proxy.port });
    const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
    const drvs = await instantiate(
      nix,
      names.map((name) => `${name} = build "${name}" "echo > $out" {};`).join('\n'),
    );
    for (const [index, name] of names.entries()) {
      const before = standIn.hellos.length;
      // A handshake is some 2 kB: some of these are cut in it, some in the hello, some in what is said later.
      proxy.cutNextAfter(1_500 + index * 300);
      proxy.cut();
      await until(() => standIn.hellos.length > before);
      standIn.say(build({ [index + 1]: drvs[name] }, { batch: index }));
    }

    for (const index of names.keys()) {
      await standIn.message('ended', ({ lease }) => lease === index + 1);
    }
    const ended = standIn.messages.flatMap((message) => (message.type === 'ended' ? [message.lease] : []));
    expect(new Set(ended).size).toBe(12);
    expect(standIn.messages.filter(({ type }) => type === 'started')).toHaveLength(12);
  });

  test('without a word is noticed, and another is made', async () => {
    const { standIn } = scene();
    const proxy = await scene().proxy();
    const agent = await scene().joined({ port: proxy.port });

    proxy.blackhole(true);
    await until(() =>
      agent.log.some(({ details }) => String(details['reason']).includes('silent for too long')),
    );
    proxy.blackhole(false);

    await standIn.welcomed(2);
    expect(standIn.hellos[1]?.session).toBe(standIn.hellos[0]?.session);
  });

  test('is no reason to hurry a host that never answers: each try has a deadline', async () => {
    const proxy = await scene().proxy();
    proxy.blackhole(true);
    const agent = await scene().agent({
      port: proxy.port,
      timings: { handshakeMs: 500, reconnect: { firstMs: 10, mostMs: 40 } },
    });

    await until(() => proxy.connections >= 3);

    expect(agent.logged('could not be reached')).toBe(true);
    proxy.blackhole(false);
    await scene().standIn.welcomed(1);
  });
});

describe('a coordinator that says what is not of the protocol', () => {
  test('something of a later version is passed over, and counts as had', async () => {
    const { standIn } = scene();
    const agent = await scene().joined();

    standIn.write('{"n":1,"a":0,"m":{"type":"dance"}}\n');
    standIn.write('{"new_thing":true}\n');
    standIn.write(frameLine({ n: 2, a: 0, m: { type: 'cancel', lease: 99 } }));

    await until(() => agent.log.filter(({ text }) => text.includes('does not know')).length === 2);
    expect(standIn.hellos).toHaveLength(1);
  });

  test.each([
    ['a gap in the numbers', '{"n":7,"a":0,"m":{"type":"cancel","lease":1}}\n', 'is missing'],
    ['an acknowledgement of what was never sent', '{"a":5}\n', 'never sent'],
    ['a line without end', 'x'.repeat(17 * 1024 * 1024), 'too long'],
  ])('%s ends the connection, and all begins anew', async (_what, line, reason) => {
    const { standIn } = scene();
    const agent = await scene().joined();

    standIn.write(line);
    await standIn.welcomed(2);

    expect(agent.log.some(({ details }) => String(details['reason']).includes(reason))).toBe(true);
    expect(standIn.hellos[1]?.session).not.toBe(standIn.hellos[0]?.session);
  });
});

test('heartbeats go both ways and tell how the host is', async () => {
  const { standIn } = scene();
  await scene().joined();

  await until(() => standIn.beats.some(({ back }) => back !== null));
  await until(() => standIn.beats.some(({ stats }) => stats !== null));
  expect(standIn.beats.find(({ stats }) => stats !== null)?.stats).toMatchObject({ building: 0 });
});

test('what is asked twice is done once', async () => {
  const { standIn } = scene();
  await scene().joined();
  const { one } = await instantiate(nix, `one = build "one" "echo once; echo > $out" {};`);
  standIn.say(build({ 4: one }));
  await standIn.message('ended');

  standIn.say(build({ 4: one }, { batch: 2 }));
  await standIn.message('rooted', ({ batch }) => batch === 2);

  await until(() => standIn.messages.filter(({ type }) => type === 'ended').length === 2);
  expect(standIn.messages.filter(({ type }) => type === 'started')).toHaveLength(1);
  expect(texts(await logLines(await standIn.open(logOf(4))))).toEqual(['once']);
});

test('the bulk connection is there while it is wanted, and goes when it is not', async () => {
  const { standIn } = scene();
  const agent = await scene().joined();
  expect(standIn.bulkConnections).toBe(0);

  const channel = await standIn.open({ kind: 'store', compression: 'none' });
  channel.end();
  channel.resume();
  await until(() => agent.logged('the bulk connection closed'));
  const again = await standIn.open({ kind: 'store', compression: 'none' });
  again.end();

  expect(standIn.bulkConnections).toBe(2);
});

test('a channel that cannot be served is told, with the reason', async () => {
  const { standIn } = scene();
  await scene().joined();

  void standIn.open(logOf(404));

  expect((await standIn.message('unopened')).reason).toContain('no lease 404');
});

test('what nobody releases is forgotten after a while', async () => {
  const { standIn } = scene();
  const agent = await scene().joined({ timings: { keepEndedMs: 100 } });
  const { one } = await instantiate(nix, `one = build "one" "echo > $out" {};`);

  standIn.say(build({ 8: one }));

  await until(() => agent.logged('never released'));
  standIn.hangUp();
  await standIn.welcomed(2);
  expect(standIn.hellos[1]?.held).toEqual([]);
});

test('Nix is asked again for its settings, and what changed is told', async () => {
  const { standIn, place } = scene();
  const file = join(place.dir, 'nix.conf');
  await writeFile(file, 'max-jobs = 3\n');
  const agent = await scene().joined({
    nix: { ...nix, env: { ...nix.env, NIX_USER_CONF_FILES: file } },
  });
  expect(standIn.hellos[0]?.capabilities.max_jobs).toBe(3);

  await writeFile(file, 'max-jobs = 5\n');
  agent.reread();

  expect((await standIn.message('offer')).capabilities.max_jobs).toBe(5);
});

test('a log that nobody takes is not read ahead, and delays no heartbeat', async () => {
  const { standIn } = scene();
  await scene().joined();
  const { loud } = await instantiate(
    nix,
    `loud = build "loud" "head -c 12000000 /dev/zero | tr '\\\\0' x | fold -w 1000; echo > $out" {};`,
  );
  standIn.say(build({ 1: loud }));
  const { log_lines: lines } = await standIn.message('ended');
  expect(lines).toBe(12_000);

  const channel = await standIn.open(logOf(1));
  const beats = standIn.beats.length;
  await until(() => standIn.beats.length > beats + 3);

  expect(texts(await logLines(channel))).toHaveLength(12_000);
});
