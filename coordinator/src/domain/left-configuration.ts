/** Why work ends whose repository nobody watches any more. */
export const LEFT_CONFIGURATION = 'Its repository is not in the configuration any more.';
