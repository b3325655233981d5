import { Command, InvalidArgumentError } from 'commander';
import type { AzureOptions } from './azure.ts';
import { BadInput } from './badInput.ts';
import type { PreflightOptions } from './preflight.ts';
import type { RecoverOptions } from './recover.ts';
import type { RehearseOptions } from './rehearse.ts';
import type { RunOptions } from './run.ts';
import type { ServeOptions } from './serve.ts';
import type { AzureAsked } from './settings/check.ts';
import { printableLines } from './terminal.ts';
import type { ExplainOptions } from './settings/explain.ts';
import type { FromKuredOptions } from './settings/fromKured.ts';

/** Exit codes: 0 nothing needs a person, 1 something does, 2 bad input. */
const badInputCode = 2;

function several(value: string, before: string[]): string[] {
  return [...before, value];
}

function port(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 0 && number < 65_536) return number;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535.');
}

function speed(value: string): number | 'max' {
  if (value === 'max') return value;
  const number = Number(value);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new InvalidArgumentError('a speed is a number above 0, or "max".');
}

function seed(value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new InvalidArgumentError('a seed is a whole number, 0 or more.');
}

function factor(value: string): number {
  const number = speed(value);
  if (number !== 'max') return number;
  throw new InvalidArgumentError('simulated Azure alone needs a speed in numbers.');
}

// Each command loads its own part of the program: starting is most of what a short one does.
const program = new Command('aks-reboot')
  .description('Reboots the AKS nodes that need it: one at a time, drained first, proved after.')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : badInputCode));

program
  .command('rehearse')
  .description('rehearse a run in simulated Azure: nothing outside this machine is touched')
  .option('--fleet <name|file>', 'the fleet to rehearse with', 'default')
  .option('--settings <file>', 'a settings document; its clusters have to be in the fleet')
  .option('--speed <n|max>', 'times as fast as real; "max" does not wait at all', speed, 'max')
  .option('--seed <n>', 'makes other names, timings and ids', seed)
  .option('--dry-run', 'probe and plan, change nothing')
  .option('--report <file>', 'write the report there, as JSON')
  .option('--audit <file>', 'write what simulated Azure saw there, one JSON object a line')
  .option('--approver <name>', 'who approves at once whatever settings want approved')
  .option('--state <dir>', 'keep history and reports there')
  .action(async (options: RehearseOptions) => {
    const { rehearseCommand } = await import('./rehearse.ts');
    await rehearseCommand(options);
  });

program
  .command('run')
  .description('one run from this terminal, against Azure (or simulated Azure standing alone)')
  .option('--cluster <id>', 'a cluster: ARM id, or a name in the settings; repeat it', several, [])
  .option('--pool <name>', 'only this pool; repeat it', several, [])
  .option('--node <name>', 'only this node; repeat it', several, [])
  .option('--settings <file>', 'a settings document; without it every setting is its default')
  .option('--dry-run', 'probe and plan, change nothing')
  .option('--reason <text>', 'for the report')
  .option('--force <reason>', 'reboot the nodes whether they ask for it or not')
  .option('--take-over <reason>', "take over another controller's claim and marks")
  .option('--resume', 'only go on with unfinished runs')
  .option('--state <dir>', 'where history and reports are kept')
  .option('--report <file>', 'write the report there, as JSON')
  .action(async (options: RunOptions) => {
    const { runCommand } = await import('./run.ts');
    await runCommand(options);
  });

program
  .command('recover')
  .description('finish and undo what dead runs have left on nodes; begin nothing')
  .option('--cluster <id>', 'a cluster: ARM id, or a name in the settings; repeat it', several, [])
  .option('--settings <file>', 'a settings document; without it every setting is its default')
  .option('--reason <text>', 'for the report')
  .option('--take-over <reason>', "take over another controller's claim and marks")
  .option('--state <dir>', 'where history and reports are kept')
  .option('--report <file>', 'write the report there, as JSON')
  .action(async (options: RecoverOptions) => {
    const { recoverCommand } = await import('./recover.ts');
    await recoverCommand(options);
  });

program
  .command('preflight')
  .description('check what has to be true before the first run; changes nothing')
  .option('--cluster <id>', 'a cluster: ARM id, or a name in the settings; repeat it', several, [])
  .option('--settings <file>', 'a settings document; without it every setting is its default')
  .option('--record <dir>', "write what Azure answered there, redacted, for this project's tests")
  .action(async (options: PreflightOptions) => {
    const { preflightCommand } = await import('./preflight.ts');
    await preflightCommand(options);
  });

program
  .command('serve')
  .description('the app on the local host: schedule and HTTP API')
  .option('--port <n>', 'where the HTTP API listens, on 127.0.0.1', port, 7071)
  .option('--settings <file>', 'the settings document', 'settings.json')
  .option('--schedule <ncrontab>', 'when runs start by themselves, UTC', '0 0 * * * *')
  .option('--approver <name>', 'whose word an approval is that comes with the key')
  .option('--state <dir>', 'where history and reports are kept')
  .action(async (options: ServeOptions) => {
    const { serveCommand } = await import('./serve.ts');
    await serveCommand(options);
  });

program
  .command('azure')
  .description('simulated Azure alone; prints how to reach it')
  .option('--port <n>', 'port of ARM; identity and the API servers take the next ones', port, 7443)
  .option('--fleet <name|file>', 'what is in it', 'default')
  .option('--speed <n>', 'times as fast as real', factor, 1)
  .option('--seed <n>', 'makes other names, timings and ids', seed)
  .option('--audit <file>', 'write what it saw there, one JSON object a line')
  .option('--dir <dir>', 'where certificate, environment and kubeconfigs are written')
  .action(async (options: AzureOptions) => {
    const { azureCommand } = await import('./azure.ts');
    await azureCommand(options);
  });

const settings = program
  .command('settings')
  .description('look at a settings document without doing anything');

settings
  .command('check')
  .description('tell everything that is wrong with a settings document, and what is doubtful')
  .argument('<file>', 'the settings document, YAML or JSON; "-" reads standard input')
  .option('--azure', 'ask ARM for the clusters too: pools, and their maintenance schedule')
  .action(async (file: string, options: AzureAsked) => {
    const { checkCommand } = await import('./settings/check.ts');
    await checkCommand(file, options);
  });

settings
  .command('explain')
  .description('what holds for a cluster, a pool or a node, where that is written, when it opens')
  .argument('<file>', 'the settings document, YAML or JSON; "-" reads standard input')
  .requiredOption('--cluster <id>', "the cluster's key, name or ARM id")
  .option('--pool <name>', 'one of its pools')
  .option('--node <name>', 'one of its nodes')
  .option('--azure', 'ask ARM for the cluster too: its maintenance schedule')
  .action(async (file: string, options: ExplainOptions) => {
    const { explainCommand } = await import('./settings/explain.ts');
    await explainCommand(file, options);
  });

settings
  .command('from-kured')
  .description("write kured's flags as settings, with what differs and what has no counterpart")
  .argument('[flags...]', 'flags of kured, KURED_…=value, or "-": a manifest on standard input')
  .option('-f, --file <file>', "kured's DaemonSet, YAML or JSON")
  .option('--cluster <id>', 'ARM id of a cluster to put in; repeat it', several, [])
  .option('--controller <name>', 'name of the installation to put in', 'platform')
  .allowUnknownOption()
  .action(async (flags: string[], options: FromKuredOptions) => {
    const { fromKuredCommand } = await import('./settings/fromKured.ts');
    fromKuredCommand(flags, options);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof BadInput)) throw error;
  console.error(printableLines(`aks-reboot: ${error.message}`));
  process.exitCode = badInputCode;
}
