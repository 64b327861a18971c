/**
 * A forge as the coordinator meets it in an end-to-end test: the API of a stand-in that judges every request, and git
 * over HTTP with credentials, at one address that can go away and come back; and a hand that delivers what happened
 * there to the hooks that were installed, signed as that forge signs.
 */
import { createHmac, randomUUID } from 'node:crypto';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import type { DeliveryHeaders } from '../../../coordinator/src/ports/forge-deliveries.ts';
import type { ForgeStandIn, StandInRequest } from '../../../coordinator/test/forges/forge-subject.ts';
import type { GitAccount } from '../../../coordinator/test/git-server.ts';

export interface Push {
  readonly slug: RepositorySlug;
  readonly ref: string;
  readonly before: Sha;
  readonly after: Sha;
  readonly by: string;
}

export interface RequestNews {
  readonly slug: RepositorySlug;
  readonly request: StandInRequest;
  readonly action: 'opened' | 'pushed' | 'closed';
  readonly by: string;
}

/** One kind of forge, not at an address yet. */
export interface ForgeInTest {
  readonly kind: 'github' | 'gitlab' | 'forgejo';
  readonly standIn: ForgeStandIn;
  /** What of the configuration says who we are; files are written below `dir`. */
  settings(dir: string): Promise<Readonly<Record<string, unknown>>>;
  /** Who may clone, as of now. */
  accounts(): readonly GitAccount[];
  /** The credential of the configuration stops working. */
  revoke(): void;
  /** A new one works, and stands in the file. */
  renew(dir: string): Promise<void>;
  readonly headRef: (number: number) => string;
  readonly mergeRef: ((number: number) => string) | null;
  /** The path of the one hook for everything; null where each repository has its own. */
  appHook(): { readonly url: string; readonly secret: string } | null;
  push(push: Push): Told;
  request(news: RequestNews): Told;
  sign(body: Buffer, secret: string): DeliveryHeaders;
  /** The words for a line that tells success, failure, and what waits. */
  readonly words: { readonly success: string; readonly failure: string; readonly pending: string };
}

export interface Told {
  readonly event: string;
  readonly payload: unknown;
}

export function hmacHeader(name: string, prefix: string, body: Buffer, secret: string): DeliveryHeaders {
  return { [name]: `${prefix}${createHmac('sha256', secret).update(body).digest('hex')}` };
}

export function newUid(): string {
  return randomUUID();
}
