/** Statuses and check runs, with what GitHub wants of them besides its description. */
import { z } from 'zod';
import { runBody } from './bodies.ts';
import { exampleAnswer } from './recorded.ts';
import { type Asked, NOT_FOUND, type Route } from './route.ts';
import { takeId } from './state.ts';
import { APP_ID } from './who-asks.ts';

const MOST_BYTES = 65_535;
const LONGEST = 255;

const Status = z.object({
  state: z.string(),
  context: z.string(),
  description: z.string(),
  target_url: z.string(),
});
const Run = z.record(z.string(), z.unknown());
const Judged = z.object({
  name: z.string(),
  details_url: z.string(),
  status: z.string().optional(),
  conclusion: z.string().optional(),
  output: z.object({ title: z.string(), summary: z.string() }),
});

export const CHECK_ROUTES: Readonly<Record<string, Route>> = {
  'POST /repos/{owner}/{repo}/statuses/{sha}': ({ repository, request, parameters, violate }) => {
    const { state, context, description, target_url: url } = Status.parse(request.body);
    if (Array.from(description).length > 140 || Array.from(context).length > LONGEST) {
      violate('a description or a context is longer than GitHub takes');
    }
    repository.statuses.push({ sha: parameters['sha'] ?? '', state, context, description, url });
    const example = exampleAnswer('POST /repos/{owner}/{repo}/statuses/{sha}');
    return { status: 201, body: { ...example, state, context, description, target_url: url } };
  },
  'POST /repos/{owner}/{repo}/check-runs': (asked) => {
    judgeApp(asked);
    const body = Run.parse(asked.request.body);
    judgeRun(asked, body);
    const run = { id: takeId(asked.state), sha: String(body['head_sha']), appId: APP_ID, body };
    asked.repository.runs.set(run.id, run);
    return { status: 201, body: runBody(run) };
  },
  'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}': (asked) => {
    judgeApp(asked);
    const run = asked.repository.runs.get(Number(asked.parameters['check_run_id']));
    if (run === undefined) {
      return NOT_FOUND;
    }
    if (run.appId !== APP_ID) {
      return {
        status: 403,
        body: { message: `Invalid app_id \`${APP_ID}\` - check run can only be modified by its creator` },
      };
    }
    const changes = Run.parse(asked.request.body);
    if (run.body['status'] === 'completed' && changes['status'] !== 'completed') {
      asked.violate('a run that was completed is made to run again');
    }
    run.body = { ...run.body, ...changes };
    judgeRun(asked, run.body);
    return { status: 200, body: runBody(run) };
  },
};

function judgeApp({ asking, violate }: Asked): void {
  if (asking.kind !== 'installation') {
    violate('only an App may write check runs');
  }
}

function judgeRun({ violate }: Asked, body: unknown): void {
  const { name, details_url: url, status, conclusion, output } = Judged.parse(body);
  const isLong = Array.from(name).length > LONGEST || Array.from(output.title).length > LONGEST;
  const isBig = Buffer.byteLength(output.summary) > MOST_BYTES;
  if (isLong || isBig || !/^https?:/.test(url)) {
    violate('a name, a title or a summary is longer than GitHub takes, or the address is none');
  }
  if ((status === 'completed') !== (conclusion !== undefined)) {
    violate('a conclusion comes with what is completed, and with nothing else');
  }
}
