/** Where GitLab's API is, and how a project is named in it: by its whole path, as one part. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { ForgeHttp } from '../forge-http.ts';

export interface GitLabApi {
  /** As it is called in the configuration. */
  readonly name: string;
  readonly http: ForgeHttp;
}

export function projectPath(slug: RepositorySlug): string {
  return `/projects/${encodeURIComponent(slug)}`;
}
