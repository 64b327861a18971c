import { describe, expect, it } from 'vitest';
import { apiUrlOf } from './addresses.ts';

describe('apiUrlOf', () => {
  it.each([
    ['https://github.com', 'https://api.github.com'],
    ['https://github.com/', 'https://api.github.com'],
    ['https://www.github.com', 'https://api.github.com'],
    ['https://octocorp.ghe.com', 'https://api.octocorp.ghe.com'],
    ['https://git.example.com', 'https://git.example.com/api/v3'],
    ['https://git.example.com:8443/', 'https://git.example.com:8443/api/v3'],
    ['https://github.com.example.com', 'https://github.com.example.com/api/v3'],
    ['https://notgithub.com', 'https://notgithub.com/api/v3'],
  ])('%s is asked at %s', (webUrl, apiUrl) => {
    expect(apiUrlOf(webUrl)).toBe(apiUrl);
  });
});
