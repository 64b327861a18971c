import type { Secret } from '@argunix/shared/kit/secret';

/** What GitHub wants to see on every request; the version is the oldest that every Enterprise Server in support knows. */
export function headersFor(bearer: Secret): Readonly<Record<string, string>> {
  return {
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
    authorization: `Bearer ${bearer.reveal()}`,
  };
}
