import ssh2 from 'ssh2';

/**
 * An ed25519 key in OpenSSH's format. Of four hundred that ssh2 makes, one is not of the form that ssh2 reads (1.17): it
 * is made again, for a key that cannot be read would be kept for ever.
 */
export function makeKey(comment: string): string {
  for (;;) {
    const { private: made } = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    if (!(ssh2.utils.parseKey(made) instanceof Error)) {
      return made;
    }
  }
}
