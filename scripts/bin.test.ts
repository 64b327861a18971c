import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const BINS = ['coordinator/bin/argunix', 'builder-agent/bin/argunix-builder', 'ctl/bin/argunixctl'];
const SYSTEM_PATH = '/usr/bin:/bin';

describe.each(BINS)('%s', (bin) => {
  let directory: string;
  let program: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'argunix bin '));
    program = join(directory, 'checkout', bin);
    mkdirSync(dirname(program), { recursive: true });
    cpSync(join(ROOT, bin), program);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function put(path: string, content: string): void {
    const whole = join(directory, 'checkout', bin.split('/')[0] ?? '', path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, content);
  }
  function run(path: string, nodeDirectory = dirname(process.execPath)): ReturnType<typeof spawnSync> {
    return spawnSync(path, ['a b', '--flag'], {
      cwd: '/',
      encoding: 'utf8',
      env: { PATH: `${nodeDirectory}:${SYSTEM_PATH}`, XDG_CACHE_HOME: join(directory, 'cache') },
    });
  }

  it('runs the source where there is one, with its arguments as they are, through a symlink', () => {
    put('package.json', '{"type":"module"}');
    put('src/main.ts', 'const args: string[] = process.argv.slice(2); console.log("source", args);');
    put('dist/main.js', 'console.log("build");');
    symlinkSync(program, join(directory, 'link'));

    const { stdout, stderr } = run(join(directory, 'link'));

    expect({ stdout, stderr }).toEqual({ stdout: "source [ 'a b', '--flag' ]\n", stderr: '' });
  });

  it('runs the build where there is no source', () => {
    put('package.json', '{"type":"module"}');
    put('dist/main.js', 'console.log("build", process.argv.slice(2));');

    expect(run(program).stdout).toBe("build [ 'a b', '--flag' ]\n");
  });

  it('says what it found when Node is too old, and does not start', () => {
    put('dist/main.js', '');
    put('old/node', '#!/bin/sh\necho v22.17.1\n');
    const old = join(directory, 'checkout', bin.split('/')[0] ?? '', 'old');
    chmodSync(join(old, 'node'), 0o755);

    const { status, stderr } = run(program, old);

    expect(status).toBe(3);
    expect(stderr).toContain('Node 22.18 or newer is needed and v22.17.1 was found');
  });
});

it('the three start scripts are one text', () => {
  const texts = new Set(BINS.map((bin) => readFileSync(join(ROOT, bin), 'utf8')));

  expect(texts.size).toBe(1);
});
