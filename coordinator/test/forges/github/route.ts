import type { SeenRequest, StandInAnswer } from '../stand-in-server.ts';
import type { KeptRepository, State } from './state.ts';
import type { Asking, Doorkeeper } from './who-asks.ts';

export interface AppState {
  /** By owner, in lower case; one without is not installed there. */
  readonly installations: Map<string, { readonly id: number; readonly isSuspended: boolean }>;
  permissions: Readonly<Record<string, string>>;
  events: readonly string[];
  hook: Readonly<Record<string, unknown>>;
}

export interface Asked {
  readonly state: State;
  readonly app: AppState;
  readonly keeper: Doorkeeper;
  readonly asking: Asking;
  readonly parameters: Readonly<Record<string, string>>;
  readonly request: SeenRequest;
  readonly url: string;
  /** Of routes below a repository; one that is not there is answered before. */
  readonly repository: KeptRepository;
  readonly violate: (what: string) => void;
}

export type Route = (asked: Asked) => StandInAnswer;

export const NOT_FOUND: StandInAnswer = { status: 404, body: { message: 'Not Found', status: '404' } };

/** A page of a list, with the Link header in GitHub's way: the path is by number, not by name. */
export function pageOf<Entry>(
  { request, url }: Asked,
  entries: readonly Entry[],
  toBody: (entry: Entry) => unknown,
): StandInAnswer {
  const size = Math.min(Number(request.query['per_page'] ?? 30), 100);
  const page = Number(request.query['page'] ?? 1);
  const last = Math.max(1, Math.ceil(entries.length / size));
  const kind = request.path.split('/').at(-1);
  const link = (to: number, rel: string): string => {
    const query = new URLSearchParams({ ...request.query, page: String(to) });
    return `<${url}/api/v3/repositories/1/${kind}?${query}>; rel="${rel}"`;
  };
  const links = page < last ? [link(page + 1, 'next'), link(last, 'last')] : [];
  return {
    status: 200,
    ...(links.length === 0 ? {} : { headers: { link: links.join(', ') } }),
    body: entries.slice((page - 1) * size, page * size).map(toBody),
  };
}
