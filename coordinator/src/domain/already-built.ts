/** Why a job is `cached`, behind the name of its derivation. */
export const ALREADY_BUILT = ' was built before; nothing was to be done.';
