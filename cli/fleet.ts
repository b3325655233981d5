import { readFleet } from '../local/azure/fleet.ts';
import type { Fleet } from '../local/azure/fleet.ts';
import { badFile } from './badInput.ts';

/** The fleet of that name or file. Throws `BadInput` with every problem. */
export function fleetNamed(pathOrName: string): Fleet {
  const read = readFleet(pathOrName);
  if (read.kind === 'fleet') return read.value;
  throw badFile(
    `the fleet ${pathOrName}`,
    read.value.map(({ path, found, expected }) => ({
      path,
      problem: `expected ${expected}, found ${found}`,
    })),
  );
}
