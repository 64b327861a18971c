import { z } from 'zod';

/** One sentence, or the lists of them that GitHub and GitLab give where several fields are wrong. */
const Sentence = z.string().or(z.object({ message: z.string() }).transform(({ message }) => message));
const Sentences = z
  .union([
    Sentence.transform((one) => [one]),
    z.array(Sentence),
    z
      .record(z.string(), z.union([Sentence.transform((one) => [one]), z.array(Sentence)]))
      .transform((fields) =>
        Object.entries(fields).map(([field, sentences]) => `${field} ${sentences.join(', ')}`),
      ),
  ])
  .catch([]);
const Said = z
  .object({ message: Sentences, errors: Sentences })
  .transform(({ message, errors }) => ({ message: message.join(', '), errors }))
  .catch({ message: '', errors: [] });

/** What a forge says went wrong, without control characters and not much of it: it comes from outside. */
export function said(body: unknown): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this takes out
  const plain = messageIn(body).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return plain.trim() === '' ? '' : `: ${plain.trim().slice(0, 200)}`;
}

export function messageIn(body: unknown): string {
  if (typeof body === 'string') {
    return body;
  }
  const { message, errors } = Said.parse(body);
  return [message, ...errors].filter((part) => part !== '').join('; ');
}
