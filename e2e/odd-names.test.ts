/**
 * Names with every odd character that git and Nix allow: the revision is built, pages and API answer for it, and every
 * link on the pages leads somewhere.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobView } from '@argunix/shared/control-api/views';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { flakeOf, goodFlake } from './harness/flake-text.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 180_000 });

const BRANCHES = [
  'fünf/日本語',
  `quote"and'quote`,
  'dollar$(touch-x)`id`',
  'semi;amp&pipe|less<more>',
  '-begins-with-a-dash',
  'refs/heads/main',
  '@',
  'percent%20%2F%n',
  'with,comma=and!bang#hash',
  '<script>alert(1)</script>',
  '🚀/{braces}+plus',
  'u\u202eright-to-left',
  'a'.repeat(200),
];
const ATTRIBUTES = [
  'with space',
  'slash/and//more',
  'dot.ted',
  '..',
  '.',
  '',
  'eval',
  'log',
  'ünï-日本語-🚀',
  '<script>alert(1)</script>',
  'percent%2F%00',
  'question?x=1#hash',
  'quote"and\'quote',
  'back\\slash',
  'new\nline\ttab\r',
  'escape\u001b[31m',
  'u\u202eright-to-left',
  '${interpolated}',
  'a'.repeat(400),
];
const FILES = [
  '-rf',
  'with space',
  'new\nline',
  'ünï-日本語-🚀',
  'quote"and\'quote',
  'back\\slash',
  '*?[glob]',
  ':(top)magic',
  'dir with space/dots..',
  'a'.repeat(250),
];

function nixString(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('${', '\\${')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}

let dir: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-odd-'));
  site = await startSite({
    dir,
    configuration: {},
    repositories: { branches: { watched_branches: ['**'] }, names: {} },
  });
});
afterAll(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Follows every link of our own from `start` on, `depth` pages deep; each is asked for once. */
async function follow(
  start: string,
  depth: number,
  seen: Map<string, string> = new Map(),
): Promise<Map<string, string>> {
  if (seen.has(start)) {
    return seen;
  }
  const response = await fetch(`${site.coordinator().url}${start}`, { headers: { accept: 'text/html' } });
  const text = await response.text();
  expect(`${response.status} ${start}`).toBe(`200 ${start}`);
  seen.set(start, text);
  const isPage = (response.headers.get('content-type') ?? '').startsWith('text/html');
  for (const link of isPage && depth > 0 ? linksOf(text) : []) {
    await follow(link, depth - 1, seen);
  }
  return seen;
}
function linksOf(page: string): readonly string[] {
  const links = [...page.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, link = '']) => decodeEntities(link));
  return links
    .map((link) => link.replace(/^http:\/\/ci\.test/, '').replace(/#.*$/, ''))
    .filter((link) => link.startsWith('/'));
}
function decodeEntities(text: string): string {
  return text.replaceAll(
    /&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi,
    (all, decimal?: string, hex?: string, name?: string) => {
      const known = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name ?? ''];
      return (
        known ??
        (decimal === undefined && hex === undefined
          ? all
          : String.fromCodePoint(Number(decimal ?? `0x${hex}`)))
      );
    },
  );
}

test('branches of any name are built, filtered by, and linked to', async () => {
  const repository = site.repository('branches');
  const shas = new Map<string, string>();
  // Apart from main, so that a look in between never finds one of these there.
  await repository.commit({ 'flake.nix': goodFlake() });
  await repository.git('checkout', '-q', '--detach');
  for (const branch of BRANCHES) {
    const sha = await repository.commit({ 'flake.nix': goodFlake() });
    await repository.git('update-ref', `refs/heads/${branch}`, sha);
    shas.set(branch, sha);
  }
  await repository.git('checkout', '-q', 'main');
  await repository.commit({ 'flake.nix': goodFlake() });
  await site.poke('branches');

  const paths: string[] = [];
  for (const [branch, sha] of shas) {
    const evaluation = await site.ended('branches', sha);
    expect(evaluation).toMatchObject({ reason: null, outcome: 'success' });
    // In full, as the API itself names it: a branch may be called refs/heads/main.
    const { ref } = evaluation;
    paths.push(evaluation.url.replace('http://ci.test', ''));
    expect(ref).toBe(`refs/heads/${branch}`);
    const query = new URLSearchParams({ repo: 'here/a/branches', branch: ref });
    const answer = await fetch(`${site.coordinator().url}/api/v1/evals?${query}`);
    expect(await answer.json()).toContainEqual(expect.objectContaining({ sha }));
    const badge = await fetch(
      `${site.coordinator().url}/badge/here/a/branches.svg?${new URLSearchParams({ branch: ref })}`,
    );
    expect(await badge.text()).toContain('passing');
  }
  const pages = await follow('/r/here/a/branches', 2);
  expect([...pages.keys()]).toEqual(expect.arrayContaining(paths));
  expect([...pages.values()].join('')).not.toContain('<script>alert');
});

test('attributes of any name are built, each with a page and a log of its own', async () => {
  const attributes = ATTRIBUTES.map(
    (name, at) => `${nixString(name)} = build "a${at}" "echo \\"log of number ${at} ends\\"; echo > $out";`,
  );
  const { id, outcome, counts } = await site.push('names', { 'flake.nix': flakeOf(attributes.join('\n')) });
  expect({ outcome, counts }).toMatchObject({ outcome: 'success', counts: { success: ATTRIBUTES.length } });

  const jobs = await site.coordinator().get(`/api/v1/evals/${id}/jobs`, z.array(JobView));
  for (const job of jobs) {
    expect(await site.coordinator().get(`/api/v1/jobs/${job.id}`, JobView)).toMatchObject({ attr: job.attr });
    const path = job.url.replace('http://ci.test', '');
    expect(await site.coordinator().get(path, JobView)).toMatchObject({ id: job.id });
    const number = job.name.slice(1);
    expect((await follow(path, 1)).get(path)).toContain(`log of number ${number} ends`);
    expect((await follow(`${path}/log`, 0)).get(`${path}/log`)).toContain(`log of number ${number} ends`);
    const found = await site
      .coordinator()
      .get(`/api/v1/evals/${id}/jobs?${new URLSearchParams({ search: job.attr })}`, z.array(JobView));
    expect(found.map((one) => one.id)).toContain(job.id);
  }
  const pages = await follow(`/r/here/a/names/eval/${id}`, 2);
  expect(pages.size).toBeGreaterThan(ATTRIBUTES.length);
  expect([...pages.values()].join('')).not.toContain('<script>alert');
});

test('names that are no text are shown as what can be shown of them', async () => {
  const flake = Buffer.from(
    flakeOf('"bad-BYTES" = build "bytes" "echo > $out"; good = build "good" "echo > $out";'),
  );
  const at = flake.indexOf('BYTES');
  flake.set([0xff, 0xfe, 0xed, 0xa0, 0x80], at);
  const { id, outcome } = await site.push('names', { 'flake.nix': flake });

  expect(outcome).toBe('success');
  expect(Object.values(await site.jobs(id)).map(({ status }) => status)).toEqual(['success', 'success']);
  await follow(`/r/here/a/names/eval/${id}`, 2);
});

test('files of any name are there when it is built', async () => {
  const files = Object.fromEntries(FILES.map((name) => [name, `in ${name.slice(0, 20)}`]));
  const evaluation = await site.push('names', {
    ...files,
    'flake.nix': flakeOf(`a = buildWith { src = "\${self}"; } "a" ''
      for file in "$src"/* "$src"/*/*; do echo "<$file>"; done; echo > $out'';`),
  });

  expect(evaluation).toMatchObject({ reason: null, outcome: 'success' });
  const [job] = Object.values(await site.jobs(evaluation.id));
  const log = await site.logText(job?.id ?? 0);
  for (const name of FILES.filter((one) => !one.includes('\n'))) {
    expect(log).toContain(`/${name}>`);
  }
  await follow(`/r/here/a/names/eval/${evaluation.id}`, 2);
});
