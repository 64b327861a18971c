import type { Contender, Subject } from '../domain/supersede.ts';

export interface ContenderStore {
  /** The evaluations of `subject` that live, and the one of its newest delivery, whatever became of that. */
  of(subject: Subject): readonly Contender[];
}
