/** `bench/run [NAME…] [--json]` after the set-up: builds, runs each bench in a process of its own, tells the figures. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import { Figure, isMet } from './figure.ts';
import { toJsonLine, toLine } from './figure-lines.ts';

// The longest of them works through a million rows or lines five times.
const DEADLINE_MS = 15 * 60_000;

async function main(): Promise<number> {
  const known = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.bench.ts'))
    .map((name) => name.replace('.bench.ts', ''));
  const parsed = parseCommandLine();
  const unknown = parsed?.names.filter((name) => !known.includes(name)) ?? [];
  if (parsed === undefined || unknown.length > 0) {
    const what = unknown.length > 0 ? `no bench is named ${unknown.join(', ')}; ` : '';
    process.stderr.write(`${what}usage: bench/run [NAME…] [--json]   names: ${known.join(' ')}\n`);
    return 2;
  }
  await build();
  process.stderr.write(`${describeMachine()}\n`);
  let isGood = true;
  for (const name of parsed.names.length > 0 ? parsed.names : known) {
    isGood = (await runBench(name, parsed.isJson)) && isGood;
  }
  return isGood ? 0 : 1;
}

function parseCommandLine(): { readonly names: readonly string[]; readonly isJson: boolean } | undefined {
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    return { names: positionals, isJson: values.json };
  } catch {
    // An option that does not exist; usage says which do.
    return undefined;
  }
}

/** Figures come as messages: what a bench prints goes to standard error and cannot be taken for one. */
async function runBench(name: string, isJson: boolean): Promise<boolean> {
  let isGood = true;
  let figures = 0;
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--expose-gc', join(import.meta.dirname, 'run-one.ts'), name],
    { stdio: ['ignore', 2, 2, 'ipc'], timeout: DEADLINE_MS },
  );
  child.on('message', (message) => {
    const { data: figure } = Figure.safeParse(message);
    if (figure === undefined) {
      isGood = false;
      process.stderr.write(`${name}: expected a figure, got ${JSON.stringify(message)}\n`);
      return;
    }
    figures += 1;
    isGood &&= isMet(figure);
    process.stdout.write(`${isJson ? toJsonLine(figure) : toLine(figure)}\n`);
  });
  const ending = await new Promise<string | undefined>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`),
    );
  });
  if (ending !== undefined || figures === 0) {
    process.stderr.write(`${name}: ${ending ?? 'ended without a figure'}\n`);
    return false;
  }
  return isGood;
}

function describeMachine(): string {
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  return `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, load ${load}, Node ${process.version}`;
}

process.exitCode = await main();
