import { sameArmId } from '../domain/arm.ts';
import { isoInstant } from '../domain/instant.ts';
import { fleetScope, lockEntityName } from '../lock/entity.ts';
import { activeHold, parseLock } from '../lock/lock.ts';
import { parseSettings } from '../policy/settings.ts';
import type { Settings } from '../policy/settings.ts';
import { refuse, reply } from './reply.ts';
import type { Reply } from './reply.ts';
import { holdBody, parseBody } from './requests.ts';
import type { Counter } from './runs.ts';

/** `GET /api/locks`: who works on which cluster, which nodes hold slots, and which holds stand. */
export async function getLocks(counter: Counter): Promise<Reply> {
  const settings = await settingsOf(counter);
  if (settings.kind === 'refused') return settings.reply;
  const scopes = [
    { scope: fleetScope, id: '' },
    ...settings.value.clusters.map(({ key, id }) => ({ scope: key, id: id.id })),
  ];
  const now = counter.clock.now();
  const locks = await Promise.all(
    scopes.map(async ({ scope, id }) => {
      const lock = parseLock(await counter.durable.entity(lockEntityName, scope));
      const { owner, slots } = lock;
      return { scope, id, owner, slots, hold: activeHold(lock, now) };
    }),
  );
  return reply(200, { locks });
}

/** `PUT /api/locks/{scope}/hold`: a person's stop sign for a cluster, or for the `fleet`. */
export async function putHold(counter: Counter, scope: string, body: string): Promise<Reply> {
  const parsed = parseBody(body, holdBody);
  if (parsed.kind === 'bad') return refuse('badRequest', 'the body is not right', parsed.problems);
  const known = await knownScope(counter, scope);
  if (known.kind === 'refused') return known.reply;
  const now = counter.clock.now();
  const { who, why } = parsed.value;
  const until = parsed.value.until && isoInstant(Date.parse(parsed.value.until));
  if (until !== undefined && Date.parse(until) <= now) {
    const problem = `has passed already: it is ${isoInstant(now)}`;
    return refuse('badRequest', 'the body is not right', [{ path: 'until', problem }]);
  }
  const hold = { who, why, now: isoInstant(now), ...(until === undefined ? {} : { until }) };
  await counter.durable.signal(lockEntityName, known.scope, 'hold', hold);
  counter.log({ level: 'warn', message: 'hold', detail: { scope: known.scope, ...hold } });
  return reply(202, { scope: known.scope, hold });
}

/** `DELETE /api/locks/{scope}/hold`: lifts it. Lifting what is not held is fine. */
export async function deleteHold(counter: Counter, scope: string): Promise<Reply> {
  const known = await knownScope(counter, scope);
  if (known.kind === 'refused') return known.reply;
  await counter.durable.signal(lockEntityName, known.scope, 'lift', {});
  counter.log({ level: 'warn', message: 'hold lifted', detail: { scope: known.scope } });
  return reply(202, { scope: known.scope, hold: null });
}

async function knownScope(counter: Counter, scope: string) {
  if (scope === fleetScope) return { kind: 'known' as const, scope };
  const settings = await settingsOf(counter);
  if (settings.kind === 'refused') return settings;
  const matches = settings.value.clusters.filter(({ key, id }) =>
    [key, id.name].some((name) => sameArmId(name, scope)),
  );
  const [only, ...others] = matches;
  if (only !== undefined && others.length === 0) return { kind: 'known' as const, scope: only.key };
  const message =
    only === undefined
      ? `there is no scope "${scope}": it is "${fleetScope}" or a cluster's key or name`
      : `several clusters are called "${scope}"; use a key: ` +
        matches.map(({ key }) => key).join(', ');
  return { kind: 'refused' as const, reply: refuse('notFound', message) };
}

async function settingsOf(
  counter: Counter,
): Promise<{ kind: 'ok'; value: Settings } | { kind: 'refused'; reply: Reply }> {
  const parsed = parseSettings(await counter.settingsText());
  if (parsed.kind === 'ok') return parsed;
  const reply = refuse('misconfigured', 'the settings are not right', parsed.problems);
  return { kind: 'refused', reply };
}
