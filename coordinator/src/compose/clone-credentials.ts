/** Who git is to a server: what a file holds, or what a forge of the configuration says at each use. */
import { AppError } from '@argunix/shared/kit/app-error';
import type { Secret } from '@argunix/shared/kit/secret';
import type { CloneCredential, Forge } from '../ports/forge.ts';
import type { SourceCredential } from '../ports/source-checkout.ts';

interface CredentialSources {
  readonly readSecret: (path: string) => Promise<Secret>;
  /** By name, as of now. */
  readonly forgeOf: (name: string) => Pick<Forge, 'cloneCredential'> | undefined;
}

export function createCloneCredentials({ readSecret, forgeOf }: CredentialSources) {
  return async (
    credential: Exclude<SourceCredential, { kind: 'ssh_key' }>,
    signal: AbortSignal,
  ): Promise<CloneCredential> => {
    if (credential.kind === 'file') {
      // Servers that take a token take any name with it.
      return { username: 'argunix', password: await readSecret(credential.path) };
    }
    const forge = forgeOf(credential.forge);
    if (forge === undefined) {
      throw new AppError('git.refused', `forge ${credential.forge} is not in the configuration any more`);
    }
    return await forge.cloneCredential(credential.slug, signal);
  };
}
