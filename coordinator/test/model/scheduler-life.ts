/**
 * One life of a scheduler, driven as a coordinator would: what it gives out is built, spoiled or stopped, what has ended
 * is settled later, and whatever it does is compared with the models.
 */
import type { EvaluationId, JobId, RepositoryId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import {
  createScheduler,
  type Scheduler,
  type SchedulerRules,
  type Taken,
} from '../../src/domain/queue/scheduler.ts';
import type { GraphJob, PlannedDerivation, Step } from '../../src/domain/queue/step.ts';
import { GraphModel } from './graph-model.ts';
import { KINDS, type Needs, RosterModel } from './roster-model.ts';
import { BUILDERS, DERIVATIONS, type Move, picked, type Scenario } from './scheduler-moves.ts';

/** A builder has it. */
interface Build {
  readonly at: number;
  readonly builder: string;
  readonly repositoryId: number | undefined;
  /** What it makes, itself included. */
  readonly makes: ReadonlySet<number>;
  /** False for one beyond its places. */
  readonly hasPlace: boolean;
}

/** Its end is being stored. */
interface Ending {
  readonly at: number;
  readonly ended: readonly GraphJob[];
  readonly foundAt: string | null;
}

const START = 1_000_000;
const SPOILED_AT_MOST = 3;

export class Life {
  readonly #scenario: Scenario;
  readonly #rules: SchedulerRules;
  #scheduler: Scheduler;
  #graph: GraphModel;
  #roster: RosterModel;
  #now = START;
  #nextJob = 1;
  #nextEvaluation = 1;
  readonly #built = new Set<number>();
  /** Every attempt that there was, the last of each job; and how each attempt ended. */
  readonly #jobs = new Map<number, { readonly job: GraphJob; readonly at: number }>();
  readonly #ended = new Map<string, string>();
  #builds: Build[] = [];
  #endings: Ending[] = [];
  #resting: number[] = [];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#rules = {
      weightOf: (repositoryId) => scenario.weights[repositoryId - 1] ?? 1,
      allowsUnsandboxedUntrusted: scenario.allowsUnsandboxedUntrusted,
      builderWaitMs: 100_000,
      spillGraceMs: 30_000,
      quarantineMs: 10_000,
    };
    this.#scheduler = this.#begin();
    this.#graph = new GraphModel(scenario.natures);
    this.#roster = new RosterModel(this.#rules, this.#now);
  }

  live(): void {
    for (const [which, offer] of this.#scenario.offers.entries()) {
      this.#act({ does: 'join', which, offer, isExpectedOffline: false });
    }
    for (const { move, isAwake } of this.#scenario.moves) {
      this.#act(move);
      this.#check();
      if (isAwake) {
        this.#wake();
      }
    }
    this.#endEverything();
  }

  /** With a desk for every kind, so that what it remembers begins with its life. */
  #begin(): Scheduler {
    const scheduler = createScheduler(this.#rules);
    for (const [id, { system, features, isTrusted }] of KINDS.entries()) {
      const drvPath = `/nix/store/0-kind-${id}.drv` as DerivationPath;
      const planned = { drvPath, system, requiredFeatures: features, inputs: [], expectedMs: 1 };
      const job = {
        ...this.#newJob(drvPath, 1, 0, isTrusted, null),
        jobId: (-1 - id) as JobId,
      };
      scheduler.add([job], [planned], this.#now);
      scheduler.forget([job], this.#now);
    }
    return scheduler;
  }

  #act(move: Move): void {
    switch (move.does) {
      case 'push':
        this.#push(move);
        break;
      case 'end':
        choose(this.#builds, move.which, (build) => this.#end(build, move.how));
        break;
      case 'settle':
        choose(this.#endings, move.which, (ending) => this.#settle(ending));
        break;
      case 'put back':
        choose(this.#resting, move.which, (at) => this.#putBack(at));
        break;
      case 'cancel evaluation':
        choose(this.#living(), move.which, ({ evaluationId }) =>
          this.#forget(
            this.#living().filter((job) => job.evaluationId === evaluationId),
            'cancelled',
          ),
        );
        break;
      case 'cancel job':
        choose(this.#living(), move.which, (job) => this.#forget([job], 'cancelled'));
        break;
      case 'restart job':
        choose([...this.#jobs.values()], move.which, ({ job, at }) => this.#restartJob(job, at));
        break;
      case 'late news':
        choose(this.#living(), move.which, (job) =>
          this.#forget([{ ...job, attempt: job.attempt - 1 }], 'late'),
        );
        break;
      case 'bump':
        choose(this.#living(), move.which, ({ jobId }) => {
          this.#scheduler.bump([jobId], this.#now);
          this.#graph.bump(jobId, this.#now);
        });
        break;
      case 'more':
        this.#takeMore(BUILDERS[move.which % BUILDERS.length] ?? '');
        break;
      case 'join': {
        const name = BUILDERS[move.which % BUILDERS.length] ?? '';
        this.#scheduler.join(name, move.offer, move.isExpectedOffline, this.#now);
        this.#roster.join(name, move.offer, move.isExpectedOffline, this.#now);
        break;
      }
      case 'expect': {
        const name = BUILDERS[move.which % BUILDERS.length] ?? '';
        const leftAt = this.#now - move.which * 1_000;
        this.#scheduler.expect(name, move.offer, move.isExpectedOffline, leftAt);
        this.#roster.expect(name, move.offer, move.isExpectedOffline, leftAt);
        break;
      }
      case 'leave':
      case 'remove':
        choose([...this.#roster.builders.keys()], move.which, (name) => {
          this.#scheduler[move.does](name, this.#now);
          this.#roster[move.does](name, this.#now);
        });
        break;
      case 'pass':
        this.#now += move.ms;
        break;
      case 'restart':
        this.#restart();
        break;
    }
  }

  #push({ repository, rank, isTrusted, isBumped, jobs, stale }: Extract<Move, { does: 'push' }>): void {
    this.#nextEvaluation += 1;
    const named = picked(jobs).filter((at) => !this.#built.has(at));
    const found = named.map((at) => {
      const job = this.#newJob(pathOf(at), repository, rank, isTrusted, isBumped ? this.#now : null);
      this.#nextJob += 1;
      this.#jobs.set(job.jobId, { job, at });
      return { job, at };
    });
    this.#add(found, picked(stale));
  }
  #newJob(
    drvPath: DerivationPath,
    repository: number,
    rank: 0 | 1 | 2,
    isTrusted: boolean,
    bumpedAt: number | null,
  ): GraphJob {
    return {
      jobId: this.#nextJob as JobId,
      attempt: 1,
      evaluationId: this.#nextEvaluation as EvaluationId,
      attr: 'some',
      system: 'x86_64-linux',
      drvPath,
      claim: { repositoryId: repository as RepositoryId, rank, isTrusted },
      bumpedAt: bumpedAt as GraphJob['bumpedAt'],
      outputs: [],
      wasDispatched: false,
    };
  }
  /** What a look at the store finds: everything below that is not built. */
  #add(found: readonly { readonly job: GraphJob; readonly at: number }[], stale: readonly number[]): void {
    const plan = new Map<number, readonly number[]>();
    const open = [...found.map(({ at }) => at), ...stale].filter((at) => !this.#built.has(at));
    for (let at = open.shift(); at !== undefined; at = open.shift()) {
      if (!plan.has(at)) {
        const inputs = picked(this.#graph.nature(at).inputs).filter((input) => !this.#built.has(input));
        plan.set(at, inputs);
        open.push(...inputs);
      }
    }
    const planned = [...plan].map(([at, inputs]): PlannedDerivation => {
      const { system, features, expectedMs } = this.#graph.nature(at);
      const requiredFeatures = features;
      return { drvPath: pathOf(at), system, requiredFeatures, inputs: inputs.map(pathOf), expectedMs };
    });
    this.#scheduler.add(
      found.map(({ job }) => job),
      planned,
      this.#now,
    );
    this.#graph.add(found, plan);
  }
  #restartJob(job: GraphJob, at: number): void {
    if (!this.#built.has(at)) {
      const isLiving = this.#graph.jobs.get(job.jobId)?.job.attempt === job.attempt;
      if (isLiving) {
        this.#ended.set(`${job.jobId}:${job.attempt}`, 'replaced');
      }
      const next = { ...job, attempt: job.attempt + 1, bumpedAt: null };
      this.#jobs.set(job.jobId, { job: next, at });
      this.#add([{ job: next, at }], []);
    }
  }

  #end(build: Build, how: 'built' | 'failed' | 'spoiled' | 'returned'): void {
    const { at, builder, hasPlace, makes } = build;
    this.#builds = this.#builds.filter((one) => one !== build);
    if (hasPlace) {
      this.#scheduler.freePlaces(builder, 1);
      this.#roster.use(builder, -1);
    }
    this.#scheduler.release(pathOf(at), this.#now);
    if (how === 'returned' || (how === 'spoiled' && this.#countSpoiled(at, builder) <= SPOILED_AT_MOST)) {
      this.#resting.push(at);
      return;
    }
    if (how !== 'spoiled') {
      this.#scheduler.roster.wentWell(builder);
      this.#roster.wentWell(builder);
    }
    if (how === 'built') {
      for (const made of makes) {
        this.#built.add(made);
      }
    }
    this.#beginEnding(at, how === 'built' ? builder : null);
  }
  #countSpoiled(at: number, builder: string): number {
    this.#roster.trouble(builder, at, this.#now);
    return this.#scheduler.spoiled(pathOf(at), builder, 'the scenario says so', this.#now);
  }
  #beginEnding(at: number, foundAt: string | null): void {
    const step = this.#step(at);
    const lost = foundAt === null ? this.#scheduler.graph.lostWith(step).map(({ job }) => job) : [];
    const expected = this.#living().filter(
      (job) => foundAt === null && this.#isLostWith(at, this.#numberOf(job)),
    );
    agree('jobs lost with it', idsOf(lost), idsOf(expected));
    this.#endings.push({ at, ended: [...step.jobs, ...lost], foundAt });
  }
  /** Nothing that is taken stands between them, nor is taken itself. */
  #isLostWith(failed: number, at: number): boolean {
    const graph = this.#graph;
    const isTaken = graph.taken.has(graph.within(at));
    return (
      !isTaken &&
      at !== failed &&
      [...graph.below(at)].some(
        (one) =>
          graph.within(one) === graph.within(at) &&
          this.#needsOf(one).some((need) => need === failed || this.#isLostWith(failed, need)),
      )
    );
  }
  #needsOf(at: number): readonly number[] {
    return [...this.#graph.present.keys()].filter((other) => this.#graph.neededBy(other).includes(at));
  }
  #settle(ending: Ending): void {
    this.#endings = this.#endings.filter((one) => one !== ending);
    const { at, ended, foundAt } = ending;
    this.#forget(ended, 'built or failed');
    const unwanted = this.#scheduler.finish(pathOf(at), foundAt, this.#now);
    this.#expectUnwanted(unwanted, () => this.#graph.finish(at));
  }
  #putBack(at: number): void {
    this.#resting = this.#resting.filter((one) => one !== at);
    const unwanted = this.#scheduler.putBack(pathOf(at), { wasDispatched: true }, this.#now);
    this.#expectUnwanted(unwanted, () => this.#graph.putBack(at));
  }
  #forget(jobs: readonly GraphJob[], how: string): void {
    for (const { jobId, attempt } of jobs) {
      if (this.#graph.jobs.get(jobId)?.job.attempt === attempt) {
        agree('it ended before', this.#ended.has(`${jobId}:${attempt}`), false);
        this.#ended.set(`${jobId}:${attempt}`, how);
      }
    }
    const unwanted = this.#scheduler.forget(jobs, this.#now);
    this.#expectUnwanted(unwanted, () => {
      for (const { jobId, attempt } of jobs) {
        this.#graph.forget(jobId, attempt);
      }
    });
  }
  /** It is told of every build that this made senseless. */
  #expectUnwanted(told: readonly Step[], change: () => void): void {
    const unwanted = (): readonly number[] =>
      [...this.#graph.taken].filter((at) => this.#graph.isUnwanted(at));
    const before = unwanted();
    change();
    const after = unwanted();
    const numbers = told.map(({ drvPath }) => numberOf(drvPath));
    agree('told twice', new Set(numbers).size, numbers.length);
    agree(
      'told of what is wanted',
      numbers.filter((at) => !after.includes(at)),
      [],
    );
    agree(
      'not told of what nobody wants',
      after.filter((at) => !before.includes(at) && !numbers.includes(at)),
      [],
    );
  }

  /** A process that is killed and started: builders went on meanwhile. */
  #restart(): void {
    this.#scheduler = this.#begin();
    const { builders } = this.#roster;
    const living = this.#living();
    this.#graph = new GraphModel(this.#scenario.natures);
    this.#roster = new RosterModel(this.#rules, this.#now);
    for (const { name, offer, isPresent, isExpectedOffline } of builders.values()) {
      if (isPresent) {
        this.#scheduler.join(name, offer, isExpectedOffline, this.#now);
        this.#roster.join(name, offer, isExpectedOffline, this.#now);
      } else {
        this.#scheduler.expect(name, offer, isExpectedOffline, this.#now);
        this.#roster.expect(name, offer, isExpectedOffline, this.#now);
      }
    }
    this.#endings = [];
    this.#resting = [];
    for (const some of Map.groupBy(living, ({ evaluationId }) => evaluationId).values()) {
      const isBuilt = (job: GraphJob): boolean => this.#built.has(this.#numberOf(job));
      for (const job of some.filter(isBuilt)) {
        this.#ended.set(`${job.jobId}:${job.attempt}`, 'was there');
      }
      this.#add(
        some.filter((job) => !isBuilt(job)).map((job) => ({ job, at: this.#numberOf(job) })),
        [],
      );
    }
    const held = this.#builds;
    this.#builds = [];
    for (const { at, builder } of held) {
      const graph = this.#graph;
      const canResume = graph.isStep(at) && !graph.taken.has(at) && this.#roster.builders.has(builder);
      agree('resumes', this.#scheduler.resume(pathOf(at), builder, this.#now), canResume);
      if (canResume) {
        const meter = this.#scheduler.taken.get(pathOf(at))?.meter;
        graph.take(at);
        this.#roster.use(builder, 1);
        this.#builds.push({
          at,
          builder,
          repositoryId: meter?.repositoryId,
          makes: graph.below(at),
          hasPlace: true,
        });
      }
    }
  }

  #wake(): void {
    this.#takeLost();
    for (let taken = this.#take(); taken !== undefined; taken = this.#take()) {
      this.#check();
    }
    this.#check();
  }
  #takeLost(): void {
    const lost = this.#scheduler.takeLost(this.#now);
    this.#roster.endQuarantines(this.#now);
    const hopeless = this.#graph
      .steps()
      .filter((at) => !this.#graph.taken.has(at) && this.#roster.isHopeless(this.#kindOf(at)));
    for (const at of hopeless) {
      this.#graph.take(at);
    }
    // What only a hopeless step needs is not ready any more.
    const absent = this.#graph
      .steps()
      .filter((at) => this.#graph.isReady(at) && this.#roster.isGivenUp(this.#kindOf(at), this.#now));
    for (const at of absent) {
      this.#graph.take(at);
    }
    for (const [why, expected] of Object.entries({ hopeless, absent, circular: [] })) {
      const told = lost.filter((one) => one.why === why).map(toNumber);
      agree(why, told.toSorted(byNumber), expected.toSorted(byNumber));
    }
    for (const { step } of lost) {
      this.#beginEnding(numberOf(step.drvPath), null);
    }
  }
  #take(): Taken | undefined {
    const heads = this.#heads((kind) => {
      this.#roster.endQuarantines(this.#now);
      return this.#roster.openFor(kind, this.#now).length > 0;
    });
    const taken = this.#scheduler.take(this.#now);
    agree('the next', taken === undefined ? undefined : numberOf(taken.step.drvPath), heads[0]);
    if (taken === undefined) {
      return undefined;
    }
    const { step, builder } = taken;
    const open = this.#roster
      .openFor(this.#kindOf(numberOf(step.drvPath)), this.#now)
      .map(({ name }) => name);
    agree('open builders', open.includes(builder), true);
    // Where it was spoiled before, it comes only when nobody else has room.
    agree(
      'comes where it was spoiled',
      step.spoiledAt.includes(builder) && open.some((name) => !step.spoiledAt.includes(name)),
      false,
    );
    this.#roster.use(builder, 1);
    this.#beginBuild(taken, true);
    return taken;
  }
  #takeMore(name: string): void {
    this.#roster.endQuarantines(this.#now);
    const builder = this.#roster.builders.get(name);
    const heads =
      builder === undefined || builder.isOnProbation
        ? []
        : this.#heads((kind) => this.#roster.mayHave(builder, kind, this.#now));
    const first = heads[0];
    const isShort =
      first !== undefined &&
      this.#graph.nature(first).expectedMs <= 2_000 &&
      !this.#step(first).spoiledAt.includes(name);
    const taken = this.#scheduler.takeMore(name, 2_000, this.#now);
    agree(
      'one more',
      taken === undefined ? undefined : numberOf(taken.step.drvPath),
      isShort ? first : undefined,
    );
    if (taken !== undefined) {
      this.#beginBuild(taken, false);
    }
  }
  #beginBuild({ step, builder, meter }: Taken, hasPlace: boolean): void {
    const at = numberOf(step.drvPath);
    const makes = this.#graph.below(at);
    for (const other of this.#builds) {
      agree(
        'made twice at a time',
        [...makes].filter((one) => other.makes.has(one)),
        [],
      );
    }
    this.#graph.take(at);
    this.#builds.push({ at, builder, repositoryId: meter?.repositoryId, makes, hasPlace });
  }
  /** The first of each kind that `isServed` lets through, best first. */
  #heads(isServed: (kind: Needs) => boolean): readonly number[] {
    const wanted = this.#graph.steps().filter((at) => this.#graph.isReady(at));
    const candidates = wanted.flatMap((at) => this.#turnsOf(at));
    const byKind = Object.values(Object.groupBy(candidates, ({ at }) => JSON.stringify(this.#kindOf(at))));
    const firsts = byKind.flatMap((some = []) => {
      const bumped = some.filter(({ bumpedAt }) => bumpedAt > 0);
      const [first] = (bumped.length > 0 ? bumped : some).toSorted(
        (one, other) =>
          other.bumpedAt - one.bumpedAt ||
          (bumped.length > 0 ? 0 : one.level - other.level || one.rank - other.rank) ||
          byPath(one, other) ||
          one.level - other.level,
      );
      return first === undefined || !isServed(this.#kindOf(first.at)) ? [] : [first];
    });
    return firsts
      .toSorted(
        (one, other) =>
          other.bumpedAt - one.bumpedAt ||
          one.level - other.level ||
          one.rank - other.rank ||
          byPath(one, other),
      )
      .map(({ at }) => at);
  }
  /** One for each repository that wants it. */
  #turnsOf(at: number): readonly Turn[] {
    const { claims, bumpedAt } = this.#graph.standing(at);
    const meters = new Map([...this.#scheduler.share.all()].map((meter) => [meter.repositoryId, meter]));
    return claims.map((claim) => {
      const [id, rank] = claim.split(':').map(Number);
      return {
        at,
        bumpedAt,
        level: meters.get(id as RepositoryId)?.level ?? Number.NaN,
        rank: rank ?? Number.NaN,
        pathMs: this.#graph.pathMs(at),
        age: this.#graph.present.get(at) ?? Number.NaN,
      };
    });
  }

  /** Everything that it counts and remembers, counted again. */
  #check(): void {
    const { graph, lines, share, roster, taken } = this.#scheduler;
    for (let at = 0; at < DERIVATIONS; at += 1) {
      const step = graph.get(pathOf(at));
      agree(
        'what it is',
        step === undefined ? 'gone' : this.#describe(step),
        this.#graph.present.has(at) ? this.#expected(at) : 'gone',
      );
    }
    const steps = this.#graph.steps();
    const ready = steps.filter((at) => this.#graph.isReady(at));
    agree('steps', graph.stepCount, steps.length);
    agree('named steps', graph.namedCount, steps.filter((at) => this.#graph.isNamed(at)).length);
    agree('ready', lines.size, ready.length);
    const inLines = [...lines.all()].flatMap((line) => {
      const some = [...lines.stepsOf(line)];
      agree('of a line', some.length, line.size);
      agree('oldest of a line', lines.oldestSince(line) === undefined, line.size === 0);
      for (const step of some) {
        agree('kind of a line', line.desk.kind, {
          id: line.desk.kind.id,
          ...toKind(this.#kindOf(numberOf(step.drvPath))),
        });
      }
      return some.map(({ drvPath }) => numberOf(drvPath));
    });
    agree('in lines', inLines.toSorted(byNumber), ready.toSorted(byNumber));
    for (const { repositoryId, ready: readyOfIt, running } of share.all()) {
      const wanting = ready.filter((at) =>
        this.#graph.standing(at).claims.some((claim) => claim.startsWith(`${repositoryId}:`)),
      );
      agree('ready of a repository', readyOfIt, wanting.length);
      agree(
        'running of a repository',
        running,
        this.#builds.filter((build) => build.repositoryId === repositoryId).length,
      );
    }
    for (const { name, used, quarantine, isOnProbation } of roster.all()) {
      const model = this.#roster.builders.get(name);
      agree(
        'a builder',
        [used, quarantine?.until ?? null, isOnProbation],
        [this.#roster.used.get(name) ?? 0, model?.until ?? null, model?.isOnProbation],
      );
    }
    agree(
      'taken',
      [...taken.keys()].map(numberOf).toSorted(byNumber),
      this.#builds.map(({ at }) => at).toSorted(byNumber),
    );
  }
  #describe(step: Step): unknown {
    return {
      within: numberOf(step.within.drvPath),
      isTaken: step.isTaken,
      pending: step.within === step ? step.pending : 0,
      jobs: idsOf(step.jobs),
      claims: step.claims.members.map(({ repositoryId, rank }) => `${repositoryId}:${rank}`),
      isTrusted: step.claims.isTrusted,
      bumpedAt: step.bumpedAt,
      aboveMs: step.aboveMs,
      isReady: step.place !== undefined,
      place: step.place?.claims === undefined ? undefined : step.place.claims === step.claims,
    };
  }
  #expected(at: number): unknown {
    const graph = this.#graph;
    const isReady = graph.isReady(at);
    return {
      within: graph.within(at),
      isTaken: graph.taken.has(at),
      pending: graph.isStep(at) ? graph.pending(at) : 0,
      jobs: [...graph.jobs.values()]
        .filter((one) => one.at === at)
        .map(({ job }) => `${job.jobId}:${job.attempt}`)
        .toSorted(),
      ...graph.standing(at),
      aboveMs: graph.aboveMs(at),
      isReady,
      place: isReady ? true : undefined,
    };
  }

  /** From now on everybody does their part, and there is a builder for everything. */
  #endEverything(): void {
    const offer = {
      systems: ['x86_64-linux', 'aarch64-linux'],
      emulatedSystems: [],
      features: ['big', 'kvm'],
      mandatoryFeatures: [],
      isSandboxed: true,
      slots: 3,
      speedFactor: 1,
    };
    this.#scheduler.join('whale', offer, false, this.#now);
    this.#roster.join('whale', offer, false, this.#now);
    const isBusy = (): boolean =>
      this.#graph.present.size + this.#builds.length + this.#endings.length + this.#resting.length > 0;
    for (let turn = 0; isBusy(); turn += 1) {
      agree('ends too late', turn > 200, false);
      for (const ending of this.#endings) {
        this.#settle(ending);
        this.#check();
      }
      for (const at of this.#resting) {
        this.#putBack(at);
        this.#check();
      }
      for (const build of this.#builds) {
        this.#now += 700;
        this.#end(build, 'built');
        this.#check();
      }
      this.#wake();
    }
    agree('jobs left', this.#graph.jobs.size, 0);
    agree(
      'attempts that ended',
      this.#ended.size,
      [...this.#jobs.values()].reduce((sum, { job }) => sum + job.attempt, 0),
    );
  }

  #living(): readonly GraphJob[] {
    return [...this.#graph.jobs.values()].map(({ job }) => job);
  }
  #numberOf({ drvPath }: GraphJob): number {
    return numberOf(drvPath);
  }
  #kindOf(at: number): Needs {
    const { system, features } = this.#graph.nature(at);
    return { system, features, isTrusted: this.#graph.standing(at).isTrusted };
  }
  #step(at: number): Step {
    const step = this.#scheduler.graph.get(pathOf(at));
    if (step === undefined) {
      throw new Error(`expected a derivation that is here, got ${at}`);
    }
    return step;
  }
}

interface Turn {
  readonly at: number;
  readonly bumpedAt: number;
  readonly level: number;
  readonly rank: number;
  readonly pathMs: number;
  readonly age: number;
}

function byPath(one: Turn, other: Turn): number {
  return other.pathMs - one.pathMs || one.age - other.age;
}

function toKind({ system, features, isTrusted }: Needs): object {
  return { system, requiredFeatures: features, isTrusted };
}

function toNumber({ step }: { readonly step: Step }): number {
  return numberOf(step.drvPath);
}

function byNumber(one: number, other: number): number {
  return one - other;
}

function idsOf(jobs: readonly GraphJob[]): readonly string[] {
  return jobs.map(({ jobId, attempt }) => `${jobId}:${attempt}`).toSorted();
}

/** Cheaper by far than an assertion of the test program, and there are a thousand in a life. */
function agree(what: string, got: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(got), JSON.stringify(expected)];
  if (one !== other) {
    throw new Error(`${what}: expected ${other}, got ${one}`);
  }
}

function pathOf(at: number): DerivationPath {
  return `/nix/store/00000000000000000000000000000000-${at}.drv` as DerivationPath;
}

function numberOf(path: DerivationPath): number {
  return Number(path.slice(path.indexOf('-') + 1, -'.drv'.length));
}

function choose<Item>(items: readonly Item[], which: number, use: (item: Item) => void): void {
  const item = items[which % Math.max(1, items.length)];
  if (item !== undefined) {
    use(item);
  }
}
