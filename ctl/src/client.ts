/** Asks the coordinator over its control socket. What comes back is parsed; what goes wrong is a CommandFailure. */
import { ErrorView } from '@argunix/shared/control-api/views';
import { Client, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { CommandFailure, EXIT } from './exit-codes.ts';

export interface ControlClient {
  get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>>;
  post<Schema extends z.ZodType>(path: string, schema: Schema, body?: object): Promise<z.output<Schema>>;
  /** The body as it comes; whoever reads it ends by returning from the loop. */
  stream(path: string, headers: Readonly<Record<string, string>>): Promise<AsyncIterable<Buffer>>;
  close(): Promise<void>;
}

// Loopback within one host: what takes longer hangs. A stream is kept alive by comments well within its time.
const CONNECT_MS = 5_000;
const ANSWER_MS = 30_000;
// What is to be done may ask a forge, which may take two minutes with all its tries.
const DONE_MS = 150_000;
const SILENT_STREAM_MS = 90_000;
const MOST_BYTES = 64 * 1024 * 1024;

/** `operator`: who the coordinator's log says asked for it. */
export function createControlClient(socketPath: string, operator: string): ControlClient {
  const jsonWanted = { accept: 'application/json', 'argunix-operator': operator };
  const http = new Client('http://localhost', {
    socketPath,
    connect: { socketPath, timeout: CONNECT_MS },
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
  });

  async function ask(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    const response = await http.request(options).catch((error: unknown) => {
      throw toUnreachable(error, socketPath);
    });
    if (response.statusCode >= 400) {
      throw toFailure(options.path, response.statusCode, await readText(response.body));
    }
    return response;
  }

  async function answer<Schema extends z.ZodType>(
    options: Dispatcher.RequestOptions,
    schema: Schema,
  ): Promise<z.output<Schema>> {
    const { body } = await ask(options);
    const parsed = schema.safeParse(parseJson(await readText(body)));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new CommandFailure(
        EXIT.refused,
        `the coordinator answered otherwise than expected: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}; is it of another version?`,
      );
    }
    return parsed.data;
  }

  async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MOST_BYTES) {
          throw new CommandFailure(EXIT.refused, `the answer is larger than ${MOST_BYTES} bytes`);
        }
        chunks.push(chunk);
      }
    } catch (error) {
      throw error instanceof CommandFailure ? error : toUnreachable(error, socketPath);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  return {
    get: async (path, schema) => await answer({ method: 'GET', path, headers: jsonWanted }, schema),
    post: async (path, schema, body) =>
      await answer(
        body === undefined
          ? { method: 'POST', path, headers: jsonWanted, headersTimeout: DONE_MS }
          : {
              method: 'POST',
              path,
              headersTimeout: DONE_MS,
              body: JSON.stringify(body),
              headers: { ...jsonWanted, 'content-type': 'application/json' },
            },
        schema,
      ),
    stream: async (path, headers) =>
      (await ask({ method: 'GET', path, headers, bodyTimeout: SILENT_STREAM_MS })).body,
    // Whatever is still open is of no more use to anybody.
    close: async () => await http.destroy(),
  };
}

function toUnreachable(error: unknown, socketPath: string): CommandFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const hints: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such socket; is the coordinator running? --socket names another',
    ECONNREFUSED: 'nobody listens there; is the coordinator running?',
    EACCES: 'this user may not open it',
  };
  return new CommandFailure(
    EXIT.unreachable,
    `cannot reach the coordinator at ${socketPath}: ${hints[code] ?? code}`,
    error,
  );
}

function toFailure(path: string, status: number, body: string): CommandFailure {
  const parsed = ErrorView.safeParse(parseJson(body));
  const message = parsed.success
    ? parsed.data.error.message
    : `the coordinator answered with HTTP status ${status}`;
  const isUsage = status === 400;
  if (status === 404) {
    return new CommandFailure(EXIT.notFound, nothingNamed(path) ?? message);
  }
  return new CommandFailure(isUsage ? EXIT.usage : EXIT.refused, message);
}

/** What is asked for by a name, in the singular. */
const NAMED: Readonly<Record<string, string>> = { builders: 'builder', tokens: 'token', forges: 'forge' };

/** The coordinator says only that there is nothing: a name is mistyped more often than a number. */
function nothingNamed(path: string): string | undefined {
  const [, group = '', name] = /^\/api\/v1\/(\w+)\/([^/?]+)/.exec(path) ?? [];
  const what = NAMED[group];
  return name === undefined || what === undefined
    ? undefined
    : `There is no ${what} ${decodeURIComponent(name)}; argunixctl ${group} list tells which there are.`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON matches no schema, and is refused there.
    return undefined;
  }
}
