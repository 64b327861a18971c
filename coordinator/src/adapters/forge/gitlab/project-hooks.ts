/** The hooks of a project. Secrets cannot be read: whether ours has the right one shows only by what it delivers. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { z } from 'zod';
import type { ForgeHooks, FoundHook, WantedHook } from '../../../ports/forge-hooks.ts';
import type { ForgeAnswer, ForgeRequest } from '../forge-http.ts';
import { readPages } from '../pages.ts';
import { readAnswer } from '../read-answer.ts';
import { WireNumber } from '../wire-values.ts';
import { type GitLabApi, projectPath } from './gitlab-api.ts';

const NEEDS = 'the token needs the scope api, and its user the role Maintainer in the project';

const Hook = z.object({
  id: WireNumber,
  url: z.string(),
  push_events: z.boolean(),
  tag_push_events: z.boolean(),
  merge_requests_events: z.boolean(),
  enable_ssl_verification: z.boolean(),
  push_events_branch_filter: z.string().nullish(),
  /** Rewrites the body to what we cannot read. */
  custom_webhook_template: z.string().nullish(),
  /** `disabled` and `temporarily_disabled` are what GitLab does to a hook whose deliveries failed. */
  alert_status: z.string().nullish(),
  token_present: z.boolean().nullish(),
  /** Never set by us, and then its deliveries are signed with a token that we do not have. */
  signing_token_present: z.boolean().nullish(),
});
type Hook = z.infer<typeof Hook>;

export function createProjectHooks({ name, http }: GitLabApi): ForgeHooks {
  async function send(request: Omit<ForgeRequest, 'needs'>): Promise<ForgeAnswer> {
    return await http.send({ ...request, needs: NEEDS });
  }
  async function create(slug: RepositorySlug, wanted: WantedHook, signal: AbortSignal): Promise<string> {
    const path = hooksPath(slug);
    const answer = await send({ method: 'POST', path, body: toBody(wanted), signal });
    return String(readAnswer(name, 'a hook', Hook, answer).id);
  }
  async function remove(slug: RepositorySlug, id: string, signal: AbortSignal): Promise<void> {
    await send({ method: 'DELETE', path: hookPath(slug, id), answers: [404], signal });
  }

  return {
    list: async (slug, signal) =>
      await readPages(
        send,
        { method: 'GET', path: hooksPath(slug), query: { per_page: 100 }, signal },
        (answer) => readAnswer(name, 'a list of hooks', z.array(Hook), answer).map(toFound),
      ),
    create,
    /** What a change does not mend (a hook that GitLab switched off, a signing token), a new hook does not have. */
    async replace(slug, id, wanted, signal) {
      const path = hookPath(slug, id);
      const answer = await send({ method: 'PUT', path, body: toBody(wanted), answers: [404], signal });
      if (answer.status === 404) {
        return await create(slug, wanted, signal);
      }
      const changed = toFound(readAnswer(name, 'a hook', Hook, answer));
      if (changed.isComplete && changed.url === wanted.url) {
        return changed.id;
      }
      const newId = await create(slug, wanted, signal);
      await remove(slug, id, signal);
      return newId;
    },
    remove,
  };
}

function hooksPath(slug: RepositorySlug): string {
  return `${projectPath(slug)}/hooks`;
}

function hookPath(slug: RepositorySlug, id: string): string {
  return `${hooksPath(slug)}/${encodeURIComponent(id)}`;
}

function toBody({ url, secret }: WantedHook): Readonly<Record<string, unknown>> {
  return {
    url,
    token: secret.reveal(),
    push_events: true,
    tag_push_events: true,
    merge_requests_events: true,
    enable_ssl_verification: true,
    push_events_branch_filter: '',
    custom_webhook_template: '',
  };
}

function toFound(hook: Hook): FoundHook {
  const differences = [
    ...(hook.push_events ? [] : ['it does not send pushes']),
    ...(hook.tag_push_events ? [] : ['it does not send pushes of tags']),
    ...(hook.merge_requests_events ? [] : ['it does not send merge requests']),
    ...(hook.enable_ssl_verification ? [] : ['it does not check the certificate']),
    ...((hook.push_events_branch_filter ?? '') === '' ? [] : ['it sends pushes to some branches only']),
    ...((hook.custom_webhook_template ?? '') === '' ? [] : ['it rewrites what it sends']),
    ...((hook.alert_status ?? 'executable') === 'executable'
      ? []
      : ['GitLab switched it off after failures']),
    ...(hook.token_present === false ? ['it has no secret token'] : []),
    ...(hook.signing_token_present === true ? ['it signs with a token that is not ours'] : []),
  ];
  return { id: String(hook.id), url: hook.url, isComplete: differences.length === 0, differences };
}
