/**
 * A coordinator's stand-in: a real HTTP server on a real Unix socket, and argunixctl run against it as a process. The
 * views' own schemas hold what it says to what a coordinator may say.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess } from '@argunix/shared/kit/run-process';
import { afterAll, beforeEach } from 'vitest';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface StandIn {
  readonly dir: string;
  /** By method and path, with or without the query. What is not here is not found. */
  readonly answers: Map<string, Answer>;
  readonly asked: string[];
  readonly bodies: string[];
  readonly ctl: (...args: readonly string[]) => Promise<Ran>;
  readonly close: () => Promise<void>;
}

/** One for all tests of a file, that has answered nothing before each. */
export async function useStandIn(): Promise<StandIn> {
  const standIn = await startStandIn();
  beforeEach(() => {
    standIn.answers.clear();
    standIn.asked.length = 0;
    standIn.bodies.length = 0;
  });
  afterAll(async () => await standIn.close());
  return standIn;
}

async function startStandIn(): Promise<StandIn> {
  const dir = await mkdtemp(join(tmpdir(), 'argunixctl-'));
  const socket = join(dir, 'argunix.sock');
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const route = `${request.method ?? ''} ${request.url ?? ''}`;
    asked.push(route);
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      bodies.push(body);
      const answer =
        answers.get(route) ??
        answers.get(route.replace(/\?.*/, '')) ??
        refuse(404, 'not-found', 'There is nothing here.');
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    dir,
    answers,
    asked,
    bodies,
    ctl: async (...args) => await runCtl(socket, ...args),
    async close() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await rm(dir, { recursive: true });
    },
  };
}

export async function runCtl(socket: string, ...args: readonly string[]): Promise<Ran> {
  const { ending, stdout, stderr } = await runProcess({
    command: process.execPath,
    args: ['--conditions=source', MAIN, '--socket', socket, ...args],
    env: {},
    deadlineMs: 20_000,
  });
  return { code: ending.kind === 'exited' ? ending.code : -1, out: stdout, err: stderr };
}

export function json(value: unknown, status = 200): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
}

export function refuse(status: number, code: string, message: string): Answer {
  return json({ error: { code, message, reference: 'r1' } }, status);
}
