/** What tables say of builders. */
import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import { sizeText } from '@argunix/shared/domain/size-text';
import type { Cell, Column } from './table.ts';
import { formatAge } from './times.ts';

export function builderState({ state, paused }: BuilderView): Cell {
  switch (state) {
    case 'ready':
      return { text: state, look: 'good' };
    case 'paused':
      return { text: paused === null ? state : `${state} (${paused.why})`, look: 'busy' };
    case 'quarantined':
    case 'revoked':
      return { text: state, look: 'bad' };
    case 'absent':
      return { text: state, look: 'plain' };
  }
}

/** Why it gets no work, where it gets none. */
export function builderRemark(builder: BuilderView, now: number): string {
  const {
    state,
    paused,
    quarantine,
    revoked_at: revokedAt,
    drained_at: drainedAt,
    loss_reason: loss,
  } = builder;
  switch (state) {
    case 'ready':
      return '';
    case 'paused':
      return paused?.reason ?? '';
    case 'quarantined':
      return quarantine?.reason ?? '';
    case 'revoked':
      return `revoked ${formatAge(revokedAt, now)}`;
    case 'absent':
      return [
        builder.absent_since === null ? '' : `left ${formatAge(builder.absent_since, now)}`,
        loss ?? '',
        drainedAt === null ? '' : 'drained',
        builder.expected_offline ? 'its work waits for it' : '',
      ]
        .filter((part) => part !== '')
        .join('; ');
  }
}

export function builderColumns(now: number): readonly Column<BuilderView>[] {
  return [
    { title: 'BUILDER', cell: ({ name }) => name },
    { title: 'STATE', cell: builderState },
    { title: 'SLOTS', cell: ({ slots, slots_used: used }) => `${used}/${slots}` },
    { title: 'SYSTEMS', cell: ({ systems }) => systems.join(' ') },
    { title: 'NIX', cell: ({ nix_version: version }) => version ?? '' },
    {
      title: 'SANDBOX',
      cell: ({ sandboxed, systems }) => {
        if (systems.length === 0) {
          return '';
        }
        return sandboxed ? { text: 'on', look: 'good' } : { text: 'off', look: 'bad' };
      },
    },
    { title: 'LOAD', cell: ({ stats }) => (stats === null ? '' : stats.load_1.toFixed(2)) },
    { title: 'DISK FREE', cell: ({ stats }) => (stats === null ? '' : sizeText(stats.disk_free_bytes)) },
    {
      title: 'BUILDS',
      cell: ({ current, internal_steps: steps }) => {
        const names = [...current.map(({ attr }) => attr), ...steps.map(({ name }) => name)];
        const [first] = names;
        return first === undefined || names.length === 1 ? (first ?? '') : `${first} +${names.length - 1}`;
      },
    },
    { title: 'REMARK', cell: (builder) => builderRemark(builder, now) },
  ];
}
