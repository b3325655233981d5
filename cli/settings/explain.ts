import { Temporal } from 'temporal-polyfill';
import type { Maintenance } from '../../src/domain/maintenance.ts';
import { printable } from '../../src/domain/trouble.ts';
import { chooseClusters } from '../../src/policy/choice.ts';
import { explain } from './explained.ts';
import type { Explained } from './explained.ts';
import { parseDocument } from '../../src/policy/problem.ts';
import { policyOf, settingsSchema } from '../../src/policy/settings.ts';
import type { ClusterSettings, Policy } from '../../src/policy/settings.ts';
import { nextOpenings, viewWindows } from '../../src/policy/window.ts';
import { BadInput, badFile, readInput } from '../badInput.ts';
import { checked } from '../localSettings.ts';
import { processClock } from '../processClock.ts';
import { askAzure } from './azure.ts';
import type { AzureAsked } from './check.ts';

export interface ExplainOptions extends AzureAsked {
  cluster: string;
  pool?: string;
  node?: string;
}

/** `aks-reboot settings explain`: what holds, where it is written, and when it opens next. */
export async function explainCommand(file: string, options: ExplainOptions): Promise<void> {
  const lines = await explained(file, options, processClock().now());
  for (const line of lines) console.log(printable(line));
}

/** @param now epoch milliseconds */
export async function explained(
  file: string,
  options: ExplainOptions,
  now: number,
): Promise<string[]> {
  const { text, settings } = checked(file, readInput(file));
  const chosen = chooseClusters(settings, [options.cluster]);
  if (chosen.kind === 'refused') throw new BadInput(chosen.reasons[0]?.value ?? '');
  const [cluster, another] = chosen.clusters;
  if (cluster === undefined) throw new BadInput(`no cluster is named ${options.cluster}`);
  if (another !== undefined) {
    const keys = chosen.clusters.map(({ key }) => key).join(', ');
    throw new BadInput(`several clusters are named ${options.cluster}: say which, ${keys}`);
  }
  const pool = poolOf(options);
  const document = parseDocument(text, settingsSchema, '(document)');
  if (document.kind === 'bad') throw badFile(file, document.problems);
  const policy = pool === undefined ? cluster.policy : policyOf(cluster, pool);
  const maintenance = await maintenanceOf(cluster, options);
  return [
    ...titleOf(cluster, pool, options.node),
    '',
    ...table(explain(document.value, settings.clusters.indexOf(cluster), pool), pool),
    '',
    ...openingLines(policy, maintenance, now),
  ];
}

function titleOf({ key, id, pools }: ClusterSettings, pool?: string, node?: string): string[] {
  const where = pool === undefined ? '' : `, pool ${pool}`;
  const which = node === undefined ? '' : `, node ${node}`;
  const differing = pool === undefined ? [...pools.keys()] : [];
  const more = differing.length > 0 ? [`Pools that differ: ${differing.join(', ')}`] : [];
  return [`Cluster ${key}${where}${which}`, id.id, ...more];
}

/** AKS names nodes `aks-<pool>-<number>-vmss<place>`; the pool of others has to be said. */
function poolOf({ pool, node }: ExplainOptions): string | undefined {
  const [, named] = /^aks-([a-z][a-z0-9]*)-/u.exec(node ?? '') ?? [];
  if (node !== undefined && named === undefined && pool === undefined) {
    throw new BadInput(`the name of node ${node} does not tell its pool: say --pool`);
  }
  if (pool !== undefined && named !== undefined && pool.toLowerCase() !== named) {
    throw new BadInput(`node ${node} is of pool ${named}, not of ${pool}`);
  }
  return pool?.toLowerCase() ?? named;
}

function table(explained: readonly Explained[], pool: string | undefined): string[] {
  const rows = explained.flatMap(({ name, value, from }) => {
    const origin = from === 'pool' ? `pool ${pool}` : from;
    const [first = '[]', ...more] = valuesOf(value);
    return [[name, origin, first], ...more.map((line) => ['', '', line])];
  });
  const all = [['SETTING', 'FROM', 'VALUE'], ...rows];
  const widthOf = (column: number) => Math.max(...all.map((cells) => cells[column]?.length ?? 0));
  const [names, origins] = [widthOf(0), widthOf(1)];
  return all.map(([name = '', from = '', value = '']) =>
    `${name.padEnd(names)}  ${from.padEnd(origins)}  ${value}`.trimEnd(),
  );
}

/** Lists of objects take a line for each entry. */
function valuesOf(value: unknown): string[] {
  const many = Array.isArray(value) && value.some((entry) => typeof entry === 'object');
  return many ? value.map((entry: unknown) => JSON.stringify(entry)) : [JSON.stringify(value)];
}

async function maintenanceOf(
  cluster: ClusterSettings,
  { azure = false }: ExplainOptions,
): Promise<Maintenance> {
  if (!azure) return { kind: 'unknown', value: 'the cluster was not asked (--azure asks it)' };
  const { facts, problems } = await askAzure([cluster]);
  const known = facts.get(cluster.key)?.maintenance;
  if (known !== undefined) return known;
  throw new BadInput(problems.map(({ path, problem }) => `${path} ${problem}`).join('; '));
}

const manyOpenings = 5;

function openingLines(policy: Policy, maintenance: Maintenance, now: number): string[] {
  const view = viewWindows(policy, maintenance, now);
  if (view.kind === 'open' && view.closesAt === Number.POSITIVE_INFINITY) {
    return ['Always open: there are no windows.'];
  }
  const openings = nextOpenings(policy, maintenance, now, manyOpenings);
  const why = view.kind === 'closed' && view.why !== undefined ? [`  not known: ${view.why}`] : [];
  const head = `${view.kind === 'open' ? 'Open now' : 'Closed now'} (times of ${policy.timeZone})`;
  const lines = openings.map(
    ({ opensAt, closesAt }) =>
      `  ${at(opensAt, policy.timeZone)} to ${at(closesAt, policy.timeZone)}`,
  );
  return [head, ...why, ...(lines.length > 0 ? lines : ['  no opening is known'])];
}

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function at(epoch: number, timeZone: string): string {
  const there = Temporal.Instant.fromEpochMilliseconds(epoch).toZonedDateTimeISO(timeZone);
  const time = there.toPlainDateTime().toString({ smallestUnit: 'minute' }).replace('T', ' ');
  return `${days[there.dayOfWeek - 1]} ${time}`;
}
