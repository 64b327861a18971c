import { startHere } from './start-program.ts';
import { describePrograms } from './testing/describe-programs.ts';

describePrograms('this process', () => Promise.resolve({ start: startHere, stop: () => Promise.resolve() }));
