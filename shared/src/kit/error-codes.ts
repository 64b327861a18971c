export interface ErrorTraits {
  /** What a stranger over HTTP gets. */
  readonly httpStatus: number;
  /** Trying the same again later may work. */
  readonly retry: boolean;
  /** What the process exits with when this ends it: 1 the input or the work, 2 usage, 3 cannot start. */
  readonly exitCode: 1 | 2 | 3;
  readonly publicMessage: string;
}

/** Every condition we foresee. docs/reference/errors.md is checked against this table. */
export const ERROR_CODES = {
  'config.invalid': {
    httpStatus: 500,
    retry: false,
    exitCode: 1,
    publicMessage: 'The configuration has mistakes.',
  },
  'secret.unreadable': {
    httpStatus: 500,
    retry: false,
    exitCode: 1,
    publicMessage: 'A secret of the configuration could not be read.',
  },
  'usage.invalid': {
    httpStatus: 400,
    retry: false,
    exitCode: 2,
    publicMessage: 'The request is not of the form asked for.',
  },
  'usage.too-large': {
    httpStatus: 413,
    retry: false,
    exitCode: 1,
    publicMessage: 'The request is larger than allowed.',
  },
  'not-found': { httpStatus: 404, retry: false, exitCode: 1, publicMessage: 'There is nothing here.' },
  'rate-limited': {
    httpStatus: 429,
    retry: true,
    exitCode: 1,
    publicMessage: 'Too many requests; try again in a moment.',
  },
  'not-ready': {
    httpStatus: 503,
    retry: true,
    exitCode: 1,
    publicMessage: 'Not ready yet; try again in a moment.',
  },
  unauthorized: { httpStatus: 401, retry: false, exitCode: 1, publicMessage: 'A token is needed.' },
  forbidden: { httpStatus: 403, retry: false, exitCode: 1, publicMessage: 'The token lacks the right.' },
  busy: {
    httpStatus: 503,
    retry: true,
    exitCode: 1,
    publicMessage: 'Too many are connected; try again in a moment.',
  },
  'state.refused': {
    httpStatus: 409,
    retry: false,
    exitCode: 1,
    publicMessage: 'That is not possible in the present state.',
  },
  'state-dir.unwritable': {
    httpStatus: 500,
    retry: false,
    exitCode: 3,
    publicMessage: 'The state directory cannot be written.',
  },
  'store.newer': {
    httpStatus: 500,
    retry: false,
    exitCode: 3,
    publicMessage: 'The database was written by a newer argunix.',
  },
  'store.locked': {
    httpStatus: 500,
    retry: false,
    exitCode: 3,
    publicMessage: 'Another coordinator uses this state directory.',
  },
  'store.failed': {
    httpStatus: 503,
    retry: true,
    exitCode: 1,
    publicMessage: 'The database could not be written.',
  },
  'agent.running': {
    httpStatus: 500,
    retry: false,
    exitCode: 3,
    publicMessage: 'Another builder agent uses this state directory.',
  },
  'listen.failed': {
    httpStatus: 500,
    retry: false,
    exitCode: 3,
    publicMessage: 'The address could not be listened on.',
  },
  'git.unreachable': {
    httpStatus: 502,
    retry: true,
    exitCode: 1,
    publicMessage: 'The git repository could not be reached.',
  },
  'git.missing-revision': {
    httpStatus: 409,
    retry: false,
    exitCode: 1,
    publicMessage: 'The revision is gone from its repository.',
  },
  'git.refused': {
    httpStatus: 409,
    retry: false,
    exitCode: 1,
    publicMessage: 'The revision asks for something that is not done.',
  },
  'git.failed': { httpStatus: 500, retry: true, exitCode: 1, publicMessage: 'Git failed.' },
  'forge.unauthorized': {
    httpStatus: 502,
    retry: true,
    exitCode: 1,
    publicMessage: 'The forge refused our credential.',
  },
  'forge.forbidden': {
    httpStatus: 502,
    retry: false,
    exitCode: 1,
    publicMessage: 'The credential at the forge lacks a right.',
  },
  'forge.rate-limited': {
    httpStatus: 503,
    retry: true,
    exitCode: 1,
    publicMessage: 'The forge asked us to wait.',
  },
  'forge.unreachable': {
    httpStatus: 502,
    retry: true,
    exitCode: 1,
    publicMessage: 'The forge could not be reached.',
  },
  'forge.failed': { httpStatus: 502, retry: true, exitCode: 1, publicMessage: 'The forge failed.' },
  'forge.refused': {
    httpStatus: 502,
    retry: false,
    exitCode: 1,
    publicMessage: 'The forge refused a request.',
  },
  'webhook.bad-signature': {
    httpStatus: 401,
    retry: false,
    exitCode: 1,
    publicMessage: 'The signature does not match.',
  },
  'webhook.malformed': {
    httpStatus: 400,
    retry: false,
    exitCode: 1,
    publicMessage: 'The delivery is not of the form expected.',
  },
  'nix.missing': {
    httpStatus: 500,
    retry: false,
    exitCode: 3,
    publicMessage: 'Nix 2.8 or newer is not installed.',
  },
  'nix.untrusted': {
    httpStatus: 500,
    retry: false,
    exitCode: 3,
    publicMessage: 'The Nix daemon does not trust the builder agent.',
  },
  'nix.failed': { httpStatus: 500, retry: true, exitCode: 1, publicMessage: 'Nix failed.' },
  'closure.refused': {
    httpStatus: 502,
    retry: false,
    exitCode: 1,
    publicMessage: 'A builder sent what it may not send.',
  },
  'closure.incomplete': {
    httpStatus: 500,
    retry: true,
    exitCode: 1,
    publicMessage: 'Something that is needed is in no store that can be reached.',
  },
  'closure.unsupported': {
    httpStatus: 500,
    retry: false,
    exitCode: 1,
    publicMessage: 'The derivation is of a kind that builders cannot be given.',
  },
  'closure.no-room': {
    httpStatus: 507,
    retry: true,
    exitCode: 1,
    publicMessage: 'There is no room for what a builder made.',
  },
  'closure.stalled': {
    httpStatus: 502,
    retry: true,
    exitCode: 1,
    publicMessage: 'A transfer from or to a builder came to a halt.',
  },
  'closure.broken': {
    httpStatus: 502,
    retry: true,
    exitCode: 1,
    publicMessage: 'A transfer from or to a builder broke off.',
  },
  'confinement.missing': {
    httpStatus: 500,
    retry: false,
    exitCode: 3,
    publicMessage: 'Evaluations cannot be confined on this host.',
  },
  'process.failed': { httpStatus: 500, retry: true, exitCode: 1, publicMessage: 'A program failed.' },
  'process.timed-out': {
    httpStatus: 500,
    retry: true,
    exitCode: 1,
    publicMessage: 'A program took too long.',
  },
  internal: {
    httpStatus: 500,
    retry: false,
    exitCode: 1,
    publicMessage: 'Something went wrong inside argunix.',
  },
} as const satisfies Record<string, ErrorTraits>;

export type ErrorCode = keyof typeof ERROR_CODES;
