/** Answers in the shapes that were recorded, with what the stand-in keeps put in. */
import type { StandInMerge, StandInRequest } from '../forge-subject.ts';
import { exampleAnswer, part, recordedDelivery } from './recorded.ts';
import type { KeptHook, KeptRepository, KeptRun } from './state.ts';

type Body = Readonly<Record<string, unknown>>;

const opened = recordedDelivery('pull_request', (payload) => payload['action'] === 'opened');
const REPOSITORY = part(opened, 'repository');
const PULL = part(opened, 'pull_request');

export function repositoryBody({ facts }: KeptRepository, webUrl: string): Body {
  const [owner, name] = facts.slug.split('/');
  return {
    ...REPOSITORY,
    name,
    full_name: facts.slug,
    owner: { ...part(REPOSITORY, 'owner'), login: owner },
    private: facts.isPrivate,
    default_branch: facts.defaultBranch,
    html_url: `${webUrl}/${facts.slug}`,
    // Deliveries leave these out.
    network_count: 0,
    subscribers_count: 0,
    has_discussions: false,
  };
}

export function pullBody(repository: KeptRepository, request: StandInRequest, merge: StandInMerge): Body {
  const { facts } = repository;
  const isMerged = typeof merge === 'object';
  const mergeable = merge === 'working' ? null : isMerged;
  return {
    ...PULL,
    number: request.number,
    state: request.isOpen ? 'open' : 'closed',
    draft: request.isDraft,
    user: { ...part(PULL, 'user'), login: request.author },
    head: {
      ...part(PULL, 'head'),
      ref: request.headName,
      sha: request.headSha,
      label: `someone:${request.headName}`,
      repo: request.headSlug === null ? null : { ...REPOSITORY, full_name: request.headSlug },
    },
    base: {
      ...part(PULL, 'base'),
      ref: request.baseName,
      repo: { ...REPOSITORY, full_name: facts.slug },
    },
    mergeable,
    // Younger than the recording.
    auto_merge: null,
    // While it is worked out GitHub still shows the merge of the head before.
    merge_commit_sha: isMerged ? merge.sha : 'e'.repeat(40),
  };
}

export function hookBody({ id, active, events, config }: KeptHook): Body {
  return {
    ...exampleAnswer('POST /repos/{owner}/{repo}/hooks'),
    id,
    active,
    events,
    config: { ...config, ...('secret' in config ? { secret: '********' } : {}) },
  };
}

export function runBody({ id, sha, body }: KeptRun): Body {
  return {
    ...exampleAnswer('POST /repos/{owner}/{repo}/check-runs'),
    id,
    head_sha: sha,
    name: body['name'],
    status: body['status'],
    conclusion: body['conclusion'] ?? null,
    external_id: body['external_id'],
    details_url: body['details_url'],
  };
}
