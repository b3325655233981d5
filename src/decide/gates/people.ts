import type { Reason } from '../../domain/reason.ts';
import type { Stops } from '../gate.ts';

/** Gates that people close. */

export function canceled(_sight: unknown, { canceled }: Stops): Reason | undefined {
  return canceled === undefined ? undefined : { kind: 'canceled', value: canceled };
}

export function hold(_sight: unknown, { holds }: Stops): Reason | undefined {
  const [first] = holds;
  if (first === undefined) return undefined;
  const { who, why, until } = first.hold;
  const end = until === undefined ? 'until it is lifted' : `until ${until}`;
  return { kind: 'hold', value: `${who} holds ${first.scope} ${end}: ${why}` };
}
