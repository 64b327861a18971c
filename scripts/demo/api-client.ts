/** The coordinator's HTTP API as the demo uses it. What comes back is parsed with the schemas it is made from. */
import { BuilderView } from '@argunix/shared/control-api/builder-views';
import { EvaluationView, JobView, LogLineView } from '@argunix/shared/control-api/views';
import { z } from 'zod';

export interface ApiClient {
  /** Brings the next poll forward. Best effort: the poll comes anyway. */
  poke(forge: string): Promise<void>;
  /** Names of builders that are connected and take work. */
  readyBuilders(): Promise<readonly string[]>;
  /** The id of the newest evaluation; 0 when there is none. */
  newestEvaluation(repository: string): Promise<number>;
  /** The newest evaluation of a revision. */
  findEvaluation(repository: string, sha: string): Promise<EvaluationView | undefined>;
  /** All of them, page by page. */
  jobs(evaluationId: number): Promise<readonly JobView[]>;
  /** The last lines of a job's log; none when it has no log. */
  logTail(jobId: number, lines: number): Promise<readonly string[]>;
  /** Calls back whenever something may have changed, until the signal aborts or the stream breaks. */
  onChange(callback: () => void, signal: AbortSignal): Promise<void>;
  absolute(path: string): string;
}

// The server is on this machine and answers within milliseconds; a minute is a server that hangs.
const DEADLINE_MS = 60_000;
const LogPage = z.object({ lines: z.array(LogLineView) });
const PAGE = 500;

export function createApiClient(baseUrl: string, signal: AbortSignal): ApiClient {
  const absolute = (path: string): string => new URL(path, baseUrl).href;

  async function get(path: string): Promise<Response> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
    const response = await fetch(absolute(path), {
      headers: { accept: 'application/json, text/plain;q=0.9' },
      signal: deadline,
    });
    if (!response.ok) {
      throw new Error(`GET ${path}: expected 200, got ${response.status}: ${await response.text()}`);
    }
    return response;
  }
  async function getAs<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
    const response = await get(path);
    return schema.parse(await response.json());
  }

  return {
    absolute,
    async poke(forge) {
      try {
        const deadline = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
        const response = await fetch(absolute(`/webhook/${forge}`), { method: 'POST', signal: deadline });
        await response.arrayBuffer();
      } catch {
        // The poll comes anyway, a little later; an interruption is noticed by whoever waits next.
      }
    },
    async readyBuilders() {
      const builders = await getAs('/api/v1/builders', z.array(BuilderView));
      return builders.filter(({ state }) => state === 'ready').map(({ name }) => name);
    },
    async newestEvaluation(repository) {
      const query = new URLSearchParams({ repo: repository, limit: '1' });
      const [newest] = await getAs(`/api/v1/evals?${query.toString()}`, z.array(EvaluationView));
      return newest?.id ?? 0;
    },
    async findEvaluation(repository, sha) {
      const query = new URLSearchParams({ repo: repository, limit: '50' });
      const evaluations = await getAs(`/api/v1/evals?${query.toString()}`, z.array(EvaluationView));
      return evaluations.find((evaluation) => evaluation.sha === sha);
    },
    async jobs(evaluationId) {
      const jobs: JobView[] = [];
      for (;;) {
        const after = jobs.at(-1)?.attr;
        const query = new URLSearchParams({ limit: String(PAGE), ...(after !== undefined && { after }) });
        const page = await getAs(`/api/v1/evals/${evaluationId}/jobs?${query.toString()}`, z.array(JobView));
        jobs.push(...page);
        if (page.length < PAGE) {
          return jobs;
        }
      }
    },
    async logTail(jobId, lines) {
      const log = await getAs(`/api/v1/jobs/${jobId}/log?from=-${lines}`, LogPage);
      return log.lines.map(({ text }) => text);
    },
    async onChange(callback, until) {
      const response = await fetch(absolute('/api/v1/events'), {
        headers: { accept: 'text/event-stream' },
        signal: AbortSignal.any([signal, until]),
      });
      if (!response.ok || response.body === null) {
        throw new Error(`GET /api/v1/events: expected a stream, got ${response.status}`);
      }
      // What happened does not matter, the state is asked for anew.
      for await (const chunk of response.body) {
        if (chunk.length > 0) {
          callback();
        }
      }
    },
  };
}
