/** Of this program, as `--version` and the coordinator tell it. */
export const VERSION = '0.1.0';
