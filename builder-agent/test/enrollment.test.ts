import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '@argunix/shared/kit/testing/until';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import { invitationText } from '@argunix/shared/protocol/invitation';
import { describe, expect, test } from 'vitest';
import { setScene, TOKEN } from './harness/scene.ts';
import { fingerprintOf } from './harness/stand-in.ts';

const [nix] = installedNixes();
if (nix === undefined) {
  throw new Error('no Nix');
}
const scene = setScene(nix);

function keyFile(): string {
  return join(scene().place.stateDir, 'identity');
}

describe('a builder that is new', () => {
  test('proves its key, gives the token, and is known by the key alone ever after', async () => {
    const { standIn, place } = scene();
    const agent = await scene().joined();
    agent.stop();
    expect(await agent.ended).toBeNull();
    await rm(await place.token('gone'));

    const again = await scene().joined({ options: { enrollmentTokenPath: join(place.dir, 'missing') } });

    expect(standIn.passwords).toEqual([TOKEN]);
    expect(standIn.hellos.map(({ name }) => name)).toEqual(['tester', 'tester']);
    expect(again.logged('there is no enrollment token')).toBe(true);
    expect((await stat(keyFile())).mode & 0o777).toBe(0o600);
    expect(await readFile(keyFile(), 'utf8')).toContain('OPENSSH PRIVATE KEY');
  });

  test('without a token is told what is missing, and ends', async () => {
    const { place } = scene();
    const agent = await scene().agent({ options: { enrollmentTokenPath: join(place.dir, 'missing') } });

    expect(await agent.ended).toContain('there is no token to introduce it with');
  });

  test('with a token that is not taken ends, and says what to ask for', async () => {
    const { standIn, place } = scene();
    const agent = await scene().agent({ options: { enrollmentTokenPath: await place.token('of another') } });

    expect(await agent.ended).toContain('does not take this token');
    expect(standIn.passwords).toEqual(['of another']);
  });
});

describe('the host key', () => {
  test('that was given and is not shown ends it before anything is told, with both', async () => {
    const { standIn } = scene();
    const wanted = `SHA256:${randomBytes(32).toString('base64').replace(/=$/, '')}`;
    const agent = await scene().agent({ options: { hostKeyFingerprint: wanted } });

    const reason = await agent.ended;
    expect(reason).toContain(standIn.fingerprint);
    expect(reason).toContain(wanted);
    expect(reason).toContain('correct --host-key-fingerprint');
    expect(standIn.passwords).toEqual([]);
  });

  test('that nothing vouches for gets no token, and is told for comparison', async () => {
    const { standIn, place } = scene();
    const agent = await scene().agent({
      options: { enrollmentTokenPath: await place.token(TOKEN), hostKeyFingerprint: undefined } as never,
    });

    expect(await agent.ended).toContain(`--host-key-fingerprint ${standIn.fingerprint}`);
    expect(standIn.passwords).toEqual([]);
  });

  test('that is met first is kept when the operator says so, and another is refused then', async () => {
    const { standIn, place } = scene();
    const unknown = { hostKeyFingerprint: undefined } as never as Record<string, string>;
    const agent = await scene().joined({ options: { ...unknown, trustFirstHostKey: true } });
    agent.stop();
    await agent.ended;
    const pin = join(place.stateDir, 'coordinator-host-key');
    expect((await readFile(pin, 'utf8')).trim()).toBe(standIn.fingerprint);

    const other = await scene().another({ token: TOKEN });
    const misled = await scene().agent({
      port: other.port,
      options: { ...unknown, trustFirstHostKey: true },
    });

    const reason = await misled.ended;
    expect(reason).toContain(standIn.fingerprint);
    expect(reason).toContain(other.fingerprint);
    expect(reason).toContain(`delete ${pin}`);
    expect(other.passwords).toEqual([]);
  });

  test('in a pin that cannot be read is no first meeting', async () => {
    const { place } = scene();
    const agent = await scene().joined();
    agent.stop();
    await agent.ended;
    await writeFile(join(place.stateDir, 'coordinator-host-key'), 'rubbish');

    const confused = await scene().agent({ options: { trustFirstHostKey: true } });

    await expect(confused.ended).rejects.toThrow('expected a fingerprint');
  });
});

test('an invitation brings name, secret and host key, and the host is known from then on', async () => {
  const { standIn, place } = scene();
  const secret = randomBytes(24).toString('hex');
  const other = await scene().another({ token: secret, hostKey: standIn.hostKey });
  const path = await place.token(invitationText({ name: 'invited', secret, host_key: standIn.fingerprint }));
  const options = { name: undefined, hostKeyFingerprint: undefined, enrollmentTokenPath: path } as never;
  const agent = await scene().agent({ port: other.port, options });
  await other.welcomed(1);
  agent.stop();
  await agent.ended;
  await rm(path);

  await scene().agent({
    port: other.port,
    options: { name: 'invited', hostKeyFingerprint: undefined, enrollmentTokenPath: path } as never,
  });
  await other.welcomed(2);

  expect(other.passwords).toEqual([secret]);
  expect(other.hellos.map(({ name }) => name)).toEqual(['invited', 'invited']);
});

test('a builder whose key is refused does not give its token', async () => {
  const { standIn } = scene();
  standIn.revoke();
  const agent = await scene().agent();

  expect(await agent.ended).toContain('does not let this builder in');
  expect(standIn.passwords).toEqual([]);
});

test('neither key nor token is in what is logged', async () => {
  const agent = await scene().joined();
  const key = (await readFile(keyFile(), 'utf8')).split('\n')[2] ?? '';
  await until(() => agent.logged('welcomed'));

  const logged = JSON.stringify(agent.log);
  expect(logged).not.toContain(TOKEN);
  expect(logged).not.toContain(key);
});

test('a fingerprint is that of ssh-keygen', () => {
  expect(fingerprintOf(Buffer.from(''))).toBe('SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU');
});

describe('the name', () => {
  const unnamed = { name: undefined } as never as Record<string, string>;

  test('is the one that the coordinator calls it by, also without what said it the first time', async () => {
    const { standIn } = scene();
    const first = await scene().joined();
    first.stop();
    await first.ended;

    await scene().joined({ options: unnamed });

    expect(standIn.hellos.map(({ name }) => name)).toEqual(['tester', 'tester']);
  });

  test('in another invitation is a new one, and in the same it is what it became since', async () => {
    const { place } = scene();
    const secret = randomBytes(24).toString('hex');
    const other = await scene().another({ token: secret, callsEverybody: 'renamed' });
    for (const name of ['first', 'first', 'second']) {
      const text = invitationText({ name, secret, host_key: other.fingerprint });
      const options = {
        ...unnamed,
        hostKeyFingerprint: other.fingerprint,
        enrollmentTokenPath: await place.token(text),
      };
      const before = other.hellos.length;
      const agent = await scene().agent({ port: other.port, options });
      await other.welcomed(before + 1);
      await until(() => agent.logged('welcomed'));
      agent.stop();
      await agent.ended;
    }

    expect(other.hellos.map(({ name }) => name)).toEqual(['first', 'renamed', 'second']);
  });
});
