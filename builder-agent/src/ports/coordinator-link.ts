import type { AgentMessageInput } from '@argunix/shared/protocol/agent-message';

/** What is said to the coordinator, in order; kept while it cannot be reached. */
export interface CoordinatorLink {
  send(message: AgentMessageInput): void;
  /** Whether it hears us now: news that are old by the time it does again need not be sent. */
  readonly isUp: boolean;
  readonly heartbeatMs: number;
}
