/** What the stand-in for GitHub keeps. */
import type { StandInMerge, StandInRepository, StandInRequest, StandInRole } from '../forge-subject.ts';

export interface KeptHook {
  readonly id: number;
  active: boolean;
  events: readonly string[];
  config: Readonly<Record<string, unknown>>;
}

export interface KeptStatus {
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string;
  readonly url: string;
}

export interface KeptRun {
  readonly id: number;
  readonly sha: string;
  readonly appId: number;
  body: Readonly<Record<string, unknown>>;
}

export interface KeptRepository {
  readonly facts: StandInRepository;
  readonly requests: Map<number, StandInRequest>;
  readonly merges: Map<number, StandInMerge>;
  readonly roles: Map<string, StandInRole>;
  readonly hooks: Map<number, KeptHook>;
  readonly statuses: KeptStatus[];
  readonly runs: Map<number, KeptRun>;
}

export interface State {
  readonly repositories: Map<string, KeptRepository>;
  nextId: number;
}

export function emptyState(): State {
  return { repositories: new Map(), nextId: 100 };
}

export function newRepository(facts: StandInRepository): KeptRepository {
  return {
    facts,
    requests: new Map(),
    merges: new Map(),
    roles: new Map(),
    hooks: new Map(),
    statuses: [],
    runs: new Map(),
  };
}

export function takeId(state: State): number {
  state.nextId += 1;
  return state.nextId;
}
