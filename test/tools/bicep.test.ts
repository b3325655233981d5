/** The real Bicep compiler on what is deployed. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSettings } from '../../src/policy/settings.ts';
import { bicep, restoredCompiler } from '../../infra/compiler/compiler.ts';

const infra = join(import.meta.dirname, '../../infra');

/** Without .NET there is no compiler: then these are skipped, except in CI, which has to have it. */
const compiler = await restoredCompiler().catch((error: unknown) => {
  if (process.env['CI'] === 'true') throw error;
  console.log('Skipped: there is no Bicep compiler here, and no .NET SDK that could bring it.');
  return undefined;
});
const suite = compiler === undefined ? describe.skip : describe;

suite('the Bicep compiler', () => {
  const copy = mkdtempSync(join(tmpdir(), 'aks-reboot-bicep-'));
  const run = (...words: string[]) => bicep(compiler ?? '', words, copy);
  const original = (file: string) => readFileSync(join(infra, file), 'utf8');
  const parameters = (file: string) =>
    JSON.parse(readFileSync(join(copy, file), 'utf8')) as Record<'parameters', object>;
  beforeAll(() => cpSync(infra, copy, { recursive: true }));
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  it('compiles everything without a warning, to the template that is committed', async () => {
    expect(await run('build', 'main.bicep', '--stdout')).toBe(original('azuredeploy.json'));
  });

  it('finds everything formatted as it would', async () => {
    await run('format', '--pattern', '**/*.bicep');
    const files = readdirSync(infra, { recursive: true, encoding: 'utf8' }).filter(
      // The types of the settings are written by a program.
      (file) => /\.bicep(?:param)?$/u.test(file) && file !== 'settings.types.bicep',
    );
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) {
      expect({ file, text: readFileSync(join(copy, file), 'utf8') }).toEqual({
        file,
        text: original(file),
      });
    }
  });

  it('takes the parameters of five situations', async () => {
    await run('build-params', '--pattern', 'situations/*.bicepparam');
    const situations = readdirSync(join(copy, 'situations')).filter((name) =>
      name.endsWith('.json'),
    );
    expect(situations).toEqual([
      'everything.json',
      'minimal.json',
      'private.json',
      'scheduler.json',
      'twoSubscriptions.json',
    ]);
    for (const name of situations) {
      expect(parameters(`situations/${name}`)).toHaveProperty('parameters.settings.value.clusters');
    }
    const { parameters: everything } = parameters('situations/everything.json');
    const template = JSON.parse(original('azuredeploy.json')) as Record<'parameters', object>;
    expect(new Set(Object.keys(everything))).toEqual(new Set(Object.keys(template.parameters)));
  });

  it('takes what the deploy guide has one write', async () => {
    const guide = readFileSync(join(infra, '../docs/deploy.md'), 'utf8');
    const block = (language: string) =>
      new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'u').exec(guide)?.[1] ?? '';
    const settings = block('yaml');
    expect(parseSettings(settings)).toMatchObject({
      kind: 'ok',
      value: { scheduledRuns: 'dryRun' },
    });
    writeFileSync(join(copy, 'settings.yaml'), settings);
    const production = block('bicep').replace("'../settings.yaml'", "'settings.yaml'");
    writeFileSync(join(copy, 'production.bicepparam'), production);
    await run('build-params', 'production.bicepparam');
    expect(parameters('production.json')).toHaveProperty('parameters.settings.value.controller');
  });

  it('takes what azd gives it', async () => {
    const one = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService';
    process.env['AKS_CLUSTER_IDS'] = `${one}/managedClusters/a, ${one}/managedClusters/b`;
    await run('build-params', 'main.bicepparam');
    delete process.env['AKS_CLUSTER_IDS'];
    expect(parameters('main.json')).toMatchObject({
      parameters: {
        settings: {
          value: {
            controller: 'aks-reboot',
            scheduledRuns: 'dryRun',
            clusters: [{ id: `${one}/managedClusters/a` }, { id: `${one}/managedClusters/b` }],
          },
        },
      },
    });
  });

  it('refuses what is wrong in the settings document, all of it at once', async () => {
    const minimal = original('situations/minimal.bicepparam');
    const wrong = "defaults: { concurency: 2, concurrency: 99, spot: 'maybe' }";
    const file = 'situations/wrong.bicepparam';
    writeFileSync(join(copy, file), minimal.replace("scheduledRuns: 'dryRun'", wrong));
    const told: unknown = await run('build-params', file).catch((error: unknown) => error);
    for (const complaint of ['concurency', '50', 'maybe'])
      expect(String(told)).toContain(complaint);
  });
});
