/** What a token may, of the repositories that it is for. Any right lets it read; `admin` is all of them, and bumping. */
export const TOKEN_RIGHTS = ['read', 'trigger', 'restart', 'cancel', 'approve', 'admin'] as const;
export type TokenRight = (typeof TOKEN_RIGHTS)[number];
