/** What is deployed to Azure, asserted on the compiled template that is committed. */
import { readFileSync } from 'node:fs';
import { load, loadAll } from 'js-yaml';
import { isFresh } from '../../infra/compile.ts';
import { featuresOf, readRoles } from '../../infra/generate/roles.ts';
import { readTemplate, templatesIn } from './template.ts';
import type { Resource } from './template.ts';

const root = `${import.meta.dirname}/../..`;
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8');
const whole = readTemplate();
const all = templatesIn(whole);
const text = JSON.stringify(whole);
const resources = all.flatMap(({ template }) => Object.values(template.resources));

function ofType(type: string): Resource[] {
  const found = resources.filter((resource) => resource.type === type && !resource.existing);
  if (found.length === 0) throw new Error(`the template has no ${type}`);
  return found;
}
function only(type: string): Resource & { properties: Record<string, unknown> } {
  const [first, ...more] = ofType(type);
  if (first?.properties === undefined || more.length > 0) throw new Error(`not one ${type}`);
  return { ...first, properties: first.properties };
}

describe('the compiled template', () => {
  it('is fresh; if not, run: npm run bicep', () => {
    expect(isFresh()).toBe(true);
  });

  it('explains every parameter, and bounds what can be wrong', () => {
    for (const [name, { metadata }] of Object.entries(whole.parameters)) {
      expect({ name, description: metadata?.description }).toEqual({
        name,
        description: expect.stringMatching(/\.$/u),
      });
    }
    expect(whole.parameters['name']).toMatchObject({ minLength: 2, maxLength: 20 });
  });

  it('makes the same names each time', () => {
    expect(text).not.toMatch(/newGuid\(|utcNow\(/u);
  });
});

describe('the storage account', () => {
  const { properties } = only('Microsoft.Storage/storageAccounts');

  it('has no shared keys, no public blobs, TLS 1.2 at least', () => {
    expect(properties).toMatchObject({
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      allowCrossTenantReplication: false,
      defaultToOAuthAuthentication: true,
      minimumTlsVersion: 'TLS1_2',
      supportsHttpsTrafficOnly: true,
    });
    for (const container of ofType('Microsoft.Storage/storageAccounts/blobServices/containers')) {
      expect(container.properties).toEqual({ publicAccess: 'None' });
    }
  });

  it('is closed to the public network when it is private', () => {
    expect(properties['publicNetworkAccess']).toBe(
      "[if(parameters('isPrivate'), 'Disabled', 'Enabled')]",
    );
  });
});

describe('secrets', () => {
  it('are nowhere: no keys are asked for, put out, or set', () => {
    expect(text).not.toMatch(/list(?:Keys|Secrets|Credentials|AccountSas|ServiceSas)\w*\(/iu);
    expect(text).not.toMatch(/AccountKey=|SharedAccess|primaryKey|InstrumentationKey\b/iu);
    expect(text).not.toMatch(/"type":"secure(?:String|Object)"/iu);
  });

  it('are not needed: telemetry and logs take Entra identities only', () => {
    expect(only('Microsoft.Insights/components').properties).toMatchObject({
      DisableLocalAuth: true,
    });
    expect(only('Microsoft.OperationalInsights/workspaces').properties).toMatchObject({
      features: { disableLocalAuth: true },
    });
  });
});

describe('the app', () => {
  const site = only('Microsoft.Web/sites');

  it('speaks TLS 1.2 at least, and is deployed by Entra identities only', () => {
    expect(site.properties).toMatchObject({
      httpsOnly: true,
      siteConfig: { minTlsVersion: '1.2', scmMinTlsVersion: '1.2', ftpsState: 'Disabled' },
    });
    const policies = ofType('Microsoft.Web/sites/basicPublishingCredentialsPolicies');
    expect(policies).toHaveLength(2);
    for (const { properties } of policies) expect(properties).toEqual({ allow: false });
  });

  it('has one identity, and reads its package with it', () => {
    expect(site).toMatchObject({
      identity: { type: 'UserAssigned' },
      properties: {
        functionAppConfig: {
          deployment: {
            storage: { type: 'blobContainer', authentication: { type: 'UserAssignedIdentity' } },
          },
          runtime: { name: 'node' },
        },
      },
    });
  });

  it('lets nobody in without a token where sign-in is on', () => {
    const configs = ofType('Microsoft.Web/sites/config');
    const auth = configs.find(({ name }) => name.includes('authsettingsV2'));
    expect(auth?.properties).toMatchObject({
      platform: { enabled: true },
      globalValidation: { requireAuthentication: true, unauthenticatedClientAction: 'Return401' },
    });
  });
});

describe('app settings', () => {
  const config = ofType('Microsoft.Web/sites/config').find(({ name }) =>
    name.includes('appsettings'),
  );
  const module = all.find(({ template }) =>
    Object.values(template.resources).some(({ type }) => type === 'Microsoft.Web/sites'),
  );
  const expressions = JSON.stringify([config?.properties, module?.template.variables]);
  const named =
    /(AzureFunctionsJobHost|AzureWebJobsStorage|APPLICATIONINSIGHTS|AZURE|REBOOT|TASKHUB|DURABLE)_\w+/gu;
  const set = new Set(
    [...expressions.matchAll(named)]
      .map(([name]) => name)
      .filter((name) => name !== 'AzureFunctionsJobHost__extensions__durableTask'),
  );

  const sources = ['src/environment.ts', 'functions/main.ts'].map(read).join('\n');
  const known = new Set([
    ...[...sources.matchAll(/\[['"]([A-Za-z_]+)['"]\]/gu)].map(([, name = '']) => name),
    ...[...read('host.json').matchAll(/%([A-Z_]+)%/gu)].map(([, name = '']) => name),
  ]);
  /** The Functions host's, its extensions' and the platform's; each with who reads it. */
  const hosts = [
    'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
    'APPLICATIONINSIGHTS_CONNECTION_STRING',
    'AzureWebJobsStorage__clientId',
    'AzureWebJobsStorage__credential',
    'AzureWebJobsStorage__queueServiceUri',
    'AzureWebJobsStorage__tableServiceUri',
    'DURABLE_TASK_SCHEDULER_CONNECTION_STRING',
  ];
  /** Azure's own, and ways of other places, or of who would not keep to identities. */
  const elsewhere = [
    'AzureWebJobsStorage',
    'AzureWebJobsStorage__accountName',
    'REBOOT_PROMETHEUS_AUDIENCE',
    'REBOOT_REPORTS_DIR',
    'REBOOT_SETTINGS_FILE',
    'WEBSITE_AUTH_ENABLED',
  ];

  it('are those that the code and the host read, and no other', () => {
    const ours = [...set].filter((name) => !hosts.includes(name));
    expect(ours.filter((name) => !known.has(name))).toEqual([]);
    const missing = [...known].filter((name) => !set.has(name) && !elsewhere.includes(name));
    expect(missing).toEqual([]);
    expect(hosts.filter((name) => !set.has(name))).toEqual([]);
  });

  it('override what stands in host.json', () => {
    const path = /AzureFunctionsJobHost__extensions__durableTask|\{0\}__storageProvider__(\w+)/gu;
    const overridden = [...expressions.matchAll(path)].flatMap(([, name]) => name ?? []);
    expect([...new Set(overridden)].sort()).toEqual(['maxQueuePollingInterval', 'partitionCount']);
    expect(JSON.parse(read('host.json'))).toMatchObject({
      extensions: { durableTask: { storageProvider: {} } },
    });
  });

  it('connect by identity', () => {
    expect(expressions).toContain("'managedidentity'");
    expect(expressions).toContain('Authentication=ManagedIdentity');
    expect(expressions).toContain('Authorization=AAD');
  });
});

describe('roles', () => {
  const roles = readRoles(root);
  const assignments = all.flatMap(({ template, within }) =>
    Object.values(template.resources)
      .filter(({ type }) => type === 'Microsoft.Authorization/roleAssignments')
      .map((assignment) => ({ assignment, within })),
  );

  it('are assigned on single resources, and on node resource groups', () => {
    const scopes = assignments.map(({ assignment, within }) => {
      const type = /resourceId\('([^']+)'/u.exec(assignment.scope ?? '')?.[1];
      return type ?? within.at(-1)?.resourceGroup;
    });
    expect(scopes.map(String).sort()).toEqual([
      'Microsoft.ContainerService/managedClusters',
      'Microsoft.ContainerService/managedClusters',
      'Microsoft.DurableTask/schedulers/taskHubs',
      'Microsoft.Insights/components',
      'Microsoft.Monitor/accounts',
      'Microsoft.Storage/storageAccounts',
      "[parameters('nodeResourceGroup')]",
      'undefined',
    ]);
    // The one on the subscription is there only where alerts of Azure Monitor are asked for.
    const wide = assignments.find(({ assignment }) => assignment.name.includes("'subscription'"));
    expect(wide?.assignment.condition).toBe("[not(empty(variables('subscriptionActions')))]");
    for (const { assignment } of assignments) {
      expect(assignment.properties).toMatchObject({ principalType: 'ServicePrincipal' });
    }
  });

  it('have the actions of infra/roles, all of them by name', () => {
    const loaded = all.flatMap(({ template }) =>
      Object.entries(template.variables ?? {})
        .filter(([name]) => name.startsWith('$fxv#'))
        .map(([, value]) => value),
    );
    expect(loaded).toEqual([roles.cluster, roles.nodes, roles.subscription, roles.kubernetes]);
    const azure = [roles.cluster, roles.nodes, roles.subscription];
    for (const { sections } of azure) {
      const actions = sections.flatMap(({ rights }) => rights.map(({ action }) => action));
      expect(actions.filter((action) => action.includes('*'))).toEqual([]);
      expect(new Set(actions).size).toBe(actions.length);
    }
    for (const { properties } of ofType('Microsoft.Authorization/roleDefinitions')) {
      expect(properties).toMatchObject({ type: 'CustomRole' });
      expect(JSON.stringify(properties)).not.toContain('*');
    }
  });

  it('know every feature that a section is for', () => {
    expect(whole.definitions?.['feature']?.allowedValues).toEqual(featuresOf(roles).sort());
  });
});

describe('alerts', () => {
  const queries = JSON.stringify(
    all.flatMap(({ template }) => template.variables?.['rules'] ?? []),
  );

  it('ask for log lines and fields that the app writes', () => {
    const code = ['src/domain/attention.ts', 'src/activities/run.ts', 'src/activities/cluster.ts'];
    const written = code.map(read).join('\n');
    const variables = all.flatMap(({ template }) => Object.values(template.variables ?? {}));
    const asked = JSON.stringify(variables);
    const messages = [...asked.matchAll(/line\.message == ''([^']+)''/gu)];
    expect(new Set(messages.map(([, message]) => message))).toEqual(
      new Set(['run closed', 'cluster closed']),
    );
    for (const [, message] of messages) expect(written).toContain(`message: '${message}'`);
    const fields = [...asked.matchAll(/line\.detail\.(\w+)/gu)].map(([, field = '']) => field);
    expect(new Set(fields)).toEqual(
      new Set(['source', 'purpose', 'dryRun', 'needsPerson', 'halted', 'oldestNeedDays']),
    );
    for (const field of fields) expect(written).toMatch(new RegExp(`\\b${field}\\b`, 'u'));
  });

  it('are of four kinds', () => {
    for (const name of ['no-run', 'needs-person', 'halted', 'old-need']) {
      expect(queries).toContain(`"name":"${name}"`);
    }
  });
});

describe('the ways to deploy', () => {
  const yaml = (path: string) => load(read(path)) as Record<string, unknown>;
  const outputs = Object.keys(whole.outputs ?? {});

  it('by azd: finds the app by its tag, and packs what the build has written', () => {
    const { services } = yaml('azure.yaml');
    expect(services).toMatchObject({ app: { dist: 'dist/app', remoteBuild: false } });
    expect(text).toContain("createObject('azd-service-name', 'app')");
    expect(outputs).toContain('REBOOT_BACKEND');
    expect(read('build.ts')).toContain("process.env['REBOOT_BACKEND']");
  });

  it('by GitHub Actions: signs in without a secret, and asks for outputs that there are', () => {
    const workflow = read('.github/workflows/deploy.yml');
    expect(yaml('.github/workflows/deploy.yml')).toMatchObject({
      permissions: { contents: 'read', 'id-token': 'write' },
    });
    expect(workflow).not.toMatch(/secrets\./u);
    const asked = [...workflow.matchAll(/\$\(value (\w+)\)/gu)].map(([, name]) => name);
    const known = outputs.map((name) => name.toLowerCase());
    expect(asked.filter((name) => !known.includes(name ?? ''))).toEqual([]);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const run = [...workflow.matchAll(/npm run (\w+)/gu)].map(([, name = '']) => name);
    expect(run.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('by hand: the guide asks for outputs that there are', () => {
    const asked = [...read('docs/deploy.md').matchAll(/\$\(output (\w+)\)/gu)];
    expect(asked.length).toBeGreaterThan(3);
    expect(outputs).toEqual(expect.arrayContaining(asked.map(([, name]) => name)));
  });

  it('in the clusters: manifests bind their roles to the identity, and to nobody else', () => {
    for (const name of ['rbac.yaml', 'rbac-delete-pods.yaml']) {
      const documents = loadAll(read(`infra/kubernetes/${name}`)) as Record<string, object>[];
      const roles = documents.filter(({ rules }) => rules !== undefined);
      const bindings = documents.filter(({ subjects }) => subjects !== undefined);
      expect(bindings).toHaveLength(roles.length);
      for (const binding of bindings) {
        const apiGroup = 'rbac.authorization.k8s.io';
        expect(binding['subjects']).toEqual([{ apiGroup, kind: 'User', name: 'OBJECT_ID' }]);
        const { kind, name } = binding['roleRef'] as Record<string, unknown>;
        const { namespace } = binding['metadata'] as Record<string, unknown>;
        expect(roles).toContainEqual(
          expect.objectContaining({
            kind,
            metadata: { name, ...(namespace ? { namespace } : {}) },
          }),
        );
      }
    }
    expect(read('infra/kubernetes/rbac.yaml')).not.toContain("'*'");
  });
});
