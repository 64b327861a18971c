/**
 * A real git server over HTTP (git http-backend), with what a forge puts around it: accounts that may read some
 * repositories, redirects, large files. Requests of a forge are refs (`git update-ref refs/pull/7/head SHA`). It writes
 * down everything it was asked for, and with which credential.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startProcess } from '@argunix/shared/kit/run-process';

export interface GitServer extends GitSite {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** To be put into a server that answers for more than git. */
export interface GitSite {
  readonly asked: readonly Asked[];
  /** The repositories for which this password was sent, each once. */
  repositoriesSent(password: string): readonly string[];
  answer(request: IncomingMessage, response: ServerResponse): void;
}

interface Asked {
  readonly path: string;
  /** `owner/name`, without `.git`. */
  readonly repository: string;
  readonly authorization: string | undefined;
  readonly sent: { readonly username: string; readonly password: string } | undefined;
}

export interface GitAccount {
  readonly password: string;
  /** Undefined: with any name. */
  readonly username?: string;
  /** `owner/name`; undefined: all of them. */
  readonly repositories?: readonly string[];
}

export interface GitSiteOptions {
  /** Of bare or other repositories, by path. */
  readonly root: string;
  /** Left out: anybody may read everything. */
  readonly accounts?: readonly GitAccount[];
  /** `owner/name` that anybody may read. */
  readonly open?: readonly string[];
  /** Answers in place of git, after the login; false leaves it to git. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export async function startGitServer(
  options: GitSiteOptions & { readonly host?: string },
): Promise<GitServer> {
  const { host = '127.0.0.1' } = options;
  const site = createGitSite(options);
  const server = createServer((request, response) => site.answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- node: a TCP server's address is an AddressInfo
  const { port } = server.address() as AddressInfo;
  return {
    ...site,
    port,
    url: `http://${host}:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function createGitSite(options: GitSiteOptions): GitSite {
  const asked: Asked[] = [];
  const mayRead = ({ repository, sent }: Asked): boolean =>
    options.accounts === undefined ||
    options.open?.includes(repository) === true ||
    options.accounts.some(
      ({ username, password, repositories }) =>
        sent?.password === password &&
        (username ?? sent.username) === sent.username &&
        repositories?.includes(repository) !== false,
    );
  return {
    asked,
    repositoriesSent: (password) => [
      ...new Set(asked.flatMap(({ sent, repository }) => (sent?.password === password ? [repository] : []))),
    ],
    answer(request, response) {
      const one = askedBy(request);
      asked.push(one);
      if (!mayRead(one)) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      } else if (options.intercept?.(request, response) !== true) {
        serveGit(options.root, request, response);
      }
    },
  };
}

function askedBy(request: IncomingMessage): Asked {
  const { url: path = '', headers } = request;
  const encoded = /^Basic (.*)$/.exec(headers.authorization ?? '')?.[1];
  const [, username = '', password = ''] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? [];
  const [repository = ''] = path.split(/\.git(?:\/|$)|\/info\/|\/git-upload-pack|\/HEAD|\/objects\/|\?/);
  return {
    path,
    repository: repository.replace(/^\//, ''),
    authorization: headers.authorization,
    sent: encoded === undefined ? undefined : { username, password },
  };
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
