/** Every method of a forge against everything that a server, a proxy or a network may do to it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { isAppError } from '@argunix/shared/kit/app-error';
import { Secret } from '@argunix/shared/kit/secret';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../until.ts';
import type { ForgeContract, ForgeSubject, Scene } from '../forge-subject.ts';
import type { Trouble } from '../stand-in-server.ts';
import { aCheck, aRequest, aSignal, HEAD, OURS } from './sample.ts';

type Call = (subject: ForgeSubject, signal: AbortSignal) => Promise<unknown>;

const WANTED = { url: 'https://ci.example.com/webhook/here/1', secret: new Secret('the hook’s secret') };

const CALLS: Readonly<Record<string, Call>> = {
  probe: async ({ forge }, signal) => await forge.probe(signal),
  repository: async ({ forge }, signal) => await forge.repository(OURS, signal),
  openRequests: async ({ forge }, signal) => await forge.openRequests(OURS, signal),
  mayPush: async ({ forge }, signal) => await forge.mayPush(OURS, 'someone', signal),
  mergeResult: async ({ forge }, signal) =>
    await forge.mergeResult(OURS, { number: 7, headSha: HEAD }, signal),
  post: async ({ forge }, signal) => await forge.post(OURS, aCheck({ state: 'success' }), signal),
  cloneCredential: async ({ forge }, signal) => await forge.cloneCredential(OURS, signal),
  'hooks.list': async ({ hooks }, signal) => await hooks.list(OURS, signal),
  'hooks.create': async ({ hooks }, signal) => await hooks.create(OURS, WANTED, signal),
  'hooks.replace': async ({ hooks }, signal) => await hooks.replace(OURS, '1', WANTED, signal),
  'hooks.remove': async ({ hooks }, signal) => await hooks.remove(OURS, '1', signal),
};

/** What is asked for has to be in the answer, so one without it is trouble. */
const READS = new Set(['repository', 'openRequests', 'mayPush', 'mergeResult', 'hooks.list', 'hooks.create']);

/** Where a token is also what clones, no request is needed for it. */
const MAY_BE_UNASKED = 'cloneCredential';

/** How a call ended: the code of what it threw, or `answered …`, or `unasked` where it sent no request. */
type Ending = string;

export function describeTrouble({ mergeRef }: ForgeContract, { subject, advance, hurry }: Scene): void {
  // A forge that makes no merges is asked for none.
  const calls = Object.entries(CALLS).filter(([name]) => name !== 'mergeResult' || mergeRef !== null);

  /** What is known from earlier (an installation, a login) is known: it is the call itself that meets the trouble. */
  async function warmUp(): Promise<void> {
    const { forge, standIn } = subject();
    standIn.addRequest(OURS, aRequest());
    standIn.grant(OURS, 'someone', 'write');
    await forge.repository(OURS, aSignal());
    await forge.mayPush(OURS, 'someone', aSignal());
  }

  /** Who soon gives up may do so already here, where the machine does something else meanwhile. */
  async function warmUpInHurry(): Promise<void> {
    await hurry();
    await until('what is known from earlier is known', async () => {
      try {
        await warmUp();
        return true;
      } catch (error) {
        if (isAppError(error) && error.code === 'forge.unreachable') {
          return false;
        }
        throw error;
      }
    });
  }

  async function endingOf(call: Call, trouble: Trouble): Promise<Ending> {
    await (trouble.kind === 'hang' ? warmUpInHurry() : warmUp());
    const { server } = subject().standIn;
    const asked = server.requests.length;
    server.trouble(trouble);
    try {
      const value = await call(subject(), aSignal());
      return server.requests.length === asked ? 'unasked' : `answered ${JSON.stringify(value)}`;
    } catch (error) {
      return judgeError(error, [...subject().secrets(), WANTED.secret.reveal()]);
    }
  }

  describe.each(calls)('%s in trouble', (name, call) => {
    /** What a call may end with: only one that needs no request may go without one. */
    function endings(...codes: readonly string[]): readonly Ending[] {
      return name === MAY_BE_UNASKED ? [...codes, 'unasked'] : codes;
    }

    it.each<[string, Trouble, string]>([
      ['401 is an unauthorized credential', { kind: 'status', status: 401 }, 'forge.unauthorized'],
      ['403 is a right that is missing', { kind: 'status', status: 403 }, 'forge.forbidden'],
      ['500 is a failure that may pass', { kind: 'status', status: 500 }, 'forge.failed'],
      ['502 is a failure that may pass', { kind: 'status', status: 502 }, 'forge.failed'],
      ['503 is a failure that may pass', { kind: 'status', status: 503 }, 'forge.failed'],
      ['400 is a refusal', { kind: 'status', status: 400 }, 'forge.refused'],
      ['422 is a refusal', { kind: 'status', status: 422 }, 'forge.refused'],
      ['a server that does not answer is unreachable', { kind: 'hang' }, 'forge.unreachable'],
      ['a connection that ends at once is unreachable', { kind: 'cut' }, 'forge.unreachable'],
      ['a connection that ends within the answer is unreachable', { kind: 'half' }, 'forge.unreachable'],
      ['an answer without end is a failure, long before memory ends', { kind: 'huge' }, 'forge.failed'],
    ])('%s', async (_, trouble, code) => {
      expect(endings(code)).toContain(await endingOf(call, trouble));
    });

    it('404 is a right that is missing, or nobody, or nothing left to remove', async () => {
      const ending = await endingOf(call, { kind: 'status', status: 404 });

      const wanted: Readonly<Record<string, Ending>> = {
        mayPush: 'answered false',
        'hooks.remove': 'answered undefined',
      };
      expect(endings(wanted[name] ?? 'forge.forbidden')).toContain(ending);
    });

    it('429 says for how long to wait, and nothing is sent until then', async () => {
      const { server } = subject().standIn;
      const trouble: Trouble = { kind: 'status', status: 429, headers: { 'retry-after': '30' } };

      const ending = await endingOf(call, trouble);
      server.trouble(null);
      const asked = server.requests.length;
      advance(29_000);
      const early = subject().forge.probe(aSignal());
      await early.catch(() => undefined);
      const askedEarly = server.requests.length - asked;
      advance(2_000);
      await subject().forge.probe(aSignal());

      expect(endings('forge.rate-limited')).toContain(ending);
      expect(askedEarly).toBe(ending === 'unasked' ? 1 : 0);
    });

    it.each<[string, Trouble]>([
      ['the page of a proxy', { kind: 'rubbish' }],
      ['an object of something else', { kind: 'wrong', body: { hello: [1, 2] } }],
      ['a list of something else', { kind: 'wrong', body: [{ hello: 1 }, null, [[]]] }],
      ['null', { kind: 'wrong', body: null }],
    ])('%s instead of the answer is a failure where the answer is read', async (_, trouble) => {
      const ending = await endingOf(call, trouble);

      const isFine = ending === 'forge.failed' || (!READS.has(name) && /^answered|^unasked/.test(ending));
      expect(isFine, ending).toBe(true);
    });

    it('a redirect to another host is refused, and that host hears nothing', async () => {
      const other = await anotherHost();
      const location = `${other.url}/elsewhere`;

      const ending = await endingOf(call, { kind: 'status', status: 307, headers: { location } });

      expect(endings('forge.refused')).toContain(ending);
      expect(other.heard()).toBe(0);
    });

    it('a redirect in a circle ends', async () => {
      const location = `${subject().standIn.server.url}/redirected/again`;

      const ending = await endingOf(call, { kind: 'status', status: 307, headers: { location } });

      expect(endings('forge.refused')).toContain(ending);
    });

    it.each([true, false])('a signal ends it with its reason; fired before: %s', async (isBefore) => {
      const { server } = subject().standIn;
      const controller = new AbortController();
      const reason = new Error('stopped');
      await warmUp();
      const asked = server.requests.length;
      server.trouble({ kind: 'hang' });
      if (isBefore) {
        controller.abort(reason);
      }

      const ending = call(subject(), controller.signal).then(
        () => 'unasked',
        (error: unknown) => error,
      );
      await Promise.race([ending, until('it is asked', () => server.requests.length > asked)]);
      controller.abort(reason);

      expect(name === MAY_BE_UNASKED ? [reason, 'unasked'] : [reason]).toContain(await ending);
      expect(server.requests.length - asked).toBeLessThanOrEqual(isBefore ? 0 : 1);
    });
  });

  describe('trouble that passes', () => {
    it('a question whose connection was cut once is asked again', async () => {
      await warmUp();
      subject().standIn.server.trouble({ kind: 'cut' }, 1);

      await expect(subject().forge.mayPush(OURS, 'someone', aSignal())).resolves.toBe(true);
    });

    it('a hook is not made twice because the connection was cut once', async () => {
      await warmUp();
      const { hooks, standIn } = subject();
      standIn.server.trouble({ kind: 'cut' }, 1);
      const asked = standIn.server.requests.length;

      await expect(hooks.create(OURS, WANTED, aSignal())).rejects.toMatchObject({
        code: 'forge.unreachable',
      });

      expect(standIn.server.requests).toHaveLength(asked + 1);
    });

    it('no credential is in a URL', async () => {
      await warmUp();
      await subject().forge.cloneCredential(OURS, aSignal());

      const urls = subject()
        .standIn.server.requests.map(({ path, query }) => path + JSON.stringify(query))
        .join('\n');
      expect(
        subject()
          .secrets()
          .filter((secret) => urls.includes(secret)),
      ).toEqual([]);
    });
  });
}

/** The code of an error, unless it is none of ours or tells a secret. */
function judgeError(error: unknown, secrets: readonly string[]): Ending {
  const written = inspect(error, { depth: 10 }) + JSON.stringify(error);
  if (secrets.some((secret) => written.includes(secret))) {
    return 'an error that holds a secret';
  }
  return isAppError(error) ? error.code : `no AppError but ${String(error)}`;
}

async function anotherHost(): Promise<{ readonly url: string; heard(): number }> {
  let heard = 0;
  const server = createServer((_, response) => {
    heard += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, heard: () => heard };
}
