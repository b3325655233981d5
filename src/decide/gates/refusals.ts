import { epochMs } from '../../domain/instant.ts';
import { lastRefusalAnnotation, readLastRefusal } from '../../domain/mark.ts';
import type { Reason } from '../../domain/reason.ts';
import type { Scene, Sight } from '../gate.ts';

const dayMs = 24 * 60 * 60_000;

/**
 * A node whose restart was refused is not drained again and again for nothing; and where a right is
 * missing, no other node of the cluster either. As long as between two reboots, or until a person
 * has mended it and takes the note off.
 */
export function refusedBefore(
  { node, policy }: Sight,
  { now, refused }: Scene,
): Reason | undefined {
  for (const other of refused) {
    const note = readLastRefusal(other.annotations);
    if (other.name !== node.name && !isForAll(note)) continue;
    const clear = `remove the annotation ${lastRefusalAnnotation} from ${other.name} to allow it`;
    if (note.kind !== 'read') {
      return { kind: 'restartRefused', value: `its last-refusal note can't be read; ${clear}` };
    }
    const { at, value } = note.value;
    const days = (now - epochMs(at)) / dayMs;
    if (days >= policy.minDaysBetweenReboots) continue;
    return { kind: 'restartRefused', value: `refused ${at} for ${other.name}: ${value}; ${clear}` };
  }
  return undefined;
}

function isForAll(note: ReturnType<typeof readLastRefusal>): boolean {
  return note.kind === 'read' && note.value.scope === 'cluster';
}
