/**
 * The HTTP half of every stand-in forge: it reads requests, has them judged and answered, keeps what came, and answers
 * with trouble instead when told to. It knows no endpoint.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface SeenRequest {
  readonly method: string;
  /** Still encoded, without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Parsed where it is JSON; undefined where there is none. */
  readonly body: unknown;
}

export interface StandInAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export type Trouble =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** No answer, until the client goes. */
  | { readonly kind: 'hang' }
  /** The connection ends instead of an answer. */
  | { readonly kind: 'cut' }
  /** The connection ends within the answer's body. */
  | { readonly kind: 'half' }
  /** 200, with the page of a proxy. */
  | { readonly kind: 'rubbish' }
  /** 200, with JSON that has nothing of what was asked for. */
  | { readonly kind: 'wrong'; readonly body: unknown }
  /** 200, and more than anybody wants to hold in memory. */
  | { readonly kind: 'huge' };

export interface StandInServer {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Requests that the forge's published description does not allow, as sentences. */
  readonly violations: readonly string[];
  /** Answers with it from now on, `times` times; null ends that. */
  trouble(trouble: Trouble | null, times?: number): void;
  close(): Promise<void>;
}

export interface StandInServerOptions {
  readonly answer: (request: SeenRequest) => StandInAnswer;
  /** Not asked about what is below /redirected/, where only a redirect of the trouble leads. What is wrong with a request, as sentences. */
  readonly judge: (request: SeenRequest) => readonly string[];
}

export async function startStandInServer(options: StandInServerOptions): Promise<StandInServer> {
  const requests: SeenRequest[] = [];
  const violations: string[] = [];
  let trouble: Trouble | null = null;
  let timesLeft = 0;

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming);
    requests.push(request);
    const wrong = request.path.startsWith('/redirected/') ? [] : options.judge(request);
    violations.push(...wrong.map((what) => `${request.method} ${request.path}: ${what}`));
    if (trouble !== null && timesLeft > 0) {
      timesLeft -= 1;
      makeTrouble(trouble, response);
      return;
    }
    send(response, options.answer(request));
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      violations.push(`the stand-in failed: ${String(error)}`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    violations,
    trouble(next, times = Number.POSITIVE_INFINITY) {
      trouble = next;
      timesLeft = times;
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function read(incoming: IncomingMessage): Promise<SeenRequest> {
  const url = new URL(incoming.url ?? '/', 'http://stand-in');
  const body = await text(incoming);
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: incoming.headers,
    body: parse(body),
  };
}

function parse(body: string): unknown {
  try {
    return body === '' ? undefined : (JSON.parse(body) as unknown);
  } catch {
    return body;
  }
}

function send(response: ServerResponse, { status, headers, body }: StandInAnswer): void {
  const content = body === undefined ? undefined : JSON.stringify(body);
  response
    .writeHead(status, {
      ...(content === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...headers,
    })
    .end(content);
}

function makeTrouble(trouble: Trouble, response: ServerResponse): void {
  switch (trouble.kind) {
    case 'status':
      send(response, { ...trouble, body: trouble.body ?? { message: 'trouble' } });
      return;
    case 'hang':
      return;
    case 'cut':
      response.destroy();
      return;
    case 'half':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('[{"id": 1', () => response.destroy());
      return;
    case 'rubbish':
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<html><body>Please log in.</body></html>');
      return;
    case 'wrong':
      send(response, { status: 200, body: trouble.body });
      return;
    case 'huge':
      sendHuge(response);
  }
}

function sendHuge(response: ServerResponse): void {
  const chunk = `"${'x'.repeat(1024 * 1024)}",`;
  response.writeHead(200, { 'content-type': 'application/json' }).write('[');
  function more(): void {
    while (!response.destroyed && response.write(chunk)) {
      // As fast as it is taken.
    }
  }
  response.on('drain', more);
  more();
}
