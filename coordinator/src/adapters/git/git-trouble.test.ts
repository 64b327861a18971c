import { expect, test } from 'vitest';
import { anonymousAccess } from './access.ts';
import { unreachable } from './git-trouble.ts';

const access = anonymousAccess({ text: 'https://tls.example/ssl-tools/openssl.git', transport: 'https' });

test.each([
  [
    'a fingerprint that happens to spell another trouble',
    [
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
      'SHA256:q0tLsV/ssl+TLS8vF2hJq0uYw3mXo5cK1aZ9rB4eNgI.',
      'Host key verification failed.',
    ],
    'its SSH host key is not the one that was seen first',
  ],
  [
    'a path that names one',
    ['Offending key in /var/lib/ssl/known_hosts:1', 'Host key verification failed.'],
    'its SSH host key is not in known_hosts',
  ],
  [
    'an address that names one',
    ["fatal: repository 'https://tls.example/ssl-tools/openssl.git/' not found"],
    'there is no repository',
  ],
  [
    'a host that names one',
    ['fatal: unable to connect to tls.example: tls.example[0: 192.0.2.1]: errno=Connection refused'],
    'nothing answers there',
  ],
  [
    'TLS of GnuTLS',
    ["fatal: unable to access 'https://a.example/b/': gnutls_handshake() failed: Handshake failed"],
    'the TLS connection is not trusted or broke',
  ],
  [
    'TLS of OpenSSL',
    ["fatal: unable to access 'https://a.example/b/': OpenSSL SSL_connect: Connection reset by peer"],
    'the TLS connection is not trusted or broke',
  ],
  [
    'a certificate',
    ["fatal: unable to access 'https://a.example/b/': server certificate verification failed. CAfile: none"],
    'the TLS connection is not trusted or broke',
  ],
  [
    'a transport that is not let in',
    ["fatal: transport 'file' not allowed"],
    'its transport is not allowed here',
  ],
])('the trouble is read from what git says of it: %s', (_what, stderr, sentence) => {
  expect(unreachable(access, stderr.join('\n')).message).toContain(`: ${sentence}`);
});

test.each(['a', 'a-', 'a.', 'repository ', 'https://a@'])(
  'a server that sends %j without end is answered at once, not after minutes',
  (piece) => {
    const { message } = unreachable(access, `remote: ${piece.repeat(200_000)}\nfatal: early EOF`);

    expect(message).toContain('it does not speak git');
    expect(message.length).toBeLessThan(1_000);
  },
);

test('a password in an address is never told, however the address is spelled', () => {
  const { message } = unreachable(
    access,
    "fatal: x: 'HTTPS://me:hunter2@a.example/b' and 1x://me:hunter2@c/d",
  );

  expect(message).not.toContain('hunter2');
});
