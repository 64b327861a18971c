/** The sample flake under real Nix: its jobs are those expected.json names, and end as it says. */
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobStatus } from '@argunix/shared/domain/job-status';
import { outputOf, runProcess } from '@argunix/shared/kit/run-process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hostSystem } from './demo-configuration.ts';
import { parseExpectations } from './expectations.ts';
import { findNixSettings, type NixSettings, nixConfig } from './nix-settings.ts';

const SAMPLE = join(import.meta.dirname, 'sample');
const SYSTEM = hostSystem();

// Every attribute of the host's system that CI would find, with its derivation.
const FIND_JOBS = `outputs:
  let
    ofSystem = kind: builtins.mapAttrs (_: drv: drv.drvPath) outputs.\${kind}.\${"${SYSTEM}"};
    prefixed = kind: builtins.listToAttrs (map
      (name: { name = "\${kind}.${SYSTEM}.\${name}"; value = (ofSystem kind).\${name}; })
      (builtins.attrNames (ofSystem kind)));
  in prefixed "packages" // prefixed "checks" // prefixed "devShells"
    // { "formatter.${SYSTEM}" = outputs.formatter.\${"${SYSTEM}"}.drvPath; }`;

function environment(lines: readonly string[]): Record<string, string | undefined> {
  const NIX_CONFIG = nixConfig(['substituters =', 'experimental-features = nix-command flakes', ...lines]);
  return { ...process.env, NIX_CONFIG };
}

describe('the sample flake', () => {
  const directory = mkdtempSync(join(tmpdir(), 'argunix-sample-'));
  const expected = parseExpectations(readFileSync(join(SAMPLE, 'expected.json'), 'utf8'), SYSTEM);
  let settings: NixSettings;

  beforeAll(async () => {
    cpSync(SAMPLE, directory, { recursive: true });
    settings = await findNixSettings(new AbortController().signal);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  async function findJobs(): Promise<ReadonlyMap<string, string>> {
    writeFileSync(join(directory, 'stamp'), randomUUID());
    const output = await outputOf({
      command: 'nix',
      args: [
        'eval',
        '--json',
        '--impure',
        '--expr',
        `(${FIND_JOBS}) (builtins.getFlake "path:${directory}")`,
      ],
      env: environment([]),
      deadlineMs: 30_000,
    });
    return new Map(Object.entries(z.record(z.string(), z.string()).parse(JSON.parse(output))));
  }
  async function buildAll(lines: readonly string[]): Promise<ReadonlyMap<string, JobStatus>> {
    const jobs = await findJobs();
    const endings = new Map<string, JobStatus>();
    for (const [attr, drvPath] of jobs) {
      const { ending, stderr } = await runProcess({
        command: 'nix-store',
        args: ['--realise', drvPath],
        env: environment(lines),
        deadlineMs: 60_000,
      });
      const isBuilt = ending.kind === 'exited' && ending.code === 0;
      const failed = stderr.includes('dependencies of derivation') ? 'dependency_failed' : 'failure';
      endings.set(attr, isBuilt ? 'success' : failed);
    }
    return endings;
  }

  it('has exactly the jobs that are expected of it', async () => {
    expect([...(await findJobs()).keys()].toSorted()).toEqual([...expected.keys()].toSorted());
  });

  it('has two attributes with one derivation', async () => {
    const jobs = await findJobs();

    expect(jobs.get(`packages.${SYSTEM}.default`)).toBe(jobs.get(`packages.${SYSTEM}.letter`));
  });

  it('ends as expected without a sandbox', async () => {
    expect(await buildAll([...settings.lines, 'sandbox = false'])).toEqual(expected);
  });

  it('ends as expected in the sandbox', async (context) => {
    context.skip(!settings.isSandboxed, "Nix's sandbox does not work on this machine");

    expect(await buildAll(settings.lines)).toEqual(expected);
  });
});
