/** A real git server over HTTP (git http-backend), with what a forge puts around it: a login, redirects, LFS. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startProcess } from '@argunix/shared/kit/run-process';

export interface GitHttpServer {
  readonly url: string;
  /** Path and Authorization header of everything that was asked for. */
  readonly asked: { readonly path: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
}

export interface GitHttpOptions {
  readonly root: string;
  /** Asked for as a password; anybody may read without it. */
  readonly password?: string;
  /** Answers in place of git; false leaves it to git. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export async function startGitHttpServer(options: GitHttpOptions): Promise<GitHttpServer> {
  const asked: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', authorization: request.headers.authorization });
    if (options.password !== undefined && passwordOf(request) !== options.password) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    } else if (options.intercept?.(request, response) !== true) {
      serveGit(options.root, request, response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- node: a TCP server's address is an AddressInfo
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function passwordOf(request: IncomingMessage): string | undefined {
  const encoded = /^Basic (.*)$/.exec(request.headers.authorization ?? '')?.[1];
  return encoded === undefined
    ? undefined
    : Buffer.from(encoded, 'base64')
        .toString()
        .replace(/^[^:]*:/, '');
}

function serveGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  const backend = startProcess({
    command: 'git',
    args: ['http-backend'],
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROTOCOL: header(request, 'git-protocol'),
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: searchParams.toString(),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header(request, 'content-type'),
      HTTP_CONTENT_ENCODING: header(request, 'content-encoding'),
      REMOTE_ADDR: '127.0.0.1',
    },
    deadlineMs: 60_000,
  });
  request.pipe(backend.stdin);
  backend.stderr.resume();
  let head = Buffer.alloc(0);
  let isPastHead = false;
  backend.stdout.on('data', (chunk: Buffer) => {
    if (isPastHead) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end >= 0) {
      isPastHead = true;
      let status = 200;
      for (const line of head.subarray(0, end).toString().split('\r\n')) {
        const [name = '', value = ''] = line.split(/: (.*)/s);
        if (name === 'Status') {
          status = Number(value.slice(0, 3));
        } else {
          response.setHeader(name, value);
        }
      }
      response.writeHead(status).write(head.subarray(end + 4));
    }
  });
  backend.stdout.on('end', () => response.end());
  response.on('close', () => backend.stop());
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
