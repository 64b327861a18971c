/**
 * What git said, read once: which of our conditions it is, and the sentence for the person who has to do something.
 * What a server says is a stranger's text: bounded, one line, without control characters, and never with a secret.
 */
import { AppError } from '@argunix/shared/kit/app-error';
import type { Access } from './access.ts';
import { shownUrl } from './repository-url.ts';

const MAX_REASON = 300;
// Longer than any address that git repeats. A server may send a line of a megabyte, and a pattern that begins anew at
// each letter of it would take minutes.
const MAX_LINE = 4_000;

/** Trouble at the other side, most telling first. The sentence is about what to look at, git's own words follow it. */
const REMOTE: readonly (readonly [RegExp, string])[] = [
  [
    /could not resolve (?:host|proxy)|name or service not known|temporary failure in name/i,
    'its host name is not known',
  ],
  [/transport '[^']*' not allowed/i, 'its transport is not allowed here'],
  [/certificate|\b(?:gnu|open)?(?:ssl|tls)/i, 'the TLS connection is not trusted or broke'],
  [
    /host identification has changed/i,
    'its SSH host key is not the one that was seen first; if it was given a new one, take its line out of mirrors/.home/known_hosts in the state directory',
  ],
  [
    /unprotected private key|bad permissions/i,
    'ssh takes no private key that others may read: give its file mode 0600',
  ],
  [/host key verification failed/i, 'its SSH host key is not in known_hosts of the user that runs argunix'],
  [
    /authentication failed|could not read (?:username|password)|terminal prompts disabled|permission denied|error: 40[13]|access denied|invalid credentials/i,
    'it asks for other credentials (token_path names the file with the token, clone.ssh_key_path that with a key)',
  ],
  [/connection refused|couldn't connect|failed to connect/i, 'nothing answers there'],
  [/timed? ?out|too slow|no route|unreachable|connection (?:reset|closed)/i, 'it does not answer'],
  [/missing object|object does not exist/i, 'an object was never pushed there (git lfs push)'],
  [
    /not found|does not (?:exist|appear to be a git)|no such file|repository .*not|not a git repository/i,
    'there is no repository',
  ],
  [
    /bad line length|protocol|unexpected|not valid: is this|hung up|early eof|rpc failed/i,
    'it does not speak git',
  ],
];

// Of our mirror, not of the server: what the server says has "remote:" in front of each line.
const BROKEN =
  /not a git repository|bad (?:config|object|tree|ref|signature)|corrupt|unable to (?:read|unpack|parse)|could not (?:read|parse)|invalid (?:object|index|sha1|config|gitfile)|missing (?:blob|tree|commit|object)|does not match index|mismatched algorithms|hash mismatch|object file .* is empty|did not send all necessary|unknown repository extension|inflate|unresolved deltas|packfile/i;
const HOST =
  /no space left|disk quota|read-only file system|cannot allocate|out of memory|too many open files/i;

export type FetchTrouble =
  /** The server looked, and does not have it. */
  | 'missing'
  /** The server gives out what a ref names, and nothing else. */
  | 'unadvertised'
  | 'no-commit'
  | 'broken-mirror'
  | 'other';

export function judgeFetch(stderr: string): FetchTrouble {
  const ours = ownLines(stderr);
  if (/not our ref|couldn't find remote ref/i.test(ours)) {
    return /couldn't find remote ref/i.test(ours) ? 'unadvertised' : 'missing';
  }
  if (/unadvertised object|no such remote ref|not advertised/i.test(ours)) {
    return 'unadvertised';
  }
  if (/non-commit object/i.test(ours)) {
    return 'no-commit';
  }
  return isBrokenMirror(stderr) ? 'broken-mirror' : 'other';
}

export function isBrokenMirror(stderr: string): boolean {
  const ours = ownLines(stderr);
  return BROKEN.test(ours) && !HOST.test(ours);
}

export function unreachable(access: Access, stderr: string, what = ''): AppError {
  const words = withoutNames(stderr);
  const reason = REMOTE.find(([pattern]) => pattern.test(words))?.[1] ?? 'git could not read from it';
  return HOST.test(ownLines(stderr))
    ? failed('this host could not take what git fetched', stderr, access.secrets)
    : new AppError(
        'git.unreachable',
        `${what}${shownUrl(access.url.text)}: ${reason}. Git said: ${gitWords(stderr, access.secrets)}`,
        { url: shownUrl(access.url.text) },
      );
}

export function failed(what: string, stderr: string, secrets: readonly string[] = []): AppError {
  return new AppError('git.failed', `${what}. Git said: ${gitWords(stderr, secrets)}`);
}

/** The lines that tell, as one. */
export function gitWords(stderr: string, secrets: readonly string[] = []): string {
  let text = withShortLines(stderr)
    // oxlint-disable-next-line no-control-regex -- escape sequences and control characters are what this takes out
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b./g, '')
    .split(/[\r\n]+/)
    .filter((line) => /^(?:fatal|error|remote|warning|ssh|batch response)?\b.*\S/i.test(line))
    .filter((line) => !/^(?:hint|warning):|^Please make sure|^and the repository exists/i.test(line))
    .slice(-4)
    .map((line) => line.trim())
    .join(' ')
    // oxlint-disable-next-line no-control-regex -- see above
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ');
  for (const secret of secrets) {
    text = text.replaceAll(secret, '***').replaceAll(encodeURIComponent(secret), '***');
  }
  text = text.replace(/(?<![a-z0-9+.-])([a-z0-9+.-]+:\/\/)[^/@\s']*@/gi, '$1');
  if (text === '') {
    return 'nothing.';
  }
  return text.length > MAX_REASON ? `${text.slice(0, MAX_REASON)}…` : text;
}

/** Without fingerprints, addresses, hosts and paths: those are spelled by chance or by strangers, and tell no trouble. */
function withoutNames(stderr: string): string {
  return withShortLines(stderr).replace(
    /\b(?:SHA256|MD5):[\w+/=:]+|(?<![\w+.-])[\w+.-]+:\/\/[^\s']+|(?<![\w.-])[\w-]+(?:\.[\w-]+)+|(?<!\w)\/[^\s':]*/g,
    '',
  );
}

function withShortLines(text: string): string {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.slice(0, MAX_LINE))
    .join('\n');
}

/** Without what the server said, and what git says about any server that it could not talk to. */
function ownLines(stderr: string): string {
  return withShortLines(stderr)
    .split('\n')
    .filter(
      (line) =>
        !/^remote:|could not read (?:from remote|username|password)|does not appear to be a git/i.test(line),
    )
    .join('\n');
}
