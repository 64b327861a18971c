/**
 * What differs between Gitea and Forgejo (Codeberg is one). Forgejo began as Gitea and kept its API; what it has of its
 * own is about hooks alone: a type, whose deliveries name a deleted branch in full (`refs/heads/…`), and headers of its
 * name, besides those of Gitea, with either type.
 */
import type { DeliveryHeaders } from '../../../ports/forge-deliveries.ts';
import { deliveryHeader } from '../delivery-header.ts';

/** The types of hooks that send what we read; the others are for chat programs. */
const READABLE_TYPES: readonly string[] = ['forgejo', 'gitea'];

/** Forgejo takes it too, so nobody has to find out which of both a server is; Gitea refuses `forgejo`. */
export const HOOK_TYPE = 'gitea';

export function isReadableType(type: string): boolean {
  return READABLE_TYPES.includes(type);
}

/** `X-Forgejo-Event` or `X-Gitea-Event`, whichever is there. */
export function giteaHeader(headers: DeliveryHeaders, name: string): string | undefined {
  return [`x-forgejo-${name}`, `x-gitea-${name}`]
    .map((full) => deliveryHeader(headers, full))
    .find((value) => value !== undefined && value !== '');
}
