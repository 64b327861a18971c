import { EVALUATION_STATUSES } from '@argunix/shared/domain/evaluation-status';
import { TOKEN_RIGHTS } from '@argunix/shared/domain/token-right';
import type { ArgumentSpec, CommandSpec, OptionSpec } from './command.ts';

const EVALUATION: ArgumentSpec = { name: 'id', summary: 'the number of an evaluation' };
const JOB: ArgumentSpec = { name: 'id', summary: 'the number of a job' };

const BUILDER: ArgumentSpec = { name: 'name', summary: 'the name of a builder' };

const HOOK: ArgumentSpec = {
  name: 'repo',
  summary: 'forge/owner/name, or the name of a forge for the hook of its GitHub App',
};

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** Hold for every command. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { long: 'socket', value: 'path', summary: 'the control socket of the coordinator' },
  { long: 'json', summary: 'answer as JSON' },
];

export const COMMANDS: readonly CommandSpec[] = [
  {
    path: ['status'],
    summary: 'What is going on, and what an operator should look at.',
    args: [],
    options: [],
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    path: ['reload'],
    summary: 'Read the configuration again: applies what needs no restart, and says what does.',
    args: [],
    options: [],
    load: async () => (await import('./commands/reload.ts')).reload,
  },
  {
    path: ['evals', 'list'],
    summary: 'Evaluations, newest first.',
    args: [],
    options: [
      { long: 'repo', value: 'forge/owner/name', summary: 'of this repository only' },
      { long: 'branch', value: 'name', summary: 'of this branch only' },
      { long: 'status', value: 'status', summary: 'in this state only', choices: EVALUATION_STATUSES },
      { long: 'before', value: 'id', summary: 'older than this one: the next page' },
      { long: 'limit', value: 'count', summary: 'at most so many' },
    ],
    load: async () => (await import('./commands/evals.ts')).listEvaluations,
  },
  {
    path: ['evals', 'show'],
    summary: 'One evaluation and its jobs.',
    args: [EVALUATION],
    options: [],
    load: async () => (await import('./commands/evals.ts')).showEvaluation,
  },
  {
    path: ['evals', 'trigger'],
    summary: 'Evaluate a branch, a ref or a revision now; one that no branch or tag leads to is not trusted.',
    args: [
      { name: 'repo', summary: 'forge/owner/name' },
      { name: 'revision', summary: 'a branch, a full ref or a full sha' },
    ],
    options: [],
    load: async () => (await import('./commands/evals.ts')).triggerEvaluation,
  },
  {
    path: ['evals', 'cancel'],
    summary: 'Cancel an evaluation and its jobs.',
    args: [EVALUATION],
    options: [],
    load: async () => (await import('./commands/evals.ts')).cancelEvaluation,
  },
  {
    path: ['evals', 'restart'],
    summary: 'Evaluate the same revision again, or build again what failed of it.',
    args: [EVALUATION],
    options: [{ long: 'failed', summary: 'only the jobs that failed, without a new evaluation' }],
    load: async () => (await import('./commands/evals.ts')).restartEvaluation,
  },
  {
    path: ['evals', 'approve'],
    summary: 'Trust exactly the revision of a request that waits for approval, and let it be evaluated.',
    args: [EVALUATION],
    options: [],
    load: async () => (await import('./commands/evals.ts')).approveEvaluation,
  },
  {
    path: ['evals', 'bump'],
    summary: 'Build what waits of an evaluation before everything else.',
    args: [EVALUATION],
    options: [],
    load: async () => (await import('./commands/evals.ts')).bumpEvaluation,
  },
  {
    path: ['jobs', 'show'],
    summary: 'One job.',
    args: [JOB],
    options: [],
    load: async () => (await import('./commands/jobs.ts')).showJob,
  },
  {
    path: ['jobs', 'why'],
    summary: 'Why a job is in the state it is in.',
    args: [JOB],
    options: [],
    load: async () => (await import('./commands/jobs.ts')).whyJob,
  },
  {
    path: ['jobs', 'log'],
    summary: 'What the build of a job wrote.',
    args: [JOB],
    options: [{ long: 'follow', short: 'f', summary: 'go on until the job ends' }],
    load: async () => (await import('./commands/job-log.ts')).showLog,
  },
  {
    path: ['jobs', 'restart'],
    summary: 'Try a job once more.',
    args: [JOB],
    options: [],
    load: async () => (await import('./commands/jobs.ts')).restartJob,
  },
  {
    path: ['jobs', 'cancel'],
    summary: 'Cancel a job.',
    args: [JOB],
    options: [],
    load: async () => (await import('./commands/jobs.ts')).cancelJob,
  },
  {
    path: ['jobs', 'bump'],
    summary: 'Build a job, and what it needs, before everything else.',
    args: [JOB],
    options: [],
    load: async () => (await import('./commands/jobs.ts')).bumpJob,
  },
  {
    path: ['builders', 'list'],
    summary: 'Builders, how they are and what they build.',
    args: [],
    options: [],
    load: async () => (await import('./commands/builders.ts')).listBuilders,
  },
  {
    path: ['builders', 'show'],
    summary: 'One builder.',
    args: [BUILDER],
    options: [],
    load: async () => (await import('./commands/builders.ts')).showBuilder,
  },
  {
    path: ['builders', 'invite'],
    summary: 'Let a new builder in: prints the line to run on its host.',
    args: [{ name: 'name', summary: 'what it will be called' }],
    options: [
      { long: 'valid-hours', value: 'hours', summary: 'how long it may take to join; 24 if left out' },
    ],
    load: async () => (await import('./commands/builder-changes.ts')).inviteBuilder,
  },
  {
    path: ['builders', 'drain'],
    summary: 'Let a builder finish what it has, and give it nothing new.',
    args: [BUILDER],
    options: [],
    load: async () => (await import('./commands/builder-changes.ts')).drainBuilder,
  },
  {
    path: ['builders', 'resume'],
    summary: 'Give a drained builder work again.',
    args: [BUILDER],
    options: [],
    load: async () => (await import('./commands/builder-changes.ts')).resumeBuilder,
  },
  {
    path: ['builders', 'rename'],
    summary: 'Give a builder another name.',
    args: [BUILDER, { name: 'new-name', summary: 'a name that no builder has' }],
    options: [],
    load: async () => (await import('./commands/builder-changes.ts')).renameBuilder,
  },
  {
    path: ['builders', 'revoke'],
    summary: 'Shut a builder out: its key opens nothing any more.',
    args: [BUILDER],
    options: [],
    load: async () => (await import('./commands/builder-changes.ts')).revokeBuilder,
  },
  {
    path: ['builders', 'unrevoke'],
    summary: 'Let a revoked builder in again.',
    args: [BUILDER],
    options: [],
    load: async () => (await import('./commands/builder-changes.ts')).unrevokeBuilder,
  },
  {
    path: ['builders', 'remove'],
    summary: 'Forget a builder and free its name.',
    args: [BUILDER],
    options: [],
    load: async () => (await import('./commands/builder-changes.ts')).removeBuilder,
  },
  {
    path: ['repos', 'list'],
    summary: 'Repositories and their newest evaluation.',
    args: [],
    options: [],
    load: async () => (await import('./commands/repos.ts')).listRepositories,
  },
  {
    path: ['hooks', 'list'],
    summary: 'Hooks at forges: how they are, and when they last delivered something.',
    args: [],
    options: [],
    load: async () => (await import('./commands/hooks.ts')).listHooks,
  },
  {
    path: ['hooks', 'check'],
    summary: 'Ask the forge now whether hooks are as wanted.',
    args: [{ ...HOOK, summary: `${HOOK.summary}; all if left out`, isOptional: true }],
    options: [],
    load: async () => (await import('./commands/hooks.ts')).checkHooks,
  },
  {
    path: ['hooks', 'repair'],
    summary: 'Install hooks anew.',
    args: [{ ...HOOK, summary: `${HOOK.summary}; all if left out`, isOptional: true }],
    options: [],
    load: async () => (await import('./commands/hooks.ts')).repairHooks,
  },
  {
    path: ['hooks', 'rotate'],
    summary: 'Give a hook another secret, and install it.',
    args: [HOOK],
    options: [],
    load: async () => (await import('./commands/hooks.ts')).rotateHook,
  },
  {
    path: ['forges', 'list'],
    summary: 'Forges: whether they take our credential, and what they are still to be told.',
    args: [],
    options: [],
    load: async () => (await import('./commands/forges.ts')).listForges,
  },
  {
    path: ['forges', 'resume'],
    summary: 'Try the credential of a forge now, and go on if it works.',
    args: [{ name: 'name', summary: 'the name of a forge' }],
    options: [],
    load: async () => (await import('./commands/forges.ts')).resumeForge,
  },
  {
    path: ['tokens', 'create'],
    summary: 'Make a token of the API, and print it this once.',
    args: [{ name: 'name', summary: 'what the log will call whoever uses it' }],
    options: [
      {
        long: 'may',
        value: 'rights',
        summary: `what it may, with commas between: ${TOKEN_RIGHTS.join(', ')}; any of them lets it read`,
      },
      {
        long: 'repos',
        value: 'glob',
        summary: 'for these only: forge/owner/name, or a pattern such as forge/owner/*; all if left out',
      },
      {
        long: 'expires-days',
        value: 'days',
        summary: 'works for so long; until it is revoked if left out',
      },
    ],
    load: async () => (await import('./commands/tokens.ts')).createToken,
  },
  {
    path: ['tokens', 'list'],
    summary: 'Tokens of the API: what they may, and when they were last used.',
    args: [],
    options: [],
    load: async () => (await import('./commands/tokens.ts')).listTokens,
  },
  {
    path: ['tokens', 'revoke'],
    summary: 'Revoke a token: it opens nothing any more, at once.',
    args: [{ name: 'name', summary: 'the name of a token' }],
    options: [],
    load: async () => (await import('./commands/tokens.ts')).revokeToken,
  },
  {
    path: ['completion'],
    summary: 'Print a completion script for a shell.',
    args: [{ name: 'shell', summary: 'bash, zsh or fish', choices: SHELLS }],
    options: [],
    load: async () =>
      (await import('./commands/completion.ts')).completionOf({
        commands: COMMANDS,
        groups: GROUPS,
        globals: GLOBAL_OPTIONS,
      }),
  },
];

/** `evals` of `evals list`. */
export const GROUPS: Readonly<Record<string, string>> = {
  evals: 'Evaluations.',
  jobs: 'Jobs of evaluations.',
  builders: 'Builders: this host and those that joined.',
  repos: 'Repositories.',
  hooks: 'Hooks at forges, by which they tell of pushes.',
  forges: 'Forges.',
  tokens: 'Tokens of the API.',
};
