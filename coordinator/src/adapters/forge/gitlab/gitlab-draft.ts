/** Draft or not: newer GitLab says `draft`, older `work_in_progress`, the oldest only by the title. */
import { z } from 'zod';

export const DraftMarks = z.object({
  draft: z.boolean().optional().catch(undefined),
  work_in_progress: z.boolean().optional().catch(undefined),
  title: z.string().catch(''),
});
type DraftMarks = z.infer<typeof DraftMarks>;

export function isDraft({ draft, work_in_progress: isUnfinished, title }: DraftMarks): boolean {
  return draft ?? isUnfinished ?? isDraftTitle(title);
}

export function isDraftTitle(title: string): boolean {
  return /^\s*(?:\[(?:draft|wip)\]|\(draft\)|(?:draft|wip):)/i.test(title);
}
