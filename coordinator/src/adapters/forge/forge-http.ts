/**
 * One forge's API over HTTP: every answer is read within a bound and a deadline, every trouble becomes one of the
 * AppErrors of ports/forge.ts, and when the forge asks us to wait nothing is sent until then. It knows no endpoint.
 */
import { AppError, isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import pRetry, { AbortError } from 'p-retry';
import { Agent, request } from 'undici';
import { waitAskedFor } from './asked-to-wait.ts';
import { said } from './said.ts';

export interface ForgeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the API, beginning with a slash; already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  /** Instead of the forge's usual ones. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses besides 2xx that are answers and no trouble. */
  readonly answers?: readonly number[];
  /** What a 403 or 404 most likely means here: `the token needs the scope write:repository`. */
  readonly needs?: string;
  readonly signal: AbortSignal;
}

export interface ForgeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Unverified; undefined for an empty body. */
  readonly body: unknown;
}

export interface ForgeHttp {
  send(request: ForgeRequest): Promise<ForgeAnswer>;
  close(): Promise<void>;
}

export interface ForgeHttpOptions {
  readonly forge: string;
  /** Without a closing slash: `https://api.github.com`. */
  readonly apiUrl: string;
  /** Asked for each request: the headers that say who we are. */
  readonly authorize: (request: ForgeRequest) => Promise<Readonly<Record<string, string>>>;
  readonly clock: Clock;
  readonly timeoutMs?: number;
  /** The first of the waits before a question is asked once more. */
  readonly retryMs?: number;
  /** Every request that was sent, for the metrics: an HTTP status, or `unreachable`. */
  readonly onAnswer?: (outcome: number | 'unreachable') => void;
}

// 60 s: GitLab takes half a minute for a status on a commit with thousands of them.
const TIMEOUT_MS = 60_000;
const RETRY_MS = 250;
// A page of a hundred pull requests of GitHub has 2.5 MB.
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_REDIRECTS = 3;
const CONNECTIONS = 8;

export function createForgeHttp(options: ForgeHttpOptions): ForgeHttp {
  const { forge, apiUrl, clock } = options;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const agent = new Agent({
    connections: CONNECTIONS,
    connect: { timeout: Math.min(timeoutMs, 15_000) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: MOST_BYTES,
  });
  /** Until then the forge does not want to hear of us. */
  let quietUntil = 0;

  function judgeQuiet(): void {
    const waitMs = quietUntil - clock.now();
    if (waitMs > 0) {
      throw rateLimited(forge, waitMs);
    }
  }

  async function once(asked: ForgeRequest, url: string, redirects: number): Promise<ForgeAnswer> {
    const { signal } = asked;
    const authorization = await options.authorize(asked);
    let status: number;
    let headers: ForgeAnswer['headers'];
    let text: string;
    try {
      const answer = await request(url, {
        method: asked.method,
        headers: {
          'user-agent': 'argunix',
          accept: 'application/json',
          ...(asked.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...asked.headers,
          ...authorization,
        },
        ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        dispatcher: agent,
      });
      status = answer.statusCode;
      headers = answer.headers;
      text = await answer.body.text();
    } catch (error) {
      signal.throwIfAborted();
      options.onAnswer?.('unreachable');
      // Asked again it would be as much again.
      const code = isTooLarge(error) ? 'forge.failed' : 'forge.unreachable';
      throw new AppError(code, `${forge}: ${sentenceOf(error, timeoutMs)}.`, { forge }, error);
    }
    options.onAnswer?.(status);
    const target = status >= 301 && status <= 308 && status !== 304 ? targetOf(headers, url) : undefined;
    if (target !== undefined && redirects < MOST_REDIRECTS && (asked.method === 'GET' || status >= 307)) {
      return await once(asked, target, redirects + 1);
    }
    const waitMs = waitAskedFor(status, headers, text, clock.now());
    if (waitMs !== undefined) {
      quietUntil = Math.max(quietUntil, clock.now() + waitMs);
    }
    return judgeAnswer(forge, asked, { status, headers, body: parse(text) }, waitMs);
  }

  return {
    send: async (asked) => {
      const query = new URLSearchParams(
        Object.entries(asked.query ?? {}).map(([key, value]): [string, string] => [key, String(value)]),
      ).toString();
      const url = `${apiUrl}${asked.path}${query === '' ? '' : `?${query}`}`;
      judgeQuiet();
      if (asked.method !== 'GET') {
        return await once(asked, url, 0);
      }
      // Only a question may be asked twice without anybody noticing.
      return await pRetry(
        async () => {
          try {
            return await once(asked, url, 0);
          } catch (error) {
            // Who waited for a whole deadline in vain has waited enough.
            const isWorthIt =
              isAppError(error) && error.code === 'forge.unreachable' && !isTimeout(error.cause);
            throw isWorthIt
              ? error
              : new AbortError(error instanceof Error ? error : new Error(String(error)));
          }
        },
        { retries: 2, minTimeout: options.retryMs ?? RETRY_MS, randomize: true, signal: asked.signal },
      );
    },
    close: async () => {
      await agent.destroy();
    },
  };
}

export function judgeAnswer(
  forge: string,
  { method, path, answers = [], needs }: ForgeRequest,
  answer: ForgeAnswer,
  waitMs?: number,
): ForgeAnswer {
  const { status } = answer;
  if ((status >= 200 && status < 300) || answers.includes(status)) {
    return answer;
  }
  const what = `${forge}: ${method} ${path} was answered with ${status}${said(answer.body)}`;
  const details = { forge, status };
  if (waitMs !== undefined) {
    throw rateLimited(forge, waitMs);
  }
  if (status === 401) {
    throw new AppError(
      'forge.unauthorized',
      `${what}. The credential does not work: it expired, was revoked, or is of another forge.`,
      details,
    );
  }
  if (status === 403 || status === 404) {
    const hint = needs === undefined ? '' : ` Most likely ${needs}.`;
    throw new AppError('forge.forbidden', `${what}.${hint}`, details);
  }
  const isRedirect = status >= 300 && status < 400;
  const hint = isRedirect ? ' A redirect is followed only within the same address, and not without end.' : '';
  const code = status >= 500 || status === 408 ? 'forge.failed' : 'forge.refused';
  throw new AppError(code, `${what}.${hint}`, details);
}

function rateLimited(forge: string, retryAfterMs: number): AppError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return new AppError('forge.rate-limited', `${forge} asked us to wait for ${seconds} s.`, {
    forge,
    retryAfterMs,
  });
}

function parse(text: string): unknown {
  if (text === '') {
    return undefined;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A page of a proxy: whoever reads the answer expects an object and says so.
    return text;
  }
}

/** Only within the same origin: a credential goes nowhere else. */
function targetOf(headers: ForgeAnswer['headers'], from: string): string | undefined {
  const { location } = headers;
  if (typeof location !== 'string' || !URL.canParse(location, from)) {
    return undefined;
  }
  const target = new URL(location, from);
  return target.origin === new URL(from).origin ? target.href : undefined;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && /Timeout/.test(error.name);
}

function sentenceOf(error: unknown, timeoutMs: number): string {
  if (isTimeout(error)) {
    return `no answer within ${timeoutMs / 1000} s`;
  }
  if (isTooLarge(error)) {
    return `the answer has more than ${MOST_BYTES} bytes`;
  }
  const cause: unknown = error instanceof AggregateError ? error.errors.at(0) : error;
  return messageOf(cause) || 'it could not be reached';
}
