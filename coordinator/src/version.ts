/** Of this program, as pages, the API and `--version` tell it. */
export const VERSION = '0.1.0';
