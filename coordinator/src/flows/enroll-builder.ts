/**
 * Who may come in as a builder. A key that we know is enough. One that we do not know, and whose possession was proven,
 * needs a token: the shared one, or an invitation of its own, which is good once, for one name, for a while. From then
 * on the name belongs to the key.
 */

import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { Hello, Refusal, RefusalCode } from '@argunix/shared/protocol/hello';
import { parseInvitation } from '@argunix/shared/protocol/invitation';
import { PROTOCOL_VERSION } from '@argunix/shared/protocol/version';
import type { BuilderStore, EnrolledBuilder } from '../ports/builder-store.ts';
import type { EnrollmentSecrets } from '../ports/enrollment-secrets.ts';

export interface EnrollPorts {
  readonly builders: BuilderStore;
  readonly secrets: EnrollmentSecrets;
  /** Names of this host's own builders. */
  readonly ownBuilders: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** How someone whose key is proven may go on. */
export type Login = 'known' | 'needs_token' | 'token_good' | 'token_bad';

export type Admission =
  | { readonly kind: 'admitted'; readonly builder: EnrolledBuilder; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

type Proof = { readonly kind: 'token' } | { readonly kind: 'invitation'; readonly digest: string };

export async function judgeLogin(
  ports: EnrollPorts,
  publicKey: string,
  token: string | null,
): Promise<Login> {
  // A revoked one comes in too, to be told so and nothing else.
  if (ports.builders.byKey(publicKey) !== undefined) {
    return 'known';
  }
  if (token === null) {
    return 'needs_token';
  }
  return (await proofOf(ports, token)) === undefined ? 'token_bad' : 'token_good';
}

export async function admitBuilder(
  ports: EnrollPorts,
  publicKey: string,
  token: string | null,
  hello: Hello,
): Promise<Admission> {
  const { builders, clock, log } = ports;
  if (hello.version !== PROTOCOL_VERSION) {
    return refuse(
      'wrong-version',
      `This coordinator speaks version ${PROTOCOL_VERSION} of the builder protocol and the agent version ${hello.version}: bring the older of the two up to date.`,
    );
  }
  const known = builders.byKey(publicKey);
  if (known !== undefined) {
    return judgeKnown(known, hello);
  }
  const proof = token === null ? undefined : await proofOf(ports, token);
  if (proof === undefined) {
    return refuse('not-invited', 'This key is not known here any more, and it came without a token.');
  }
  const { name } = hello;
  if (ports.ownBuilders.includes(name) || builders.byName(name) !== undefined) {
    return refuse(
      'name-taken',
      `There is a builder ${name} with another key. Choose another --name, or free the name with: argunixctl builders remove ${name}`,
    );
  }
  if (!(await builders.enroll({ name, publicKey }, proof, clock.now()))) {
    return refuse(
      'not-invited',
      'The invitation is for another name, was used, or has expired. Make a new one with: argunixctl builders invite NAME',
    );
  }
  const builder = builders.byKey(publicKey);
  if (builder === undefined) {
    throw new Error(`builder ${name} is not there after it was enrolled`);
  }
  log.info({ builder: name, by: proof.kind }, 'a builder enrolled');
  return { kind: 'admitted', builder, isNew: true };
}

function judgeKnown(builder: EnrolledBuilder, { name }: Hello): Admission {
  if (builder.revokedAt !== null) {
    return refuse(
      'revoked',
      `Builder ${builder.name} was revoked. An operator lets it in again with: argunixctl builders unrevoke ${builder.name}`,
    );
  }
  return name === builder.name || name === builder.formerName
    ? { kind: 'admitted', builder, isNew: false }
    : refuse(
        'key-has-another-name',
        `This key belongs to builder ${builder.name}, not ${name}. Start the agent with --name ${builder.name}, or with another --state-dir for a key of its own.`,
      );
}

/** Undefined for a token that lets nobody in. */
async function proofOf(
  { builders, secrets, clock, log }: EnrollPorts,
  token: string,
): Promise<Proof | undefined> {
  // An agent gives the secret of its invitation alone; a person may paste all of it.
  const digest = secrets.digest(parseInvitation(token)?.secret ?? token);
  const invitation = builders.invitation(digest);
  if (invitation !== undefined) {
    const isGood = invitation.usedAt === null && invitation.expiresAt > clock.now();
    return isGood ? { kind: 'invitation', digest } : undefined;
  }
  const shared = await secrets.sharedToken().catch((error: unknown) => {
    log.error({ err: error }, 'the enrollment token could not be read');
    return null;
  });
  if (shared === null || !secrets.isSame(shared, token)) {
    return undefined;
  }
  if (builders.isSpent(secrets.digest(shared))) {
    log.warn({}, 'the shared enrollment token is refused: a revoked builder may know it; change its file');
    return undefined;
  }
  return { kind: 'token' };
}

function refuse(code: RefusalCode, reason: string): Admission {
  return { kind: 'refused', refusal: { code, reason } };
}
