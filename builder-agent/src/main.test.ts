import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

function builder(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=source', MAIN, ...args], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: status, out: stdout, err: stderr };
}

const SETTINGS = [
  'system = x86_64-linux',
  'extra-platforms = aarch64-linux i686-linux',
  'system-features = kvm big-parallel',
  'max-jobs = 3',
  'cores = 2',
  'sandbox = relaxed',
].join('\n');

describe('argunix-builder capabilities', () => {
  test("tells as JSON what this host's Nix is set to", () => {
    const { code, out } = builder(['capabilities', '--json'], { NIX_CONFIG: SETTINGS });

    expect(JSON.parse(out)).toMatchObject({
      native_system: 'x86_64-linux',
      systems: ['x86_64-linux', 'aarch64-linux', 'i686-linux'],
      features: ['big-parallel', 'kvm'],
      max_jobs: 3,
      cores: 2,
      sandbox: 'relaxed',
    });
    expect(code).toBe(0);
  });

  test('says what no sandbox means', () => {
    const { out } = builder(['capabilities'], { NIX_CONFIG: SETTINGS.replace('relaxed', 'false') });

    expect(out).toContain('Sandbox:    off (no work of strangers is sent here)');
    expect(out).toContain('Jobs:       3 at a time, each with 2 cores');
  });

  test('ends with 3 where there is no Nix', () => {
    const { code, out, err } = builder(['capabilities'], { PATH: '/nonexistent' });

    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain('expected a Nix of 2.8 or newer');
  });
});

const WITH_HOST = ['--argunix-host', 'ci.example.com', '--argunix-port', '2222'];

test.each([[[]], [['serve']], [['--argunix-host', 'ci.example.com']], [['capabilities', '--wrong']]])(
  'argunix-builder %j is wrong usage: 2, and a sentence',
  (args) => {
    const { code, out, err } = builder(args, {});

    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).not.toBe('');
  },
);

test('an option may come from the environment', () => {
  expect(builder([], { ARGUNIX_BUILDER_PORT: 'http' }).err).toContain('--argunix-port: expected a number');
});

test('a feature that Nix does not have is refused before anything is dialled', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'builder-agent-'));
  const { code, err } = builder([...WITH_HOST, '--state-dir', dir, '--features', 'kvm,quantum'], {
    NIX_CONFIG: SETTINGS,
  });
  await rm(dir, { recursive: true });

  expect(code).toBe(2);
  expect(err).toContain('expected systems and features that Nix has on this host, got quantum');
});
