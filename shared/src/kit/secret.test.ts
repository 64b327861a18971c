import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSecret, readSecret, Secret } from './secret.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-secret-'));
});
afterAll(async () => await rm(dir, { recursive: true }));

test('nothing that prints a secret shows it', () => {
  const secret = new Secret('hunter2');
  const holder = { token: secret, list: [secret] };

  const printed = [
    String(secret),
    JSON.stringify(holder),
    inspect(holder, { showHidden: true, depth: 9 }),
    format('%s %o %O %j', secret, secret, holder, holder),
    String(new Error(String(secret), { cause: secret }).stack),
    JSON.stringify(Object.entries(secret)),
    JSON.stringify(Object.assign({}, secret)),
  ];

  expect(printed.join('\n')).not.toContain('hunter2');
  expect(secret.reveal()).toBe('hunter2');
});

describe('the file of a secret', () => {
  test('is read without the newline at its end, and with those inside', async () => {
    const secret = await readSecret(await file('key', '-----BEGIN\nabc\n-----END\r\n'));

    expect(secret.reveal()).toBe('-----BEGIN\nabc\n-----END');
  });

  test.each([
    ['missing', undefined, 'ENOENT'],
    ['empty', '', 'an empty file'],
    ['blank', ' \n\n', 'an empty file'],
    ['large', 'x'.repeat(70_000), 'a file of more than'],
  ])('is refused when it is %s', async (name, content, reason) => {
    const path = content === undefined ? join(dir, name) : await file(name, content);

    await expect(readSecret(path)).rejects.toThrow(reason);
  });

  test.each(['/', '/dev/zero'])('is refused when it is %s', async (path) => {
    await expect(readSecret(path)).rejects.toMatchObject({ code: 'secret.unreadable' });
  });

  test.each([
    [0o600, false],
    [0o640, false],
    [0o644, true],
    [0o602, true],
  ])('with mode %o is exposed: %s', async (mode, isExposed) => {
    const opened = await openSecret(await file(`mode-${mode}`, 'x', mode));

    expect(opened).toMatchObject({ kind: 'secret', isExposed });
  });
});

async function file(name: string, content: string, mode = 0o600): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}
