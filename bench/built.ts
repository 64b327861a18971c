/** The programs as they are deployed: compiled, with the flags of their start scripts. `bench/run` has built them. */
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

export interface BuiltProgram {
  readonly command: string;
  /** Before the arguments of a call. */
  readonly args: readonly string[];
}

export function builtProgram(name: 'coordinator' | 'builder-agent' | 'ctl'): BuiltProgram {
  return {
    command: process.execPath,
    args: ['--max-semi-space-size=16', join(ROOT, name, 'dist/main.js')],
  };
}
