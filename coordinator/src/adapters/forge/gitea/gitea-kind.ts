/**
 * What differs between Gitea and Forgejo (Codeberg is one). Forgejo began as Gitea and kept its API; its hooks have a
 * type of their own, whose deliveries bear its own headers besides those of Gitea.
 */
import type { DeliveryHeaders } from '../../../ports/forge-deliveries.ts';
import { deliveryHeader } from '../delivery-header.ts';

export type GiteaKind = 'gitea' | 'forgejo';

/** Also the type of a hook that sends what we read; the other types are for chat programs. */
export const GITEA_KINDS: readonly GiteaKind[] = ['forgejo', 'gitea'];

/** `12.0.1+gitea-1.22.0` is Forgejo, which says with which Gitea it is compatible; `1.24.2` is Gitea. */
export function kindOfVersion(version: string): GiteaKind {
  return version.includes('+gitea-') ? 'forgejo' : 'gitea';
}

/** `X-Forgejo-Event` or `X-Gitea-Event`, whichever is there. */
export function giteaHeader(headers: DeliveryHeaders, name: string): string | undefined {
  for (const kind of GITEA_KINDS) {
    const value = deliveryHeader(headers, `x-${kind}-${name}`);
    if (value !== undefined && value !== '') {
      return value;
    }
  }
  return undefined;
}
