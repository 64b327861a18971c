import type { Metrics } from '../../src/ports/metrics.ts';

export const silentMetrics: Metrics = {
  webhookReceived() {},
  forgeAsked() {},
  evaluationEnded() {},
  jobEnded() {},
  buildEnded() {},
  closureCarried() {},
  dispatchDecided() {},
};
