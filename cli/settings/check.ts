import { doubtsOf } from './doubts.ts';
import { badFile, linesOf, readInput } from '../badInput.ts';
import { checked } from '../localSettings.ts';
import { processClock } from '../processClock.ts';
import { askAzure } from './azure.ts';

export interface AzureAsked {
  azure?: boolean;
}

/**
 * `aks-reboot settings check`: every problem of a document (then it is not right, and `BadInput` is
 * thrown), or else what is doubtful about it.
 */
export async function checkCommand(file: string, asked: AzureAsked): Promise<void> {
  for (const line of await check(file, asked, processClock().now())) console.log(line);
}

/** @param now epoch milliseconds */
export async function check(
  file: string,
  { azure = false }: AzureAsked,
  now: number,
): Promise<string[]> {
  const { text, settings } = checked(file, readInput(file));
  const { facts, problems } = azure
    ? await askAzure(settings.clusters)
    : { facts: new Map(), problems: [] };
  if (problems.length > 0) throw badFile(file, problems);
  const doubts = doubtsOf(text, settings, facts, now);
  const of = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  const sum = `${of(settings.clusters.length, 'cluster')}, ${of(doubts.length, 'doubt')}`;
  return [`${file} is right: ${sum}`, ...linesOf(file, doubts)];
}
