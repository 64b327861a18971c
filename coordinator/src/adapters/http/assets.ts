/**
 * The style, the scripts and the icon, read once at start and served under a URL that names their content, so that a
 * browser may keep them for ever. They lie in coordinator/assets, which is as far from src as from dist.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { nothingHere } from './app.ts';

const FILES = {
  'style.css': 'text/css; charset=utf-8',
  'follow-page.js': 'text/javascript; charset=utf-8',
  'follow-log.js': 'text/javascript; charset=utf-8',
  'sgr.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml; charset=utf-8',
} as const satisfies Record<string, string>;

export type AssetName = keyof typeof FILES;

export interface Assets {
  url(name: AssetName): string;
  find(digest: string, name: string): { readonly body: Buffer; readonly contentType: string } | undefined;
}

/** One digest for all of them: the scripts import each other by relative paths. */
export function loadAssets(): Assets {
  const folder = new URL('../../../assets/', import.meta.url);
  const names = Object.keys(FILES).filter((name) => name in FILES) as AssetName[];
  const bodies = new Map<string, Buffer>(names.map((name) => [name, readFileSync(new URL(name, folder))]));
  const hash = createHash('sha256');
  for (const body of bodies.values()) {
    hash.update(body);
  }
  const current = hash.digest('hex').slice(0, 16);
  return {
    url: (name) => `/assets/${current}/${name}`,
    find(digest, name) {
      const body = digest === current ? bodies.get(name) : undefined;
      return body === undefined ? undefined : { body, contentType: FILES[name as AssetName] };
    },
  };
}

export function addAssetRoutes(app: FastifyInstance, assets: Assets): void {
  app.get<{ Params: { digest: string; name: string } }>('/assets/:digest/:name', (request, reply) => {
    const asset = assets.find(request.params.digest, request.params.name);
    if (asset === undefined) {
      throw nothingHere();
    }
    return reply
      .header('cache-control', 'public, max-age=31536000, immutable')
      .type(asset.contentType)
      .send(asset.body);
  });
  app.get('/favicon.ico', (_request, reply) => reply.redirect(assets.url('icon.svg'), 302));
}
